"""The learning rate over a run: constant or exponentially decaying, after an optional warm-up."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from model.interfaces import LrSchedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class Constant(LrSchedule):
    """Factor 1 after a linear warm-up over the first ``warmup`` share of all updates."""

    slug: ClassVar[str] = "constant"
    warmup: float = 0.0

    def check(self) -> None:
        self.require(0 <= self.warmup < 1, "warmup", "in [0, 1)")

    def factor(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        ramp = self.warmup * steps_per_epoch * epochs
        return min(1.0, (step + 1) / ramp) if ramp >= 1 else 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exponential(LrSchedule):
    """``per_epoch ** epoch``, stepped once an epoch as torch's ExponentialLR, after the same warm-up."""

    slug: ClassVar[str] = "exponential"
    per_epoch: float = 0.9  # gamma
    warmup: float = 0.0

    def check(self) -> None:
        self.require(0 < self.per_epoch <= 1, "per_epoch", "in (0, 1]")
        self.require(0 <= self.warmup < 1, "warmup", "in [0, 1)")

    def factor(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        ramp = self.warmup * steps_per_epoch * epochs
        rising = min(1.0, (step + 1) / ramp) if ramp >= 1 else 1.0
        return rising * self.per_epoch ** (step // max(1, steps_per_epoch))
