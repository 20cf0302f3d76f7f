"""Binary cross-entropy, on a logit or on a sigmoid output. A score is scaled to 0..1."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from model.interfaces import Objective
from model.lazy_torch import functional
from model.task import Task

if TYPE_CHECKING:
    from torch import Tensor


def unit(labels: Tensor, task: Task) -> Tensor:
    """Labels as numbers in 0..1, shape kept."""
    return labels.float() if task.classes else (labels.float() - task.low) / (task.high - task.low)


def read(probability: Tensor, task: Task) -> Tensor:
    """A probability [batch] as the task's label or score."""
    return (probability > 0.5).long() if task.classes else probability * (task.high - task.low) + task.low


@dataclasses.dataclass(frozen=True, kw_only=True)
class BceWithLogits(Objective):
    """-y log s(z) - (1-y) log(1 - s(z)) of the logit z. ``sum`` multiplies the gradient by the batch size."""

    slug: ClassVar[str] = "bce_with_logits"
    divergence: ClassVar = "bernoulli_symmetric_kl"
    reduction: Literal["mean", "sum"] = "mean"

    @property
    def is_item_mean(self) -> bool:
        return self.reduction == "mean"

    def outputs(self, task: Task) -> int:
        return 1

    def loss(self, logits: Tensor, labels: Tensor, task: Task) -> Tensor:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], unit(labels, task), reduction=self.reduction)

    def answers(self, logits: Tensor, task: Task) -> Tensor:
        return read(logits[:, 0].sigmoid(), task)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bce(Objective):
    """The same function computed from the sigmoid's output: its gradient vanishes where the sigmoid saturates and
    torch clamps the logarithm at -100."""

    slug: ClassVar[str] = "bce"
    is_item_mean: ClassVar[bool] = True
    divergence: ClassVar = "bernoulli_symmetric_kl"

    def outputs(self, task: Task) -> int:
        return 1

    def loss(self, logits: Tensor, labels: Tensor, task: Task) -> Tensor:
        return functional.binary_cross_entropy(logits[:, 0].sigmoid(), unit(labels, task))

    def answers(self, logits: Tensor, task: Task) -> Tensor:
        return read(logits[:, 0].sigmoid(), task)
