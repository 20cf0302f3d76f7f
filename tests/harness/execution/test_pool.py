"""Dealing cells to worker processes."""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.cells.record import fail, read
from harness.execution.config import ExecutionConfig
from harness.execution.events import WorkerMessage
from harness.execution.jobs import FixedQueue, Job
from harness.execution.local import ALLOCATOR_SETTINGS, LocalBackend, LocalWorker, worker_environment
from harness.execution.pool import MAX_DEATHS, WorkerDied, WorkerHandle, WorkerPool, run_jobs
from tests.harness.execution.test_memory import cell


def test_an_idle_worker_that_died_gets_nothing_and_is_let_go(tmp_path: Path, encoder: Path) -> None:
    source = FixedQueue([Job(cell(encoder))])
    config = ExecutionConfig(home=tmp_path, jobs=1, threads=1, device="cpu")
    crew = WorkerPool(source, config, LocalBackend(config))
    ours, theirs = multiprocessing.Pipe()
    theirs.close()
    gone: Any = None  # its process, which is not asked
    crew.hands = [LocalWorker(gone, ours)]
    assert list(crew.deal(source.next_jobs(1))) == []
    assert len(source.next_jobs(1)) == 1
    assert crew.hands == []


def test_workers_keep_their_memory_unless_the_user_has_settings_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ALLOCATOR_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    assert worker_environment(3) == {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"} | ALLOCATOR_SETTINGS
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "65536")
    assert worker_environment(1)["MALLOC_MMAP_MAX_"] == "65536"


class Slow:
    """A hand that finds its place when its site says so."""

    def __init__(self) -> None:
        self.order: Job | None = None
        self.placed = False

    def ready(self) -> bool:
        return self.placed

    def give(self, order: Job) -> bool:
        return True

    def tell(self, word: bool | None) -> None:
        raise AssertionError("nothing is asked")


class Elsewhere:
    """A site with room for so many hands, each of which says what it is told to."""

    def __init__(self, home: Path, room: int, placed: int, says: Sequence[WorkerDied] = ()) -> None:
        self.home, self.places, self.placed, self.says = home, room, placed, list(says)
        self.hired: list[Slow] = []

    def room(self) -> int:
        return self.places

    def hire(self) -> WorkerHandle:
        self.hired.append(Slow())
        self.hired[-1].placed = sum(hand.placed for hand in self.hired) < self.placed
        return self.hired[-1]

    def listen(
        self, hands: Sequence[WorkerHandle], seconds: float
    ) -> Iterator[tuple[WorkerHandle, WorkerMessage | WorkerDied]]:
        for hand in tuple(hands):
            assert hand.order is not None
            if self.says:
                yield hand, self.says.pop(0)
            else:
                fail(self.home, hand.order.cell, "as agreed", "")
                yield hand, WorkerMessage("ended")

    def close(self) -> None:
        self.hired.clear()


def test_a_worker_without_a_place_holds_no_cell(tmp_path: Path, encoder: Path) -> None:
    source = FixedQueue([Job(dataclasses.replace(cell(encoder), seed=seed)) for seed in range(5)])
    config = ExecutionConfig(home=tmp_path, jobs=4, threads=1, device="cpu")
    site = Elsewhere(tmp_path, room=4, placed=1)
    ended = [news.cell.id for news in run_jobs(source, config, site) if news and news.kind == "failed"]
    assert len(set(ended)) == len(ended) == 5  # by the one that has a place
    fresh = dataclasses.replace(config, home=tmp_path / "fresh")
    crew = WorkerPool(FixedQueue([Job(cell(encoder))]), fresh, Elsewhere(fresh.home, room=4, placed=0))
    for _ in range(3):
        assert list(crew.deal(crew.source.next_jobs(1))) == []
    assert len(crew.hands) == 1  # one order, one worker on its way


@pytest.mark.parametrize(
    ("guilty", "reason"), [(True, f"its machine is gone, {MAX_DEATHS} times"), (False, "as agreed")]
)
def test_a_cell_pays_for_the_deaths_that_it_may_have_caused_alone(
    tmp_path: Path, encoder: Path, guilty: bool, reason: str
) -> None:
    source = FixedQueue([Job(one := cell(encoder))])
    config = ExecutionConfig(home=tmp_path, jobs=1, threads=1, device="cpu")
    site = Elsewhere(tmp_path, 1, 9, [WorkerDied("its machine is gone", guilty)] * 5)
    told = [news.kind for news in run_jobs(source, config, site) if news]
    assert told.count("again") == (MAX_DEATHS - 1 if guilty else 5)
    record = read(tmp_path / "cells" / one.id)
    assert record is not None and record.outcome["reason"] == reason
