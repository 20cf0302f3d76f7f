"""Dispatching cells to worker processes."""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.cells.record import read_record, write_failure
from harness.execution.config import ExecutionConfig
from harness.execution.events import WorkerMessage
from harness.execution.jobs import FixedQueue, Job
from harness.execution.local import ALLOCATOR_SETTINGS, LocalBackend, LocalWorker, worker_environment
from harness.execution.pool import MAX_DEATHS, WorkerDied, WorkerHandle, WorkerPool, run_jobs
from tests.harness.execution.test_memory import cell


def test_an_idle_worker_that_died_gets_nothing_and_is_removed(tmp_path: Path, encoder: Path) -> None:
    queue = FixedQueue([Job(cell(encoder))])
    config = ExecutionConfig(home=tmp_path, jobs=1, threads=1, device="cpu")
    pool = WorkerPool(queue, config, LocalBackend(config))
    ours, theirs = multiprocessing.Pipe()
    theirs.close()
    gone: Any = None  # its process, which is not asked
    pool.workers = [LocalWorker(gone, ours)]
    assert list(pool.dispatch(queue.next_jobs(1))) == []
    assert len(queue.next_jobs(1)) == 1
    assert pool.workers == []


def test_workers_keep_their_memory_unless_the_user_has_settings_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ALLOCATOR_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    assert worker_environment(3) == {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"} | ALLOCATOR_SETTINGS
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "65536")
    assert worker_environment(1)["MALLOC_MMAP_MAX_"] == "65536"


class SlowWorker:
    """A worker that is ready once it is placed."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.placed = False

    def is_ready(self) -> bool:
        return self.placed

    def assign(self, job: Job) -> bool:
        return True

    def send(self, answer: bool | None) -> None:
        raise AssertionError("nothing is asked")


class FakeBackend:
    """A backend with so many slots, of which so many workers are placed, and given messages before cells end."""

    def __init__(self, home: Path, slots: int, ready_count: int, messages: Sequence[WorkerDied] = ()) -> None:
        self.home, self.slot_count, self.ready_count, self.messages = home, slots, ready_count, list(messages)
        self.workers: list[SlowWorker] = []

    def slots(self) -> int:
        return self.slot_count

    def start_worker(self) -> WorkerHandle:
        self.workers.append(SlowWorker())
        self.workers[-1].placed = sum(worker.placed for worker in self.workers) < self.ready_count
        return self.workers[-1]

    def poll(
        self, workers: Sequence[WorkerHandle], seconds: float
    ) -> Iterator[tuple[WorkerHandle, WorkerMessage | WorkerDied]]:
        for worker in tuple(workers):
            assert worker.job is not None
            if self.messages:
                yield worker, self.messages.pop(0)
            else:
                write_failure(self.home, worker.job.cell, "as agreed", "")
                yield worker, WorkerMessage("ended")

    def close(self) -> None:
        self.workers.clear()


def test_a_worker_that_is_not_placed_has_no_cell(tmp_path: Path, encoder: Path) -> None:
    queue = FixedQueue([Job(dataclasses.replace(cell(encoder), seed=seed)) for seed in range(5)])
    config = ExecutionConfig(home=tmp_path, jobs=4, threads=1, device="cpu")
    backend = FakeBackend(tmp_path, slots=4, ready_count=1)
    ended = [event.cell.id for event in run_jobs(queue, config, backend) if event and event.kind == "failed"]
    assert len(set(ended)) == len(ended) == 5  # by the one that is placed
    fresh = dataclasses.replace(config, home=tmp_path / "fresh")
    pool = WorkerPool(FixedQueue([Job(cell(encoder))]), fresh, FakeBackend(fresh.home, slots=4, ready_count=0))
    for _ in range(3):
        assert list(pool.dispatch(pool.queue.next_jobs(1))) == []
    assert len(pool.workers) == 1  # one job, one worker that is starting


@pytest.mark.parametrize(
    ("cell_at_fault", "reason"), [(True, f"its machine is gone, {MAX_DEATHS} times"), (False, "as agreed")]
)
def test_a_cell_pays_for_the_deaths_that_it_may_have_caused_alone(
    tmp_path: Path, encoder: Path, cell_at_fault: bool, reason: str
) -> None:
    queue = FixedQueue([Job(one := cell(encoder))])
    config = ExecutionConfig(home=tmp_path, jobs=1, threads=1, device="cpu")
    backend = FakeBackend(tmp_path, 1, 9, [WorkerDied("its machine is gone", cell_at_fault)] * 5)
    kinds = [event.kind for event in run_jobs(queue, config, backend) if event]
    assert kinds.count("again") == (MAX_DEATHS - 1 if cell_at_fault else 5)
    record = read_record(tmp_path / "cells" / one.id)
    assert record is not None and record.outcome["reason"] == reason
