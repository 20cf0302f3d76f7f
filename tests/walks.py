"""The README's walks, done as written: ``python -m tests.walks`` times each in a folder of its own."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from model.data.course import LAYOUTS
from model.data.synthetic import embedded
from model.task import CFIMDB
from tests import ROOT

README = ROOT / "README.md"


@dataclasses.dataclass(frozen=True)
class Walk:
    """A section: the files that it has the user write, by name, and the blocks of commands."""

    title: str
    files: dict[str, str]
    blocks: tuple[str, ...]

    @property
    def lines(self) -> int:
        """The lines that the user writes, blank ones apart."""
        return sum(bool(line.strip()) for text in self.files.values() for line in text.splitlines())


def read_walks() -> list[Walk]:
    text = README.read_text(encoding="utf-8")
    (section,) = re.findall(r"^## Five walkthroughs\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    return [read_walk(*part.split("\n", 1)) for part in re.split(r"^### \d\. ", section, flags=re.MULTILINE)[1:]]


def read_walk(title: str, text: str) -> Walk:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    files = dict(code.removeprefix("# ").split("\n", 1) for kind, code in blocks if kind == "python")
    files |= dict(re.findall(r"^`([\w.]+)`:\n\n```csv\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    return Walk(title, files, tuple(code for kind, code in blocks if kind == "sh"))


def write_course_data(folder: Path) -> Path:
    """A folder of the course's files, with generated sentences."""
    folder.mkdir()
    for (task, split), examples in embedded().splits.items():
        if task == CFIMDB.name or split == "test":
            continue
        layout = LAYOUTS[task]
        lines = ["\t".join(("", "id", *layout.texts, layout.label))]
        rows = zip(examples.ids, examples.texts, examples.labels.tolist(), strict=True)
        lines += ["\t".join((str(at), name, *texts, str(label))) for at, (name, texts, label) in enumerate(rows)]
        (folder / layout.file(split)).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_files(walk: Walk, folder: Path) -> None:
    for name, text in walk.files.items():
        (folder / name).write_text(text, encoding="utf-8")


def environment_of(folder: Path) -> dict[str, str]:
    """This interpreter's commands first, and no state but the folder's."""
    ours = ("HARNESS_HOME", "MLFLOW_TRACKING_URI")
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    path = os.pathsep.join((str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)))
    return inherited | {"PATH": path, "COURSE_DATA": str(folder / "course"), "COLUMNS": "100"}


def run_walks(folder: Path) -> Iterator[tuple[Walk, float, str]]:
    """Each walk after the other, with its seconds and its output. ``AssertionError`` for one that fails."""
    write_course_data(folder / "course")
    for each in read_walks():
        began = time.monotonic()
        write_files(each, folder)
        outputs = []
        for block in each.blocks:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block],
                cwd=folder,
                env=environment_of(folder),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{each.title}\n{block}\n{done.stdout}"
            assert "Traceback" not in done.stdout, done.stdout
            outputs.append(done.stdout)
        yield each, time.monotonic() - began, "\n".join(outputs)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        for each, seconds, _ in run_walks(Path(name)):
            wrote = f"{len(each.files)} files, {each.lines} lines" if each.files else "nothing written"
            print(f"{each.title:<40} {seconds:6.0f} s  {wrote}", flush=True)


if __name__ == "__main__":
    main()
