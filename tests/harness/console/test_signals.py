"""Ctrl-C in a real process: a valid table, exit code 130, and nothing is lost, finished or not."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from harness.cells.record import read_records
from tests.harness.processes import FULL, ROWS, finish, results, saved, start, until, words, workers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM] if FULL else [signal.SIGTERM])
def test_an_interrupted_run_leaves_a_table_and_checkpoints_and_goes_on(
    number: signal.Signals, tmp_path: Path, encoder: Path, whole: Path
) -> None:
    home = tmp_path / "home"
    command = words(home, encoder, ROWS, "--seeds", 1, "--jobs", 1)
    command[command.index("--checkpoint-minutes") + 1] = 60
    with start(*command) as run:
        assert run.stdout is not None
        until(lambda: len(list(home.glob("cells/*/journal.jsonl"))) == 2)  # one is done, one has done an epoch
        run.send_signal(number)
        output = run.stdout.read()
    assert run.returncode == 130, output
    assert "Ctrl-C again stops at once" in output
    assert "the same command goes on from here" in output
    assert "majority class" in output
    assert "Traceback" not in output
    assert len(list(read_records(home))) == 1
    assert saved(home) is not None
    journal = next(path for path in home.glob("cells/*/journal.jsonl") if not (path.parent / "outcome.json").exists())
    first = journal.read_text().splitlines()[0]
    assert "2 distinct cells: 1 done, 1 left" in finish(*command, "--dry-run")
    finish(*command)
    assert journal.read_text().splitlines()[0] == first  # that epoch, clock and all, was not trained again
    assert results(home) == results(whole)


def test_a_second_ctrl_c_stops_at_once(tmp_path: Path, encoder: Path, whole: Path) -> None:
    home = tmp_path / "home"
    command = words(home, encoder, ROWS, "--seeds", 1, "--jobs", 1)
    with start(*command) as run:
        assert run.stdout is not None
        until(lambda: workers(run.pid) and list(home.glob("cells/*/claim.json")))
        hands = workers(run.pid)
        for hand in hands:  # cannot hear the first
            os.kill(hand, signal.SIGSTOP)
        run.send_signal(signal.SIGINT)
        until(lambda: "Ctrl-C again" in run.stdout.readline())
        run.send_signal(signal.SIGINT)
        output = run.stdout.read()
    assert run.returncode == 130, output
    assert "Traceback" not in output
    assert not [hand for hand in hands if Path(f"/proc/{hand}").exists()]
    finish(*command)
    assert results(home) == results(whole)
