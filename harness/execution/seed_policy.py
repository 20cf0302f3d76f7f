"""Ways to go through a plan: all of it in rounds, or as another ``SeedPolicy`` chooses."""

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
    """How a command chooses among the orders that a plan leaves, and what it says of it."""

    def seeds(self, setup: Setup) -> str:
        """How many a row gets, in words."""

    def opening(self) -> list[str]:
        """What is said before."""

    def total(self, orders: Sequence[Job]) -> int | None:
        """How many of them are carried out, None where that is not known before."""

    def source(self, orders: Sequence[Job], index: CellIndex, home: Path, say: Say) -> JobQueue:
        """Where the executor's orders come from."""

    def reached(self, cell: Cell) -> list[str]:
        """What has been reached now that this cell has ended, each worth a look at the tables."""

    def shown(self, rows: Sequence[PlannedRow], setup: Setup) -> tuple[Sequence[PlannedRow], Setup]:
        """What of the plan the tables show."""

    def conclude(self, console: Console, finished: bool) -> None:
        """What is said after the tables."""


class FixedSeeds:
    """All of it: every row's first seed, then every row's second; of each the longest first, or one might be left that
    all others wait for."""

    def __init__(self) -> None:
        self._waiting = Counter[int]()

    def seeds(self, setup: Setup) -> str:
        return f"{setup.seeds} seed" + ("s" if setup.seeds > 1 else "")

    def opening(self) -> list[str]:
        return []

    def total(self, orders: Sequence[Job]) -> int | None:
        return len(orders)

    def source(self, orders: Sequence[Job], index: CellIndex, home: Path, say: Say) -> JobQueue:
        self._waiting = Counter(order.cell.seed for order in orders)
        return FixedQueue(sorted(orders, key=lambda order: (order.cell.seed, -cost(order.cell))))

    def reached(self, cell: Cell) -> list[str]:
        self._waiting[cell.seed] -= 1
        return [] if self._waiting[cell.seed] else [f"every row has seed {cell.seed}"]

    def shown(self, rows: Sequence[PlannedRow], setup: Setup) -> tuple[Sequence[PlannedRow], Setup]:
        return rows, setup

    def conclude(self, console: Console, finished: bool) -> None:
        pass
