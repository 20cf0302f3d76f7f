"""Tasks take turns, one update each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from model.seams import History, Schedule, Step


def rounds(until: str, order: tuple[str, ...], sizes: Mapping[str, int]) -> int:
    """How many rounds an epoch has: as many as the smallest or the largest task has batches."""
    counts = [sizes[task] for task in order]
    return min(counts) if until == "smallest" else max(counts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RoundRobin(Schedule):
    """One update of each task per round. ``until`` the smallest task is used up (smooth-valleys: floor(len(sts) /
    batch) rounds), or the largest is, smaller ones starting over in a new order."""

    slug: ClassVar[str] = "round_robin"
    order: tuple[str, ...] = ("sst", "quora", "sts")
    until: Literal["smallest", "largest"] = "smallest"

    def tasks(self) -> tuple[str, ...]:
        return self.order

    def epoch(self, number: int, sizes: Mapping[str, int], history: History) -> Iterator[Step]:
        return (Step((task,)) for _ in range(rounds(self.until, self.order, sizes)) for task in self.order)
