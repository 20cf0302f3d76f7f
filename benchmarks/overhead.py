"""The cost of storing a cell beside training it: journal, checkpoints, predictions, lease and progress.

A fresh process trains one cell of the small profile as a worker does, and counts the time inside the training loop
apart from the rest: both sides of the ratio are of one run, so a busy machine disturbs both alike. The encoder is a
BERT of MiniLM's shape with random weights.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import harness.execution.train_cell as work
import model.train as training
from benchmarks.apart import answer, apart
from benchmarks.ratio import Bound, Figure
from benchmarks.settings import Settings
from benchmarks.shapes import MINILM, encoder
from experiments.profiles import PROFILES
from harness.cells.lease import take_lease
from harness.cells.record import read_record
from harness.cells.writer import CellWriter
from harness.execution.jobs import Job
from harness.execution.local import worker_environment
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.registry.selectors import find

OVERHEAD = Bound("harness over the bare loop", "the loop of the same cell", "at most", 1.02)
BOUNDS = (OVERHEAD,)
CELLS, EPOCHS = 3, 4
INTERVAL = 60.0  # seconds between checkpoints, the default


class Clock:
    """Seconds spent in calls, and how many they were."""

    def __init__(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, on this clock."""

        def call(*arguments: Any) -> Any:
            began = time.monotonic()
            try:
                return function(*arguments)
            finally:
                self.seconds += time.monotonic() - began
                self.calls += 1

        return call


def measure(settings: Settings) -> list[Figure]:
    """One ratio a cell."""
    cells = []
    for _ in range(settings.count(CELLS, 1)):
        job = {
            "data": settings.data,
            "encoder": str(encoder(settings.shape(MINILM), settings.data, settings.scratch)),
            "epochs": settings.count(EPOCHS, 1),
            "threads": settings.threads,
            "home": mkdtemp(prefix="home-", dir=settings.scratch),
        }
        cells.append(apart("overhead", job, worker_environment(settings.threads), settings.scratch))
        settings.report(f"loop {cells[-1]['loop']:.1f} s, with its keeping {cells[-1]['whole']:.1f} s")
    facts = {"cells": cells, "shape": settings.shape(MINILM).name, "profile": "small"}
    return [Figure(OVERHEAD, tuple(cell["whole"] / cell["loop"] for cell in cells), facts)]


def keep(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds of the bare loop, of the same with its keeping (building the network is neither), and checkpoints."""
    loop, writing, building = Clock(), Clock(), Clock()
    train = training.train

    def events(*words: Any) -> Iterator[Any]:
        trained = train(*words)
        step = loop.timed(lambda: next(trained, None))
        while (event := step()) is not None:
            yield event

    work.__dict__["train"] = events  # the worker's own name for it
    CellWriter.checkpoint = writing.timed(CellWriter.checkpoint)  # type: ignore[method-assign]
    work.Worker.build = building.timed(work.Worker.build)  # type: ignore[method-assign]
    setup = Setup(
        profile=dataclasses.replace(PROFILES["small"], threads=job["threads"]),
        data=job["data"],
        encoder=job["encoder"],
        seeds=1,
        settings=(("epochs", str(job["epochs"])),),
    )
    (planned,) = plan([find("bertram/table1/04-all-three")], setup)
    cell, home = planned.cells[0], Path(job["home"])
    worker = work.Worker(home, job["threads"], "cpu", INTERVAL, lambda: False)
    lease = take_lease(home, cell.id)
    assert lease is not None
    began = time.monotonic()
    with lease:
        worker.train(Job(cell), lease, lambda share: None, lambda epochs: True)
    whole = time.monotonic() - began - building.seconds
    record = read_record(home / "cells" / cell.id)
    assert record is not None and record.done
    return {"loop": loop.seconds, "whole": whole, "checkpoints": writing.calls, "writing": writing.seconds}


if __name__ == "__main__":
    answer(keep)
