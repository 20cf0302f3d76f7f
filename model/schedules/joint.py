"""One batch of every task in each update."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar, Literal

from model.interfaces import History, Schedule, Sizes, Step
from model.schedules.round_robin import rounds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Together(Schedule):
    """All tasks share each update: additive loss, accumulated gradients, or a combined batch for PCGrad."""

    slug: ClassVar[str] = "together"
    order: tuple[str, ...] = ("sst", "quora", "sts")
    until: Literal["smallest", "largest"] = "smallest"

    def tasks(self) -> tuple[str, ...]:
        return self.order

    def epoch(self, number: int, sizes: Sizes, history: History) -> Iterator[Step]:
        return (Step(self.order) for _ in range(rounds(self.until, self.order, sizes)))
