"""The results folder's log: what was said, when, by which process, and how it ended."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
from rich.console import Console

from harness.console.log_file import NAME, log_to_file
from harness.console.text import print_and_log
from model.errors import InputError
from tests.harness.conftest import Invoke

LINE = re.compile(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d {os.getpid()} (.*)")


def messages(home: Path) -> list[str]:
    matches = [LINE.fullmatch(line) for line in (home / NAME).read_text().splitlines()]
    return [line[1] for line in matches if line]


def test_what_is_said_is_kept_with_its_time_and_later_commands_add_to_it(tmp_path: Path) -> None:
    console = Console(file=io.StringIO())
    for text in ("one", "two"):
        with pytest.raises(SystemExit), log_to_file(tmp_path):
            print_and_log(console, text)
            raise SystemExit(3)
        print_and_log(console, "outside")
    began, end = "began: harness", "ended with exit code 3"
    assert messages(tmp_path) == [began, "one", end, began, "two", end]


def test_errors_are_kept_and_those_of_ours_with_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(InputError), log_to_file(tmp_path):
        raise InputError("the data are gone")
    assert messages(tmp_path)[-1] == "error: the data are gone"
    with pytest.raises(ZeroDivisionError), log_to_file(tmp_path):
        _ = 1 / 0
    assert messages(tmp_path)[-1] == "ended by ZeroDivisionError"
    assert (tmp_path / NAME).read_text().endswith("ZeroDivisionError: division by zero\n")


def test_a_log_that_cannot_be_written_is_told_before_training(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "home" / NAME).mkdir(parents=True)
    result = invoke("run", "bertram/table1/06-smart", "--seeds", "1")
    assert result.exit_code == 2
    assert NAME in result.output and "--home" in result.output
    assert result.output.count("\n") == 1
    assert not (tmp_path / "home" / "cells").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_ends_the_log_and_nothing_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / NAME).symlink_to("/dev/full")
    with log_to_file(tmp_path):
        print_and_log(Console(file=io.StringIO()), "still here")
    assert capfd.readouterr() == ("", "")


def test_a_run_is_kept_from_its_words_to_its_end(whole: Path) -> None:
    text = (whole / NAME).read_text()
    assert re.search(r" began: harness run bertram/table1 --rows ", text)
    assert len(re.findall(r" started  bertram/table1/", text)) == len(re.findall(r" done  \d/2  bertram/", text)) == 2
    assert re.search(r" \d+ ended with exit code 0$", text, re.MULTILINE)
    assert "\x1b" not in text


def test_a_dry_run_leaves_no_log(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("run", "bertram/table1/06-smart", "--dry-run").exit_code == 0
    assert not (tmp_path / "home" / NAME).exists()


def test_passwords_on_the_command_line_are_hidden(invoke: Invoke, tmp_path: Path) -> None:
    invoke("tune", "--study", "smart", "--trials", "1", "--storage", "postgresql://ann:sesame@localhost:1/none")
    assert "began: harness tune" in (tmp_path / "home" / NAME).read_text()
    assert "sesame" not in (tmp_path / "home" / NAME).read_text()
