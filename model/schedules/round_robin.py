"""Tasks take turns, one update each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar, Literal

from model.interfaces import History, Schedule, Sizes, Step


def rounds(until: str, order: tuple[str, ...], sizes: Sizes) -> int:
    """How many rounds an epoch has: as many as the smallest or the largest task has batches."""
    if until == "smallest":
        return min(sizes.whole(task) for task in order)
    return max(sizes.batches(task) for task in order)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RoundRobin(Schedule):
    """One update of each task per round. ``until`` the smallest task is used up (smooth-valleys: floor(len(sts) /
    batch) rounds), or the largest is, smaller ones starting over in a new order."""

    slug: ClassVar[str] = "round_robin"
    order: tuple[str, ...] = ("sst", "quora", "sts")
    until: Literal["smallest", "largest"] = "smallest"

    def tasks(self) -> tuple[str, ...]:
        return self.order

    def epoch(self, number: int, sizes: Sizes, history: History) -> Iterator[Step]:
        return (Step((task,)) for _ in range(rounds(self.until, self.order, sizes)) for task in self.order)
