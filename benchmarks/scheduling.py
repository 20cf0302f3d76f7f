"""The cost of dispatching cells: 2,000 cells of 50 ms on eight logical workers of a Ray of this machine, over the time
that eight workers need at the least; and the planning of 20,000 cells. A cell sleeps and leaves the files of a finished
one, which travel to the results folder as always. Nothing is tracked.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.apart import answer, apart, resident
from benchmarks.ratio import Bound, Figure
from benchmarks.settings import Settings
from experiments.profiles import DEMO
from harness.execution.config import Cluster, ExecutionConfig
from harness.execution.jobs import FixedQueue, Job
from harness.execution.pool import Backend, WorkerHandle, run_jobs
from harness.execution.seed_policy import FixedSeeds
from harness.planning.cell_index import CellIndex
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.registry.selectors import all_rows, select

DISPATCHING = Bound("2,000 cells of 50 ms, 8 workers of Ray", "ideal", "at most", 1.10)
PLANNING = Bound("planning 20,000 cells", "10 s", "at most", 1.0)
BOUNDS = (DISPATCHING, PLANNING)
WORKERS, SECONDS = 8, 0.05  # a cell: benchmarks.sleeper


def measure(settings: Settings) -> Sequence[Figure]:
    """Both bounds."""
    return [dispatching(settings), planning(settings)]


def make_jobs(count: int) -> list[Job]:
    """Cells of bertram's table, as many seeds as it takes."""
    rows = list(select(["bertram/table1"]))
    setup = Setup(profile=DEMO, data="embedded", encoder="tiny", seeds=count // 8)
    cells = {cell.id: cell for row in plan(rows, setup) for cell in row.cells}
    assert len(cells) >= count
    return [Job(cell) for cell in list(cells.values())[:count]]


def dispatching(settings: Settings) -> Figure:
    try:
        import ray

        from benchmarks.sleeper import Sleeper
        from harness.execution.ray.cluster import RayCluster
    except ImportError:
        return Figure(DISPATCHING, skipped="Ray is not installed")
    count, rounds = 80 if settings.quick else 2000, settings.count(3, 1)
    jobs = make_jobs(count * rounds + 10 * WORKERS)
    config, cluster = (
        ExecutionConfig(settings.scratch / "dispatching", jobs=WORKERS, threads=1, device="cpu"),
        Cluster(),
    )
    spent = []
    with ExitStack() as stack:
        ray.init(
            address="local", num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
        )
        stack.callback(ray.shutdown)
        backend = PersistentBackend(RayCluster(config, cluster, Sleeper))
        list(run_jobs(FixedQueue(jobs[count * rounds :]), config, backend))  # the actors start
        for at in range(0, count * rounds, count):
            began = time.perf_counter()
            events = list(run_jobs(FixedQueue(jobs[at : at + count]), config, backend))
            spent.append(time.perf_counter() - began)
            assert sum(event is not None and event.kind == "done" for event in events) == count
    ideal = count * SECONDS / WORKERS
    facts = {"seconds": spent, "versions": {"ray": ray.__version__}}
    return Figure(DISPATCHING, tuple(each / ideal for each in spent), facts)


class PersistentBackend:
    """A backend whose workers stay for the next round."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.workers: list[WorkerHandle] = []
        self.free: list[WorkerHandle] = []

    def slots(self) -> int:
        return self.backend.slots()

    def start_worker(self) -> WorkerHandle:
        if self.free:
            return self.free.pop()
        self.workers.append(self.backend.start_worker())
        return self.workers[-1]

    def poll(self, workers: Sequence[WorkerHandle], seconds: float) -> Iterator[Any]:
        return self.backend.poll(workers, seconds)

    def close(self) -> None:
        self.free = list(self.workers)


def planning(settings: Settings) -> Figure:
    """In a process of its own, for its memory."""
    job = {"rows": 2 if settings.quick else 20, "seeds": 1000}
    measured = apart("scheduling", job, {}, settings.scratch)
    assert measured["cells"] == job["rows"] * job["seeds"]
    return Figure(PLANNING, (measured["seconds"] / 10.0,), measured)


def planned(job: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds from rows to sorted jobs, and the bytes that this took."""
    setup = Setup(profile=DEMO, data="embedded", encoder="tiny", seeds=1)
    able = {row.cells[0].id: (row.suite, row.row) for row in plan(all_rows(), setup) if row.cells}  # all distinct
    rows, setup = list(able.values())[: job["rows"]], dataclasses.replace(setup, seeds=job["seeds"])
    before, began = resident(), time.perf_counter()
    planned_rows = plan(rows, setup)
    index = CellIndex({}, {})
    queue = FixedSeeds().queue([Job(cell) for cell in index.cells_to_train(planned_rows)], index, Path(), print)
    cells = len(queue.next_jobs(1))
    return {"cells": cells, "seconds": time.perf_counter() - began, "bytes": resident() - before}


if __name__ == "__main__":
    answer(planned)
