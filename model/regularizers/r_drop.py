"""R-Drop: two passes of one batch under different dropout masks should agree."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.divergences import divergence
from model.interfaces import Forward, Regularizer
from model.passes import Passes

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True, kw_only=True)
class RDrop(Regularizer):
    """(L1 + L2) / 2 + alpha mean (D(P1 | P2) + D(P2 | P1)) / 2 (Wu et al. 2021, https://arxiv.org/abs/2106.14448,
    equation 4 with the two losses averaged, as in the authors' example). ``weight`` is alpha.

    L1 is the task's loss already, so the penalty is D / 2 + (L2 - L1) / (2 alpha); with ``both`` off, D / 2 alone.
    A score's D is the squared difference. At weight 0 the second pass is not run.
    """

    slug: ClassVar[str] = "r_drop"
    needs_fp32: ClassVar[bool] = False
    needs_padding: ClassVar[bool] = False
    is_item_mean: ClassVar[bool] = True
    both: bool = True  # the second pass learns from the labels too

    def passes(self, learning: Passes) -> Passes:
        return learning if self.weight else Passes()

    def penalty(self, forward: Forward) -> Tensor | None:
        if not self.applies(forward.task.name) or self.weight == 0:
            return None
        second = forward.again(dropout="fresh")
        apart = divergence(forward.logits, second, forward.objective.divergence).mean() / 2
        if not self.both:
            return apart
        loss = forward.objective.loss(second, forward.batch.labels, forward.task)
        return apart + (loss - forward.loss) / (2 * self.weight)
