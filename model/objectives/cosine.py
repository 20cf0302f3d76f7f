"""Losses on the cosine of the two sentence embeddings."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.interfaces import Objective
from model.lazy_torch import functional, torch
from model.objectives.bce import unit
from model.task import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True, kw_only=True)
class CosineEmbedding(Objective):
    """1 - cos for similar pairs, max(0, cos - margin) for the others: torch's CosineEmbeddingLoss on the cosine.

    Targets other than +1 and -1 make torch's loss 0 without a word, so scores are mapped first: at or above
    ``threshold`` similar, below not. The one logit is the cosine, [batch, 1].
    """

    slug: ClassVar[str] = "cosine_embedding"
    is_item_mean: ClassVar[bool] = True
    divergence: ClassVar = "squared"
    threshold: float = 2.5
    margin: float = 0.0

    def outputs(self, task: Task) -> int:
        return 1

    def loss(self, logits: Tensor, labels: Tensor, task: Task) -> Tensor:
        cosine = logits[:, 0]
        similar = labels == 1 if task.classes else labels >= self.threshold
        return torch.where(similar, 1 - cosine, (cosine - self.margin).clamp(min=0)).mean()

    def answers(self, logits: Tensor, task: Task) -> Tensor:
        cosine = logits[:, 0]
        return (cosine > 0.5).long() if task.classes else (cosine + 1) / 2 * (task.high - task.low) + task.low


@dataclasses.dataclass(frozen=True, kw_only=True)
class CosineRegression(Objective):
    """(cos - target)^2 with the score scaled to 0..1: sentence-transformers' CosineSimilarityLoss."""

    slug: ClassVar[str] = "cosine_regression"
    is_item_mean: ClassVar[bool] = True
    divergence: ClassVar = "squared"

    def outputs(self, task: Task) -> int:
        return 1

    def loss(self, logits: Tensor, labels: Tensor, task: Task) -> Tensor:
        return functional.mse_loss(logits[:, 0], unit(labels, task))

    def answers(self, logits: Tensor, task: Task) -> Tensor:
        cosine = logits[:, 0]
        return (cosine > 0.5).long() if task.classes else cosine * (task.high - task.low) + task.low
