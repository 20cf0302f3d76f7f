"""``harness run`` as real processes, and what two results folders have in common."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cells.record import read_records

ROWS = ("06-smart", "12-combined")  # with an anchor, a second optimizer and dropout
FULL = os.environ.get("HARNESS_TEST_COUNTS") == "full"


def samples(few: int, full: int) -> Any:
    """A parameter ``sample`` with few values, or with all of them in ``make test-all``."""
    return pytest.mark.parametrize("sample", range(full if FULL else few))


def start(*words: object) -> subprocess.Popen[str]:
    """``harness WORDS...`` in a process group of its own, its output in a pipe."""
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli.main", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment | {"COLUMNS": "120"},
        start_new_session=True,
    )


def finish(*words: object, code: int = 0) -> str:
    """Run to the end; the output."""
    with start(*words) as run:
        assert run.stdout is not None
        output = run.stdout.read()
    assert run.returncode == code, output
    assert "Traceback" not in output, output
    return output


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something that is to come."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def workers(parent: int) -> list[int]:
    """The processes that train for a running command."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text, line = path.read_text(), (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == parent and b"spawn_main" in line:
            pids.append(int(path.parent.name))
    return pids


def kill(number: int) -> None:
    os.kill(number, signal.SIGKILL)


def saved(home: Path) -> float | None:
    """When the newest checkpoint of a results folder was written."""
    times = [path.stat().st_mtime for path in home.glob("cells/*/checkpoint.safetensors")]
    return max(times, default=None)


def results(home: Path) -> dict[str, Any]:
    """All that training computed in a results folder, without clocks: by cell, journal, predictions and kept
    weights."""
    pids: dict[str, Any] = {}
    for record in read_records(home):
        with np.load(record.folder / "predictions.npz") as stored:
            answers = {name: stored[name].tobytes() for name in stored}
        pids[record.id] = {
            "status": record.outcome["status"],
            "journal": repr([(epoch["scores"], epoch["signals"], epoch["items"]) for epoch in record.epochs]),
            "answers": answers,
            "weights": {path.name: path.read_bytes() for path in (record.folder / "weights").glob("*")},
        }
    return pids


def trained_here(output: str) -> list[str]:
    """The cells that this command's own workers trained, by its output."""
    lines = re.findall(r"^done  \d+/\d+  (.+?)  \((.*)\)$", output, re.MULTILINE)
    return [re.sub(r"\[.*\]", "", name) for name, rest in lines if "another process" not in rest]


def table(output: str) -> str:
    """The table that a command printed."""
    return output.partition("Exploring")[2].partition("tables:")[0]


def words(home: Path, encoder: Path, rows: Sequence[str], *more: object) -> list[object]:
    """A run of a few short cells of bertram's table, with checkpoints every third of a second."""
    short = [f"{task}.rows={rows}" for task, rows in (("sst", 160), ("quora", 160), ("sts", 96))]
    settings = [word for text in (*short, "epochs=3") for word in ("--set", text)]
    fixed = [
        "run",
        "bertram/table1",
        "--rows",
        ",".join(rows),
        "--encoder",
        encoder,
        "--home",
        home,
        "--device",
        "cpu",
        "--no-report",
    ]
    return [*fixed, "--checkpoint-minutes", "0.005", "--keep", "all", *settings, *more]
