"""Suites in a user's own file, with a technique of his own beside it, and in an installed package."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cells.record import read_records
from harness.registry import plugins
from tests.harness.conftest import Invoke
from tests.harness.processes import finish

TECHNIQUE = '''
import dataclasses
from typing import ClassVar

from model.interfaces import Forward, Regularizer


@dataclasses.dataclass(frozen=True, kw_only=True)
class SmallAnswers(Regularizer):
    """The mean square of an answer."""

    slug: ClassVar[str] = "small_answers"

    def penalty(self, forward: Forward):
        if not self.applies(forward.task.name) or self.weight == 0:
            return None
        return forward.logits.square().mean()
'''
PAPER = """
from experiments.dsl import beats, claim, row
from experiments.papers.bertram import BASE
from experiments.suite import Change, Suite

from {technique} import SmallAnswers

SMALL = Change("small-answers", "small answers", (("small_answers", SmallAnswers(weight=0.01)),))
NONE = Change("no-weight", "weight 0", (("small_answers", SmallAnswers(weight=0.0)),))
SUITES = (
    Suite(
        paper="{paper}",
        table="table1",
        title="Small answers",
        source="",
        base=BASE,
        columns=("sst_accuracy", "quora_accuracy", "sts_pearson"),
        formula="normalised",
        rows=(row("base", "as it is", None), row("small", "+ small", "base", SMALL), row("none", "+ 0", "base", NONE)),
        claims=(claim("small-helps", "Small answers help.", "", beats("small", "base", "overall")),),
    ),
)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of a paper's file and its technique's; nothing of them stays."""
    before, path = set(sys.modules), list(sys.path)
    monkeypatch.setattr(plugins, "_files", {})
    here = tmp_path / "mine"
    here.mkdir()
    (here / "my_technique.py").write_text(TECHNIQUE)
    (here / "my_paper.py").write_text(PAPER.format(paper="my-paper", technique="my_technique"))
    yield here
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.startswith(("my_", "small_")):
            del sys.modules[name]
    plugins.installed_suites.cache_clear()


def test_two_files_of_one_folder(invoke: Invoke, folder: Path) -> None:
    (folder / "my_second.py").write_text(PAPER.format(paper="my-second", technique="my_technique"))
    result = invoke("list", folder / "my_paper.py", folder / "my_second.py").output
    assert "6 rows, 6 ready" in result


def test_a_file_is_listed_shown_and_planned_like_any_paper(invoke: Invoke, folder: Path) -> None:
    file = folder / "my_paper.py"
    assert "3 rows, 3 ready" in invoke("list", file).output
    assert "small_answers.weight: None -> 0.01" in invoke("show", f"{file}:small").output
    assert "1 rows, 1 distinct cells" in invoke("run", f"{file}:base", "--seeds", 1, "--dry-run").output
    assert "3 rows, 3 distinct cells" in invoke("run", file, "--seeds", 1, "--dry-run").output
    both = invoke("run", file, "bertram/table1/04-all-three", "--rows", "base,04-*", "--seeds", 1, "--dry-run").output
    assert "2 rows, 1 distinct cells" in both


def test_it_trains_with_its_technique_and_at_weight_0_gives_the_bases_bits(
    folder: Path, tmp_path: Path, encoder: Path
) -> None:
    short = [word for task in ("sst", "quora", "sts") for word in ("--set", f"{task}.rows=32")]
    home = tmp_path / "home"
    words = ["--encoder", encoder, "--seeds", 1, "--set", "epochs=1", *short, "--home", home, "--keep", "all"]
    assert "my-paper/table1" in finish("run", folder / "my_paper.py", *words, "--jobs", 1, "--no-report")
    weights = {}
    for record in read_records(home):
        (kept,) = (record.folder / "weights").glob("*")
        weights[record.metadata["settings"].get("small_answers.weight")] = kept.read_bytes()
    assert set(weights) == {None, 0.0, 0.01}
    assert weights[None] == weights[0.0] != weights[0.01]


def test_an_edited_technique_is_another_one(invoke: Invoke, folder: Path) -> None:
    plugins.read_file(str(folder / "my_paper.py"))
    before = sys.modules["my_technique"].SmallAnswers.version
    plugins._files.clear()
    del sys.modules["my_paper"], sys.modules["my_technique"]
    (folder / "my_technique.py").write_text(TECHNIQUE.replace("square()", "abs()"))
    plugins.read_file(str(folder / "my_paper.py"))
    assert sys.modules["my_technique"].SmallAnswers.version != before


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("my_absent.py", None, ("there is no file", "my_absent.py")),
        ("my_syntax.py", "SUITES = (\n", ("my_syntax.py:1: '(' was never closed",)),
        ("my_fault.py", "import os\nos.fault()\n", ("my_fault.py:2: AttributeError",)),
        ("my_import.py", "import my_absent_thing\n", ("my_import.py:1: ModuleNotFoundError", "my_absent_thing")),
        ("my_empty.py", "SUITES = ()\n", ("has no suites; let it end with SUITES = (Suite(...),)",)),
        ("my_words.py", "SUITES = ('a',)\n", ("has no suites",)),
        ("my-paper.py", "", ("name it with letters, digits and _",)),
        ("json.py", "", ("has the name of an installed module, json; rename it",)),
        ("my_bertram.py", PAPER.format(paper="bertram", technique="my_technique"), ("a suite bertram/table1 already",)),
        (
            "my_row.py",
            PAPER.format(paper="my-row", technique="my_technique").replace('"+ 0", "base"', '"+ 0", "bass"'),
            ("my_row.py:19: ", "my-row/table1 has no row 'bass'", "near names: base"),
        ),
        (
            "my_slug.py",
            PAPER.format(paper="my-slug", technique="my_slugged"),
            ("SmallAnswers has the slug smart of another technique; rename it",),
        ),
    ],
)
def test_a_faulty_file_is_told_in_a_sentence_with_its_line(
    invoke: Invoke, folder: Path, name: str, content: str | None, words: tuple[str, ...]
) -> None:
    (folder / "my_slugged.py").write_text(TECHNIQUE.replace('"small_answers"', '"smart"'))
    if content is not None:
        (folder / name).write_text(content)
    result = invoke("list", folder / name)
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1, result.output
    for word in words:
        assert word in result.output


def test_a_row_that_a_file_has_not_is_told_with_near_names(invoke: Invoke, folder: Path) -> None:
    result = invoke("show", f"{folder / 'my_paper.py'}:smal")
    assert result.exit_code == 2
    assert "there is no row" in result.output and "my-paper/table1/small" in result.output


def test_a_row_of_a_file_that_is_not_named_is_told_to_be_given_with_it(
    invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (("show",), ("list",), ("run", "--seeds", 1), ("predict",)):
        result = invoke(*words, "my-paper/table1/small")
        assert result.exit_code == 2 and len(result.output.splitlines()) == 1, result.output
        assert "if it is in a file of yours, give FILE.py:small" in result.output
    monkeypatch.chdir(folder)
    assert "give my_paper.py:small" in invoke("show", "my-paper/table1/small").output
    assert "give my_paper.py\n" in invoke("list", "my-paper/table1").output
    assert "my_paper" not in sys.modules  # a name alone runs no file
    assert "1 rows, 1 ready" in invoke("list", "my-paper/table1/small", "my_paper.py:small").output


def test_an_installed_packages_suites_are_there_without_being_named(
    invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = folder / "my_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{plugins.GROUP}]\nmine = my_paper\n")
    monkeypatch.syspath_prepend(folder)
    plugins.installed_suites.cache_clear()
    assert "3 rows, 3 ready" in invoke("list", "my-paper/*").output
    (about / "entry_points.txt").write_text(f"[{plugins.GROUP}]\nmine = my_nothing\n")
    plugins.installed_suites.cache_clear()
    result = invoke("list")
    assert result.exit_code == 2
    assert "the entry point mine (my_nothing) cannot be loaded" in result.output
