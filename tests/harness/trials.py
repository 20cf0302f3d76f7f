"""Commands on bad input: what each must leave alone, and how it must answer."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, settings

from harness.cli.main import main
from tests.harness.conftest import Invoke

FULL = os.environ.get("HARNESS_TEST_COUNTS") == "full"
SUITE = "bertram/table1"
ROW = f"{SUITE}/04-all-three"
FEW = ("--set", "epochs=1", "--set", "sst.rows=8", "--set", "quora.rows=8", "--set", "sts.rows=8", "--device", "cpu")
RUN = ("run", ROW, *FEW, "--seeds", "1", "--jobs", "1", "--no-report")
SLANG = re.compile(
    r"Traceback|Errno|NoneType|has no attribute|<class|unhashable|subscriptable|list index|out of range|codec can't"
    r"|not supported between|unexpected keyword|positional argument|invalid literal|object of type"
    r"|(Value|Type|Attribute|OS|Runtime|Index)Error:"
)
LONGEST = 1500  # characters of a sentence: it may hold a file name and an option as long as they may be


def few(quick: int, full: int) -> settings:
    """So many examples, always the same ones. All examples of a test share its folder, so each takes one of its own."""
    return settings(
        max_examples=full if FULL else quick,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def answered(result: Result) -> str:
    """What a command said: one printable sentence where it ends with 2, and never a traceback."""
    assert result.exit_code in (0, 1, 2), (result.exit_code, result.output)
    assert not SLANG.search(result.output), result.output
    if result.exit_code < 2:
        return result.output
    said = result.stderr.strip("\n")
    if said.startswith("Usage: "):  # what click finds wrong with an option it tells in its own way
        said = said.rpartition("\n")[2]
    assert said.lower().startswith("error: "), said
    assert 20 < len(said) < LONGEST, said
    assert not {unicodedata.category(letter) for letter in said} & {"Cc", "Cs", "Zl", "Zp"}, repr(said)
    return said


def files(folder: Path) -> dict[str, bytes]:
    """All that is under a folder: content of files, targets of links."""
    return {
        str(path.relative_to(folder)): content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def content(path: Path) -> bytes:
    if path.is_symlink():
        return os.readlink(path).encode()
    return path.read_bytes() if os.access(path, os.R_OK) else b"closed"


def put(contents: dict[str, bytes], folder: Path) -> Path:
    """The folder, with these files."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def workers() -> Iterator[None]:
    """Worker processes that fork off one that has imported everything, in place of some seconds of imports each."""
    real = multiprocessing.get_context
    bert = [f"transformers.models.bert.{name}" for name in ("modeling_bert", "tokenization_bert")]
    multiprocessing.set_forkserver_preload(
        ["harness.execution.train_cell", "transformers.models.auto.modeling_auto", *bert]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiprocessing, "get_context", lambda method=None: real("forkserver"))
        yield


@functools.cache
def trained_with(encoder: Path) -> dict[str, bytes]:
    """The files of a results folder in which two seeds of ``ROW`` were trained and their weights were kept."""
    with tempfile.TemporaryDirectory() as folder:
        words = [*RUN, "--seeds", "2", "--keep", "selected", "--encoder", encoder, "--home", Path(folder) / "home"]
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exit_code == 0, result.output
        return files(Path(folder) / "home")


class Trial:
    """The command line, with a results folder for each example in which ``ROW`` is trained, and a folder for bad
    files."""

    def __init__(self, invoke: Invoke, root: Path, trained: dict[str, bytes], encoder: Path) -> None:
        self.invoke, self.root, self.trained, self.encoder = invoke, root, trained, encoder
        self._numbers = itertools.count()

    def fresh(self) -> Path:
        """A new folder with a trained home in it."""
        folder = self.root / f"example-{next(self._numbers)}"
        put(self.trained, folder / "home")
        return folder

    def __call__(self, folder: Path, *words: object) -> str:
        """Run a command on the folder's home and check its answer, that it left finished cells alone (and all else,
        unless it trained), and that the next command finds the results folder as it was."""
        home = folder / "home"
        before = files(home)
        options = words.index("--") if "--" in words else len(words)
        result = self.invoke(*words[:options], "--home", home, *words[options:])
        said, after = answered(result), files(home)
        if words[0] == "run" and "--dry-run" not in words and result.exit_code != 2:
            check_table(result)
            before = {name: content for name, content in before.items() if name.startswith("cells/")}
            after = {name: content for name, content in after.items() if name in before}
        assert after == before
        next_one = self.invoke(*RUN, "--encoder", self.encoder, "--home", home, "--dry-run")
        assert next_one.exit_code == 0
        assert "1 distinct cells: 1 done, 0 left" in next_one.output
        return f"{result.exit_code} {said}"


def check_table(result: Result) -> None:
    """The table says what was done; a failed cell is named with its reason."""
    output = " ".join(result.output.split())
    if result.exit_code == 0:
        assert "1 of 1 done" in output, output
    else:
        assert "0 of 1 done, 1 failed" in output, output
        reason = re.search(r"failed: \S+\[.*?\] seed 0: (.*?) --retry-failed trains them again", output)
        assert reason is not None, output
        assert len(reason[1]) > 20, output


@pytest.fixture
def trial(invoke: Invoke, tmp_path: Path, encoder: Path, workers: None) -> Trial:
    return Trial(invoke, tmp_path, trained_with(encoder), encoder)
