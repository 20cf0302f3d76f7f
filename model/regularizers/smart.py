"""SMART's smoothness-inducing adversarial regularization."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from model.divergences import divergence
from model.interfaces import Forward, Regularizer
from model.lazy_torch import torch
from model.passes import FORWARD, TO_INPUTS, Passes
from model.rng import generator

if TYPE_CHECKING:
    from torch import Tensor

SMALL = 1e-3  # bf16 drowns the effect of a perturbation of this size or less


@dataclasses.dataclass(frozen=True, kw_only=True)
class Smart(Regularizer):
    """The answer should not change when the embeddings move a little in the worst direction (Jiang et al. 2020, arXiv
    1911.03437, equation 1 and algorithm 1; https://arxiv.org/abs/1911.03437). ``weight`` is lambda_s.

    R = mean over items of l_s(f(x + delta), f(x)). delta starts as noise of standard deviation sigma; K times
    delta <- clip(delta + eta g / |g|_p, |delta|_p <= epsilon), g the gradient of l_s with respect to delta alone.

    - ``axis`` is what shares one norm: an ``example`` (an item: both sentences of a pair, encoded apart or together),
      a ``token``, or the whole ``batch``. Padding is never moved and counts in no norm.
    - ``normalise="step"``, ``project=False`` is mt-dnn's and smart-pytorch's form, delta <- s / (|s|_p + epsilon)
      with s = delta + eta g: epsilon only guards the division. Delta's largest entry is near 1 as long as epsilon is
      below the noise, and a larger epsilon makes it smaller.
    - ``ascent`` and ``divergence`` name forms of ``model.divergences``; P is of the perturbed logits, so ``kl`` is
      D(f(x + delta) | f(x)) (smart-vs-deberta, section 4) and ``reverse_kl`` is what smart-pytorch climbs.
    - ``dropout``: the clean pass's masks again, independent ones in each pass, or both sides in eval mode.

    The clean pass is the task's own. Cost: K forward passes with a backward to delta alone, one full forward and
    backward more; ``dropout="off"`` needs a clean pass of its own.
    """

    slug: ClassVar[str] = "smart"
    version: ClassVar[int] = 2
    radius: float = 1e-5  # epsilon
    step_size: float = 1e-3  # eta
    noise_scale: float = 1e-5  # sigma, a standard deviation
    steps: int = 1  # K
    norm: Literal["inf", "2"] = "inf"  # p
    normalise: Literal["gradient", "step"] = "gradient"  # "step": the packages' noise + eta g
    axis: Literal["example", "token", "batch"] = "example"
    project: bool = True
    level: Literal["word", "embedding_output"] = "word"
    ascent: Literal["same", "kl", "reverse_kl", "log_odds"] = "same"  # the divergence climbed; same as penalised
    divergence: Literal["auto", "kl", "reverse_kl", "stopped"] = "auto"  # the divergence penalised
    reduction: Literal["mean", "sum"] = "mean"
    ascent_reduction: Literal["mean", "sum"] = "mean"  # matters to normalise="step" alone
    detach_target: bool = False
    dropout: Literal["same", "fresh", "off"] = "same"
    mask_of_ones: bool = False  # smartbert

    def check(self) -> None:
        self.require(self.radius >= 0, "radius", "0 or more")
        self.require(self.step_size >= 0, "step_size", "0 or more")
        self.require(self.noise_scale >= 0, "noise_scale", "0 or more")
        self.require(self.steps >= 1, "steps", "at least 1")

    @property
    def needs_fp32(self) -> bool:
        return self.radius <= SMALL and (self.project or self.normalise == "gradient")

    @property
    def needs_padding(self) -> bool:
        return self.mask_of_ones

    @property
    def is_item_mean(self) -> bool:
        return self.reduction == "mean" and self.normalise == "gradient" and self.axis != "batch"

    def passes(self, learning: Passes) -> Passes:
        clean = Passes()
        if self.dropout == "off":
            clean = FORWARD if self.detach_target else learning
        return TO_INPUTS * self.steps + learning + clean

    def penalty(self, forward: Forward) -> Tensor | None:
        if not self.applies(forward.task.name):
            return None
        clean, inputs = self.clean(forward)
        delta = self.perturbation(forward, inputs.detach(), clean.detach())
        moved = self.moved(forward, inputs + delta, self.steps)
        target = clean.detach() if self.detach_target else clean
        apart = divergence(moved, target, forward.objective.divergence, self.divergence)
        return apart.mean() if self.reduction == "mean" else apart.sum()

    def clean(self, forward: Forward) -> tuple[Tensor, Tensor]:
        """f(x) [batch, outputs] and x [rows, length, hidden]: the task's own, or computed anew where those were
        made with dropout that the perturbed pass goes without."""
        if self.dropout == "off":
            logits = forward.again(dropout="off")
            if self.level == "embedding_output":  # which has dropout too
                assert forward.network.embedding_output is not None
                return logits, forward.network.embedding_output
        else:
            logits = forward.logits
        return logits, forward.embedded(self.level)

    def moved(self, forward: Forward, inputs: Tensor, turn: int) -> Tensor:
        """f(x + delta), [batch, outputs], in the ``turn``-th pass of this step."""
        mask = torch.ones_like(forward.batch.tokens.mask) if self.mask_of_ones else None
        return forward.again(inputs=inputs, level=self.level, mask=mask, dropout=self.dropout, draw=turn)

    def perturbation(self, forward: Forward, inputs: Tensor, clean: Tensor) -> Tensor:
        """delta, [rows, length, hidden], outside every graph and 0 at padding."""
        real = forward.batch.tokens.mask.bool()  # [rows, length]
        source = generator(forward.seed("smart"), device=str(inputs.device))
        delta = torch.zeros_like(inputs)
        # one draw for each real token, so that padding shifts nothing
        shape = (int(real.sum()), inputs.shape[-1])
        delta[real] = torch.randn(shape, generator=source, dtype=inputs.dtype, device=inputs.device) * self.noise_scale
        for turn in range(self.steps):
            gradient = self.gradient(forward, inputs, delta.requires_grad_(), clean, turn)
            delta = self.step(delta.detach(), gradient * real[:, :, None], len(clean))
        return delta

    def gradient(self, forward: Forward, inputs: Tensor, delta: Tensor, clean: Tensor, turn: int) -> Tensor:
        """The gradient of the climbed divergence with respect to ``delta``, and to nothing else."""
        with torch.enable_grad():
            form = self.divergence if self.ascent == "same" else self.ascent
            moved = self.moved(forward, inputs + delta, turn)
            apart = divergence(moved, clean, forward.objective.divergence, form)
            if not apart.requires_grad:  # an answer that does not depend on its input
                return torch.zeros_like(delta)
            climbed = apart.mean() if self.ascent_reduction == "mean" else apart.sum()
            (gradient,) = torch.autograd.grad(climbed, delta)
        return gradient

    def step(self, delta: Tensor, gradient: Tensor, items: int) -> Tensor:
        """One move along the gradient, [rows, length, hidden]."""
        if self.normalise == "gradient":
            delta = delta + self.step_size * gradient / above_zero(self.size(gradient, items))
        else:
            delta = delta + self.step_size * gradient
            delta = delta / above_zero(self.size(delta, items) + self.radius)
        return self.projected(delta, items) if self.project else delta

    def projected(self, delta: Tensor, items: int) -> Tensor:
        """The nearest point with |delta|_p <= epsilon."""
        if self.norm == "inf":
            return delta.clamp(-self.radius, self.radius)
        return delta * (self.radius / above_zero(self.size(delta, items))).clamp(max=1)

    def size(self, change: Tensor, items: int) -> Tensor:
        """|change|_p over the axis, in a shape that broadcasts with ``change`` [rows, length, hidden]."""
        order = float(self.norm)
        norms: Tensor
        if self.axis == "batch":
            norms = torch.linalg.vector_norm(change, ord=order)
        elif self.axis == "token":
            norms = torch.linalg.vector_norm(change, ord=order, dim=-1, keepdim=True)
        else:
            pairs = change.unflatten(0, (-1, items))  # [sentences, batch, length, hidden]
            norms = torch.linalg.vector_norm(pairs, ord=order, dim=(0, 2, 3))  # [batch]
            norms = norms.repeat(len(pairs))[:, None, None]
        return norms


def above_zero(size: Tensor) -> Tensor:
    """``size``, or the smallest positive number where it is 0: 0 / 0 becomes 0."""
    return size.clamp(min=torch.finfo(size.dtype).tiny)
