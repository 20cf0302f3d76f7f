"""The plain combination: gradients of all losses added up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from model.interfaces import Combiner, Step

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sum(Combiner):
    """grad = sum over tasks of grad L_i: one summed loss, or the same gradients accumulated one task after another
    (equal up to rounding). Tasks are back-propagated in turn, so one graph is alive at a time."""

    slug: ClassVar[str] = "total"
    completes_grad_last: ClassVar[bool] = True

    def backward(
        self, step: Step, losses: Iterable[tuple[str, Tensor]], shared: list[nn.Parameter], seed: int
    ) -> dict[str, float]:
        for _, loss in losses:
            loss.backward()
        return {}
