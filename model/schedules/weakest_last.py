"""One task after another, the weakest last."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import ClassVar

from model.interfaces import History, Schedule, Sizes, Step
from model.schedules.sequential import one_after_another


@dataclasses.dataclass(frozen=True, kw_only=True)
class WeakestLast(Schedule):
    """The task with the lowest training metric goes last, the others keep their order (bertram, row 7). Epoch 0, and
    a task whose metric is undefined, follow ``order``."""

    slug: ClassVar[str] = "weakest_last"
    order: tuple[str, ...] = ("sst", "quora", "sts")

    def tasks(self) -> tuple[str, ...]:
        return self.order

    def epoch(self, number: int, sizes: Sizes, history: History) -> Iterator[Step]:
        scores = {task: score for task in self.order if not math.isnan(score := history.train.get(task, math.nan))}
        if not scores:
            return one_after_another(self.order, sizes)
        weakest = min(scores, key=scores.__getitem__)
        return one_after_another((*(task for task in self.order if task != weakest), weakest), sizes)
