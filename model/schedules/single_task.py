"""One task, nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar

from model.interfaces import History, Schedule, Sizes, Step


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alone(Schedule):
    """Every batch of one task, once an epoch."""

    slug: ClassVar[str] = "alone"
    task: str = "sst"

    def tasks(self) -> tuple[str, ...]:
        return (self.task,)

    def epoch(self, number: int, sizes: Sizes, history: History) -> Iterator[Step]:
        return iter([Step((self.task,))] * sizes.batches(self.task))
