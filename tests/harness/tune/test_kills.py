"""kill -9 of a study's command or of a worker at any moment: what goes on from there is the same study, to the bit."""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from pathlib import Path

from harness.execution.events import WorkerMessage
from harness.execution.worker import ParentConnection
from tests.harness.processes import kill, samples, until, workers
from tests.harness.tune.quick import TRIALS, finish, same, settled, start, trainings, words

VICTIMS = ("command", "worker", "command twice")


def killed(draw: random.Random, command: list[object], home: Path, victim: str) -> dict[str, bytes]:
    """Begin or go on, and kill at a random moment after some training; what had ended by then."""
    count = sum(trainings(home).values())
    with start(*command) as run:
        assert run.stdout is not None
        until(lambda: sum(trainings(home).values()) > count or run.poll() is not None, 180)
        time.sleep(draw.uniform(0.0, 2.0))
        pids = workers(run.pid)
        if run.poll() is None:
            kill(draw.choice(pids) if victim == "worker" and pids else run.pid)
        settled_before = settled(home)
        output = run.stdout.read()
    assert "Traceback" not in output, output
    if victim == "worker" and pids:
        assert run.returncode == 0, output
    else:  # orphans leave
        until(lambda: not [number for number in pids if Path(f"/proc/{number}").exists()], 60)
    return settled_before


@samples(2, 10)
def test_a_kill_changes_nothing(sample: int, home: Path, encoder: Path, reference: Path) -> None:
    draw, victim = random.Random(sample), VICTIMS[sample % len(VICTIMS)]
    command = words(home, encoder, TRIALS, "--jobs", 2)
    settled_before: dict[str, bytes] = {}
    for _ in range(victim.count("twice") + 1):
        settled_before |= killed(draw, command, home, victim)
    if victim != "worker":
        finish(*command)
    assert {
        cell: content for cell, content in settled(home).items() if cell in settled_before
    } == settled_before  # none trained again
    same(home, reference)


def test_a_worker_that_waits_for_an_answer_when_its_command_is_killed_stops_and_fails_nothing() -> None:
    ours, theirs = multiprocessing.Pipe()
    connection = ParentConnection(theirs)
    connection.say(WorkerMessage("share", 0.5))  # unread, so that the other end closes with a reset
    threading.Timer(0.2, ours.close).start()
    assert connection.should_continue([])
    assert connection.should_stop()
    theirs.close()
