"""Which epoch of a finished training a row reports. Selection is outside a cell's identity: rows that differ in it
alone share one training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

from model.declaration import Technique


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selection(Technique):
    """Chooses an epoch from the dev metrics of each epoch (keys such as ``sst_accuracy``, ``overall``)."""

    def choose(self, dev: Sequence[Mapping[str, float]]) -> int:
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class LastEpoch(Selection):
    """The state after the last epoch."""

    slug: ClassVar[str] = "last"

    def choose(self, dev: Sequence[Mapping[str, float]]) -> int:
        return len(dev) - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class BestEpoch(Selection):
    """The epoch with the best dev value of ``metric``; the earliest where several tie. The course's starter keeps
    the best SST accuracy."""

    slug: ClassVar[str] = "best"
    metric: str = "sst_accuracy"

    def choose(self, dev: Sequence[Mapping[str, float]]) -> int:
        scores = [_comparable(epoch[self.metric]) for epoch in dev]
        return scores.index(max(scores))


@dataclasses.dataclass(frozen=True, kw_only=True)
class EarlyStopping(Selection):
    """The best epoch of ``metric`` seen before ``patience`` epochs in a row brought no improvement."""

    slug: ClassVar[str] = "early_stopping"
    metric: str = "overall"
    patience: int = 1

    def check(self) -> None:
        self.require(self.patience > 0, "patience", "at least 1")

    def choose(self, dev: Sequence[Mapping[str, float]]) -> int:
        best = 0
        for epoch in range(len(dev)):
            if _comparable(dev[epoch][self.metric]) > _comparable(dev[best][self.metric]):
                best = epoch
            elif epoch - best >= self.patience:
                break
        return best


def _comparable(score: float) -> float:
    """NaN (a constant prediction has no Pearson r) ranks below every number."""
    return score if score == score else float("-inf")
