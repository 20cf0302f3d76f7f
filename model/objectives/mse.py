"""Mean squared error on a score."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from model.interfaces import Objective
from model.lazy_torch import functional
from model.task import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mse(Objective):
    """(logits - target)^2, mean over the batch. ``target`` is the score as it stands (``raw``) or scaled to 0..1
    (``unit``), which a cosine can reach."""

    slug: ClassVar[str] = "mse"
    is_item_mean: ClassVar[bool] = True
    divergence: ClassVar = "squared"
    target: Literal["raw", "unit"] = "raw"

    def outputs(self, task: Task) -> int:
        return 1

    def loss(self, logits: Tensor, labels: Tensor, task: Task) -> Tensor:
        goal = labels.float()
        if self.target == "unit":
            goal = (goal - task.low) / (task.high - task.low)
        return functional.mse_loss(logits[:, 0], goal)

    def answers(self, logits: Tensor, task: Task) -> Tensor:
        score = logits[:, 0]
        return score * (task.high - task.low) + task.low if self.target == "unit" else score
