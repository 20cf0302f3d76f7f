"""``harness new``: what it writes works as it is, and nothing is written over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.registry import plugins
from tests.harness.conftest import Invoke

FIRST_IMPORT = "from experiments import Suite"  # of a paper's file
CHANGE_IMPORT = "from experiments import Change"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(plugins, "_files", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "mine"


def test_a_paper_and_a_technique_pass_their_tests_and_the_paper_can_run(invoke: Invoke, folder: Path) -> None:
    paper = invoke("new", "paper", "New-Table", "--into", folder).output
    technique = invoke("new", "technique", "calm heads", "--into", folder).output
    assert f"harness run {folder / 'new_table.py'} --seeds 3" in paper
    assert 'Change("calm-heads", "+ calm_heads", (("calm_heads", CalmHeads(weight=0.1)),))' in technique
    assert sorted(path.name for path in folder.iterdir()) == [
        "calm_heads.py",
        "new_table.py",
        "test_calm_heads.py",
        "test_new_table.py",
    ]
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder], capture_output=True, text=True
    )
    assert "4 passed" in tested.stdout, tested.stdout
    assert "2 rows, 2 ready" in invoke("list", folder / "new_table.py").output
    assert "2 distinct cells" in invoke("run", folder / "new_table.py", "--seeds", 1, "--dry-run").output
    del sys.modules["new_table"]


def test_every_row_of_what_was_written_is_trained(invoke: Invoke, folder: Path, encoder: Path, tmp_path: Path) -> None:
    invoke("new", "paper", "first_table", "--into", folder)
    invoke("new", "technique", "calmest", "--into", folder)
    paper, home = folder / "first_table.py", tmp_path / "home"
    words = ("--profile", "demo", "--set", "epochs=1", "--seeds", 1, "--jobs", 1, "--encoder", encoder, "--home", home)
    result = invoke("run", paper, *words)
    assert result.exit_code == 0, result.output
    assert "2 of 2 done" in result.output
    assert "frozen: sts trains nothing, since no trained weight takes part in its loss" in result.output
    taken_up(paper, "calmest", "Calmest")
    del sys.modules["first_table"]
    plugins._files.clear()
    result = invoke("run", f"{paper}:frozen", *words)
    assert result.exit_code == 0, result.output
    assert "1 of 1 done" in result.output and "trains nothing" not in result.output
    for name in ("first_table", "calmest"):
        del sys.modules[name]


def taken_up(paper: Path, module: str, kind: str) -> None:
    """Put the technique into the second row, as ``harness new technique`` says to."""
    change = f'Change("{module}", "+ {module}", (("{module}", {kind}(weight=0.1)),))'
    text = paper.read_text().replace("changes.FROZEN", change)
    paper.write_text(text.replace(FIRST_IMPORT, f"{CHANGE_IMPORT}\nfrom {module} import {kind}\n{FIRST_IMPORT}"))


def test_a_technique_that_was_written_is_taken_up_as_the_command_says(invoke: Invoke, folder: Path) -> None:
    invoke("new", "paper", "newer_table", "--into", folder)
    said = invoke("new", "technique", "calmer", "--into", folder).output
    line, change = said.partition("beside it: ")[2].splitlines()[0].split(", and a row with ")
    file = folder / "newer_table.py"
    text = file.read_text().replace(FIRST_IMPORT, f"{CHANGE_IMPORT}\n{line}\n{FIRST_IMPORT}")
    file.write_text(text.replace("changes.FROZEN", change))
    assert "calmer.weight: None -> 0.1" in invoke("show", f"{file}:frozen").output
    for name in ("newer_table", "calmer"):
        del sys.modules[name]


@pytest.mark.parametrize("name", ["class", "", "1st", "../up", "a.b", "ä", "x" * 300])
def test_a_name_that_is_none_is_told_in_a_sentence(invoke: Invoke, folder: Path, name: str) -> None:
    result = invoke("new", "paper", name, "--into", folder)
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert not folder.exists() or not list(folder.iterdir())


def test_nothing_is_written_over(invoke: Invoke, folder: Path) -> None:
    invoke("new", "paper", "mine", "--into", folder)
    before = (folder / "mine.py").read_bytes()
    result = invoke("new", "technique", "mine", "--into", folder)
    assert result.exit_code == 2
    assert "mine.py is there already" in result.output
    assert (folder / "mine.py").read_bytes() == before
