"""What an executor is to train: orders, from a list that ends or from a source that adds to them as it learns."""

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
    a ``judged`` cell goes on after an epoch only if its source says so. It is the cell's so manyeth ``training``, from
    1: a count orders trainings whatever clocks say."""

    cell: Cell
    keep: WeightRetention = WeightRetention()
    before: str | None = None
    training: int = 1
    judged: bool = False


class JobQueue(Protocol):
    """Where an executor's orders come from. It is asked by one thread, again and again."""

    def orders(self, idle: int) -> Sequence[Job]:
        """All that is left to train, those in training too, the first to be dealt first. The executor has ended when
        there are none. ``idle`` workers have nothing to do."""

    def goes_on(self, cell: Cell, epochs: Sequence[JournalEntry]) -> bool:
        """Whether a judged cell is worth another epoch after these."""

    def heard(self, news: Event) -> None:
        """A cell has ended, was cut short, or is left for another time."""


class FixedQueue:
    """A fixed list of orders, each until it has ended."""

    def __init__(self, orders: Sequence[Job]) -> None:
        self.left = {order.cell.id: order for order in orders}
        self._told: list[Job] | None = None

    def orders(self, idle: int) -> Sequence[Job]:
        if self._told is None:
            self._told = list(self.left.values())
        return self._told

    def goes_on(self, cell: Cell, epochs: Sequence[JournalEntry]) -> bool:
        return True

    def heard(self, news: Event) -> None:
        if news.kind in ("done", "failed"):
            del self.left[news.cell.id]
            self._told = None
