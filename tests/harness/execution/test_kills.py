"""kill -9 of a worker or of the whole command at any moment: what goes on from there ends with the same bits."""

from __future__ import annotations

import contextlib
import random
import time
from pathlib import Path

import pytest

from tests.harness import processes
from tests.harness.processes import FULL, ROWS, finish, kill, results, samples, saved, start, until, words, workers


def since_the_last_checkpoint(home: Path) -> float:
    """Seconds of training that a kill would cost now."""
    costs = [0.0]
    for begun in home.glob("cells/*/cell.json"):
        checkpoint = begun.with_name("checkpoint.safetensors")
        with contextlib.suppress(FileNotFoundError):  # it has just ended
            last = checkpoint.stat().st_mtime if checkpoint.exists() else begun.stat().st_mtime
            costs.append(0.0 if begun.with_name("outcome.json").exists() else time.time() - last)
    return max(costs)


@samples(2, 20)
def test_a_kill_costs_no_bit(sample: int, tmp_path: Path, encoder: Path, whole: Path) -> None:
    draw, home = random.Random(sample), tmp_path / "home"
    command = words(home, encoder, ROWS, "--seeds", 1, "--jobs", 1)
    victim = ("worker", "command")[sample % 2]
    with start(*command) as run:
        assert run.stdout is not None
        until(lambda: list(home.glob("cells/*/cell.json")) or run.poll() is not None)
        time.sleep(draw.uniform(0.0, 6.0))
        pids, lost = workers(run.pid), since_the_last_checkpoint(home)
        if run.poll() is None:
            kill(pids[0] if victim == "worker" and pids else run.pid)
        output = run.stdout.read()
    assert "Traceback" not in output, output
    print(f"lost: {lost:.2f} s of training and loading, checkpoints every 0.3 s")  # the promise: test_keeping.py
    if victim == "worker" and pids:
        assert run.returncode == 0, output
    else:
        until(lambda: not [number for number in pids if Path(f"/proc/{number}").exists()], 20)
        finish(*command)
    assert results(home) == results(whole)
    assert not list(home.glob("cells/*/checkpoint*")) and not list(home.glob("cells/*/claim*"))


@pytest.mark.skipif(not FULL, reason="make test-all; tests/harness/execution/test_pool.py counts deaths")
def test_a_worker_that_dies_again_and_again_fails_its_cell_and_others_go_on(
    tmp_path: Path, encoder: Path, whole: Path
) -> None:
    home = tmp_path / "home"
    command = words(home, encoder, ROWS, "--seeds", 1, "--jobs", 1)
    with start(*command) as run:
        assert run.stdout is not None
        for _ in range(3):
            until(lambda: workers(run.pid) and list(home.glob("cells/*/claim.json")))
            (pid,) = workers(run.pid)
            kill(pid)
            until(lambda pid=pid: pid not in workers(run.pid))
        output = run.stdout.read()
    assert run.returncode == 1, output
    assert "exit code -9, 3 times" in output
    assert "--retry-failed trains them again" in output
    finish(*command, code=1)  # it stays failed
    finish(*command, "--retry-failed")
    assert results(home) == results(whole)


def test_orphans_write_a_checkpoint_and_leave(tmp_path: Path, encoder: Path) -> None:
    home = tmp_path / "home"
    command = words(home, encoder, ROWS[:1], "--seeds", 1, "--jobs", 1)
    command[command.index("--checkpoint-minutes") + 1] = 60
    with start(*command) as run:
        until(lambda: list(home.glob("cells/*/journal.jsonl")))
        pids = workers(run.pid)
        kill(run.pid)
        until(lambda: not [number for number in pids if Path(f"/proc/{number}").exists()], 20)
    assert saved(home) is not None
    assert not list(home.glob("cells/*/claim*"))
    assert processes.results(home) == {}
