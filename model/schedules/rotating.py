"""One task after another, the order rotated by one place each epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar

from model.interfaces import History, Schedule, Sizes, Step
from model.schedules.sequential import one_after_another


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rotating(Schedule):
    """Epoch 0 as ``order``; each later epoch starts with the task that came second (bertram, section 3.1)."""

    slug: ClassVar[str] = "rotating"
    order: tuple[str, ...] = ("sst", "quora", "sts")

    def tasks(self) -> tuple[str, ...]:
        return self.order

    def epoch(self, number: int, sizes: Sizes, history: History) -> Iterator[Step]:
        first = number % len(self.order)
        return one_after_another(self.order[first:] + self.order[:first], sizes)
