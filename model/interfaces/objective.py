"""The loss of a task."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from model.declaration import Technique
from model.interfaces.promises import withdraw
from model.task import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objective(Technique):
    """The loss of a task, how its logits are read as answers, and the divergence that suits it."""

    divergence: ClassVar[Literal["symmetric_kl", "bernoulli_symmetric_kl", "squared"]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        withdraw(cls, ("loss",), {"is_item_mean": False})

    @property
    def is_item_mean(self) -> bool:
        """True promises that the loss of a batch is the mean of its items' losses, so that a batch may be computed in
        parts."""
        return False

    def outputs(self, task: Task) -> int:
        """How many numbers a head must give."""
        raise NotImplementedError

    def loss(self, logits: Tensor, labels: Tensor, task: Task) -> Tensor:
        """Scalar loss of ``logits`` [batch, outputs] against ``labels`` [batch]."""
        raise NotImplementedError

    def answers(self, logits: Tensor, task: Task) -> Tensor:
        """Labels or scores [batch] in the task's own range, from ``logits`` [batch, outputs]."""
        raise NotImplementedError
