"""Which tasks an update trains, and at which learning rate."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Literal

from model.declaration import Technique


@dataclasses.dataclass(frozen=True)
class Step:
    """One update: the tasks that share it, on their next batch or again on their last, and which optimizer steps."""

    tasks: tuple[str, ...]
    batches: Literal["next", "last"] = "next"
    optimizer: int = 0


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much training data each task has, in rows, and the batch size."""

    rows: Mapping[str, int]
    batch: int

    def batches(self, task: str) -> int:
        """Batches that cover every row; the last may be short."""
        return -(-self.rows[task] // self.batch)

    def whole(self, task: str) -> int:
        """Full batches, at least one."""
        return max(1, self.rows[task] // self.batch)


@dataclasses.dataclass(frozen=True)
class History:
    """What a schedule may look back on: the training metric of each task after the last epoch (empty before)."""

    train: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule(Technique):
    """Which tasks each update of an epoch serves."""

    def tasks(self) -> tuple[str, ...]:
        """The tasks that get trained."""
        raise NotImplementedError

    def epoch(self, number: int, sizes: Sizes, history: History) -> Iterator[Step]:
        """The updates of epoch ``number`` (0 first)."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class LrSchedule(Technique):
    """The learning rate over a run, as a factor on the recipe's rate."""

    def factor(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        """The factor for update ``step`` (0 first)."""
        raise NotImplementedError
