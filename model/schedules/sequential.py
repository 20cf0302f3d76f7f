"""One task after another, each epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar

from model.interfaces import History, Schedule, Sizes, Step


def one_after_another(order: tuple[str, ...], sizes: Sizes) -> Iterator[Step]:
    """All batches of the first task, then all of the next."""
    return (Step((task,)) for task in order for _ in range(sizes.batches(task)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sequential(Schedule):
    """The same order in every epoch."""

    slug: ClassVar[str] = "sequential"
    order: tuple[str, ...] = ("sst", "quora", "sts")

    def tasks(self) -> tuple[str, ...]:
        return self.order

    def epoch(self, number: int, sizes: Sizes, history: History) -> Iterator[Step]:
        return one_after_another(self.order, sizes)
