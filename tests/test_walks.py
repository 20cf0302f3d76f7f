"""The README's five walks: their files are read, their commands planned; ``make test-all`` does them as written."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.registry import plugins
from model.data import csv_task as rows
from model.task import TASKS
from tests.harness.conftest import Invoke
from tests.harness.conftest import invoke as invoke
from tests.harness.processes import FULL
from tests.walks import Walk, read_walks, run_walks, write_course_data, write_files

NEEDS_RESULTS = ("explain", "export", "compare", "report", "tune", "doctor")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the user types; nothing of what is read there stays."""
    before, path, tasks = set(sys.modules), list(sys.path), dict(TASKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATA", str(write_course_data(tmp_path / "course")))
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.startswith(("my_", "small_")):
            del sys.modules[name]
    plugins._files.clear()
    rows.own.cache_clear()
    TASKS.clear()
    TASKS.update(tasks)


def commands(walk: Walk) -> Iterator[list[str]]:
    """The words of each of its ``harness`` commands."""
    for block in walk.blocks:
        for line in re.findall(r"^harness (.+)$", block, re.MULTILINE):
            yield shlex.split(os.path.expandvars(line), comments=True)


def test_there_are_five_and_only_two_have_the_user_write_anything() -> None:
    wrote = {each.title: sorted(each.files) for each in read_walks()}
    assert [names for names in wrote.values() if names] == [["my_task.py", "questions.csv"], ["my_paper.py"]]
    assert len(wrote) == 5 and all(each.blocks for each in read_walks())
    assert max(each.lines for each in read_walks()) < 50


def test_their_files_are_read_and_their_trainings_planned(invoke: Invoke, folder: Path) -> None:
    planned = 0
    for each in read_walks():
        write_files(each, folder)
        for words in commands(each):
            if words[0] in NEEDS_RESULTS or "tuned/smart" in words or "my-encoder" in words:
                continue
            trains = words[0] in ("run", "ablate")
            result = invoke(*words, *["--dry-run"] * trains)
            assert result.exit_code == 0, f"{words}\n{result.output}"
            assert (" distinct cells" in result.output) == trains, result.output
            planned += trains
    assert planned == 5


@pytest.mark.skipif(not FULL, reason="HARNESS_TEST_COUNTS=full runs it")
def test_they_lead_where_they_say(tmp_path: Path) -> None:
    said = {each.title: output for each, _, output in run_walks(tmp_path)}
    assert len(said) == 5
    table, task, technique, paper, ablation = said.values()
    assert "finetune-sst" in table and (tmp_path / "my-encoder" / "model.safetensors").is_file()
    assert re.search(r"data +questions.csv, fingerprint", task) and "encoder  my-encoder" in task
    assert "passed" in technique
    assert "small_answers.weight: None -> 0.01" in paper and (tmp_path / "my-report" / "report.pdf").is_file()
    assert "main effect" in ablation and "tuned/smart" in ablation
