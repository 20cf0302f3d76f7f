"""Cross-entropy, for classes and in the two readings of it for a similarity score."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.interfaces import Objective
from model.lazy_torch import functional, torch
from model.task import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True, kw_only=True)
class CrossEntropy(Objective):
    """-log softmax(logits)[label], mean over the batch. A score task is rounded to whole classes."""

    slug: ClassVar[str] = "cross_entropy"
    is_item_mean: ClassVar[bool] = True
    divergence: ClassVar = "symmetric_kl"

    def outputs(self, task: Task) -> int:
        return task.classes or round(task.high - task.low) + 1

    def loss(self, logits: Tensor, labels: Tensor, task: Task) -> Tensor:
        classes = labels if task.classes else (labels - task.low).round().long()
        return functional.cross_entropy(logits, classes)

    def answers(self, logits: Tensor, task: Task) -> Tensor:
        if task.classes:
            return logits.argmax(dim=-1)
        classes = torch.arange(logits.shape[-1], device=logits.device, dtype=torch.float32)
        return logits.softmax(dim=-1) @ classes + task.low  # expected score


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchSoftmax(Objective):
    """What ``F.cross_entropy(similarity, score)`` computes when both are vectors over the batch: a softmax ACROSS the
    items, weighted by the unnormalised scores. Nobody means it; it is here because it runs without an error."""

    slug: ClassVar[str] = "batch_softmax"
    divergence: ClassVar = "squared"

    def outputs(self, task: Task) -> int:
        return 1

    def loss(self, logits: Tensor, labels: Tensor, task: Task) -> Tensor:
        return functional.cross_entropy(logits[:, 0], labels.float())

    def answers(self, logits: Tensor, task: Task) -> Tensor:
        return logits[:, 0]
