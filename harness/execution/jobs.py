"""Jobs to train, from a fixed list or from a queue that adds jobs as results come in."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from harness.cells.cell import Cell, WeightRetention
from harness.cells.record import JournalEntry
from harness.execution.events import Event


@dataclasses.dataclass(frozen=True)
class Job:
    """A cell to train. ``keep`` says which weights stay; ``before`` names an ended training that this one replaces;
    a ``judged`` cell continues after an epoch only if its queue says so. ``training`` counts the cell's trainings from
    1: it orders them whatever clocks say."""

    cell: Cell
    keep: WeightRetention = WeightRetention()
    before: str | None = None
    training: int = 1
    judged: bool = False


class JobQueue(Protocol):
    """The source of a worker pool's jobs. One thread calls it, again and again."""

    def next_jobs(self, idle: int) -> Sequence[Job]:
        """All jobs left, those in training too, in the order to dispatch them. The run has ended when there are none.
        ``idle`` workers have no job."""

    def should_continue(self, cell: Cell, epochs: Sequence[JournalEntry]) -> bool:
        """Whether a judged cell is worth another epoch after these."""

    def on_event(self, event: Event) -> None:
        """A cell has ended, was cut short, or is left for another time."""


class FixedQueue:
    """A fixed list of jobs, each until it has ended."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.left = {job.cell.id: job for job in jobs}
        self._jobs: list[Job] | None = None

    def next_jobs(self, idle: int) -> Sequence[Job]:
        if self._jobs is None:
            self._jobs = list(self.left.values())
        return self._jobs

    def should_continue(self, cell: Cell, epochs: Sequence[JournalEntry]) -> bool:
        return True

    def on_event(self, event: Event) -> None:
        if event.kind in ("done", "failed"):
            del self.left[event.cell.id]
            self._jobs = None
