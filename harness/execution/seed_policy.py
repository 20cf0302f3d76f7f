"""Policies for the seeds of a plan, and their order: all in rounds, or as another ``SeedPolicy`` chooses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console

from harness.cells.cell import Cell
from harness.execution.jobs import FixedQueue, Job, JobQueue
from harness.planning.cell_index import CellIndex
from harness.planning.cost import cost
from harness.planning.plan import PlannedRow
from harness.planning.setup import Setup

Say = Callable[[str], None]


class SeedPolicy(Protocol):
    """Chooses among the jobs that a plan leaves, and describes the choice."""

    def describe(self, setup: Setup) -> str:
        """The number of seeds a row gets, in words."""

    def opening(self) -> list[str]:
        """Lines printed before training."""

    def total(self, jobs: Sequence[Job]) -> int | None:
        """The number of jobs that will be trained, None where that is not known before."""

    def queue(self, jobs: Sequence[Job], index: CellIndex, home: Path, say: Say) -> JobQueue:
        """The queue that the workers' jobs come from."""

    def completed(self, cell: Cell) -> list[str]:
        """Milestones reached now that this cell has ended, such as the end of a round."""

    def table_rows(self, rows: Sequence[PlannedRow], setup: Setup) -> tuple[Sequence[PlannedRow], int]:
        """Rows as the tables show them, and the number of their seeds."""

    def print_summary(self, console: Console, finished: bool) -> None:
        """Print what follows the tables."""


class FixedSeeds:
    """All seeds: every row's first, then every row's second; of each round the longest cells first, so that no long one
    is left at the end."""

    def __init__(self) -> None:
        self._waiting = Counter[int]()

    def describe(self, setup: Setup) -> str:
        return f"{setup.seeds} seed" + ("s" if setup.seeds > 1 else "")

    def opening(self) -> list[str]:
        return []

    def total(self, jobs: Sequence[Job]) -> int | None:
        return len(jobs)

    def queue(self, jobs: Sequence[Job], index: CellIndex, home: Path, say: Say) -> JobQueue:
        self._waiting = Counter(job.cell.seed for job in jobs)
        return FixedQueue(sorted(jobs, key=lambda job: (job.cell.seed, -cost(job.cell))))

    def completed(self, cell: Cell) -> list[str]:
        self._waiting[cell.seed] -= 1
        return [] if self._waiting[cell.seed] else [f"every row has seed {cell.seed}"]

    def table_rows(self, rows: Sequence[PlannedRow], setup: Setup) -> tuple[Sequence[PlannedRow], int]:
        return rows, setup.seeds

    def print_summary(self, console: Console, finished: bool) -> None:
        pass
