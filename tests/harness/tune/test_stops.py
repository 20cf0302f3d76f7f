"""A study that is stopped in good order, by Ctrl-C or by its time, goes on from there."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.harness.processes import until
from tests.harness.tune.quick import TRIALS, active_workers, finish, same, settled, start, trainings, words


def test_after_its_time_and_after_ctrl_c_a_study_goes_on_with_the_same_bits(
    home: Path, encoder: Path, reference: Path
) -> None:
    command = words(home, encoder, TRIALS, "--jobs", 2)
    output = finish(*command, "--timeout", 0.05)
    assert "time is up; the same command goes on from here" in output
    before = sum(trainings(home).values())
    assert before < TRIALS
    with start(*command) as run:
        assert run.stdout is not None
        until(lambda: len(active_workers(home, run.pid)) == 2 or run.poll() is not None, 180)  # both workers are up
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does
        output = run.stdout.read()
    assert run.returncode == 130, output
    assert "Traceback" not in output, output
    assert "Ctrl-C again stops at once" in output
    assert "stopped; the same command goes on from here" in output
    settled_before = settled(home)
    for folder in (home / "cells").iterdir():  # whatever was begun is kept
        assert (
            folder.name in settled_before or (folder / "checkpoint.safetensors").exists() or not list(folder.iterdir())
        )
    output = finish(*command)
    assert "goes on from here" not in output
    assert {cell: content for cell, content in settled(home).items() if cell in settled_before} == settled_before
    same(home, reference)
