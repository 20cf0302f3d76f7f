"""Bregman proximal point optimisation: stay close to where the weights were."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from model.divergences import divergence
from model.interfaces import ActiveRegularizer, DropoutPolicy, Forward, Regularizer, SharedNetwork
from model.lazy_torch import torch
from model.passes import FORWARD, Passes

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Proximal(Regularizer):
    """mean l_s(f(x; theta), f(x; anchor)), the basic form (Jiang et al. 2020, https://arxiv.org/abs/1911.03437,
    equation 2). ``weight`` is mu. The anchor is theta after every ``steps_per_anchor`` updates (the paper's S) and is
    held constant in between. With one step per anchor the value and the gradient are zero: a no-op, with a warning.

    ``dropout`` is the anchor's: the task's own masks, so that weights alone tell the two passes apart, or masks of
    its own (smooth-valleys' code), or none."""

    slug: ClassVar[str] = "proximal"
    needs_padding: ClassVar[bool] = False
    is_item_mean: ClassVar[bool] = True
    steps_per_anchor: int = 1
    dropout: DropoutPolicy = "same"

    def check(self) -> None:
        self.require(self.steps_per_anchor >= 1, "steps_per_anchor", "at least 1")

    @property
    def is_no_op(self) -> bool:
        """Whether the penalty and its gradient are 0 at every update."""
        return self.steps_per_anchor == 1 and self.dropout == "same"

    def passes(self, learning: Passes) -> Passes:
        return FORWARD  # the anchor's

    def share(self, update: int, updates: int) -> float:
        """How far the anchor moves towards theta after this update (1 first) of ``updates``: 0 stays, 1 arrives."""
        return float(update % self.steps_per_anchor == 0)

    def start(self, network: SharedNetwork, updates: int) -> ActiveRegularizer:
        if self.is_no_op:
            warn_of_no_op(self.slug, "steps_per_anchor is 1; set it to 2 or more, or use momentum_proximal")
        return FunctionSpace(self, network, updates)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MomentumProximal(Regularizer):
    """The same with a moving anchor: anchor <- (1 - beta) theta + beta anchor after each update, from anchor = theta_0
    (equation 3 and algorithm 1 with S = 1; the mean teacher of Tarvainen & Valpola 2017, arXiv 1703.01780).
    ``weight`` is mu. ``beta`` None is the paper's schedule (section 4.1)."""

    slug: ClassVar[str] = "momentum_proximal"
    needs_padding: ClassVar[bool] = False
    is_item_mean: ClassVar[bool] = True
    beta: float | None = None  # None: .99 for the first tenth of the updates, then .999
    dropout: DropoutPolicy = "same"  # of the anchor, as in Proximal

    def check(self) -> None:
        self.require(self.beta is None or 0 <= self.beta <= 1, "beta", "in [0, 1], or none for the paper's schedule")

    @property
    def is_no_op(self) -> bool:
        """Whether the penalty and its gradient are 0 at every update."""
        return self.beta == 0 and self.dropout == "same"

    def passes(self, learning: Passes) -> Passes:
        return FORWARD  # the anchor's

    def share(self, update: int, updates: int) -> float:
        """How far the anchor moves towards theta after this update (1 first) of ``updates``: 1 - beta."""
        scheduled = 0.99 if 10 * update <= updates else 0.999
        return 1 - (scheduled if self.beta is None else self.beta)

    def start(self, network: SharedNetwork, updates: int) -> ActiveRegularizer:
        if self.is_no_op:
            warn_of_no_op(self.slug, "beta is 0; set it above 0")
        return FunctionSpace(self, network, updates)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ParameterProximal(Regularizer):
    """mu / 2 |theta - anchor|^2: phi = half the squared norm in the Bregman distance of smart-vs-deberta, section 4.
    ``weight`` is mu, whatever the tasks' own weights.

    It is a penalty of an update, not of a task: tasks that share one pay for the encoder once, with the first of them
    (whose gradient carries it where a combiner looks at each), and each for its own head (``space`` all). Heads of
    other tasks get no gradient. With one step per anchor it is a no-op, with a warning."""

    slug: ClassVar[str] = "parameter_proximal"
    needs_fp32: ClassVar[bool] = False
    needs_padding: ClassVar[bool] = False
    is_item_mean: ClassVar[bool] = True
    space: Literal["shared", "all"] = "all"
    steps_per_anchor: int = 1

    def check(self) -> None:
        self.require(self.steps_per_anchor >= 1, "steps_per_anchor", "at least 1")

    @property
    def is_no_op(self) -> bool:
        """Whether the penalty and its gradient are 0 at every update."""
        return self.steps_per_anchor == 1

    def start(self, network: SharedNetwork, updates: int) -> ActiveRegularizer:
        if self.is_no_op:
            warn_of_no_op(self.slug, "steps_per_anchor is 1; set it to 2 or more")
        return ParameterSpace(self, network)


def warn_of_no_op(slug: str, why: str) -> None:
    """The anchor is the current weights themselves, so nothing is ever penalised."""
    warnings.warn(f"{slug} changes nothing: its anchor is always the current weights, since {why}", stacklevel=3)


class Anchor:
    """Copies of the trainable parameters, by name, in memory of their own; counts the updates."""

    def __init__(self, network: SharedNetwork, copies: Mapping[str, Tensor]) -> None:
        self.live: dict[str, nn.Parameter] = {n: p for n, p in network.named_parameters() if p.requires_grad}
        self.copies = {name: copies[name] for name in self.live}
        self.updates = 0

    def follow(self, share: float) -> None:
        """copy <- copy + share (theta - copy), in place; a share of 1 copies every bit."""
        if share and self.live:
            with torch.no_grad():
                torch._foreach_lerp_(list(self.copies.values()), list(self.live.values()), share)

    def state(self) -> dict[str, Tensor]:
        """The copies and the number of updates, in memory of their own."""
        return {name: anchor.detach().clone() for name, anchor in self.copies.items()} | {
            "updates": torch.tensor(self.updates)
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        self.updates = int(state["updates"])
        with torch.no_grad():
            for name, anchor in self.copies.items():
                anchor.copy_(state[name])


class FunctionSpace(Anchor):
    """The logits of a second network are the anchor."""

    def __init__(self, rule: Proximal | MomentumProximal, network: SharedNetwork, updates: int) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        super().__init__(network, dict(self.network.named_parameters()))
        self.rule, self.total = rule, updates

    def penalty(self, forward: Forward) -> Tensor | None:
        if not self.rule.applies(forward.task.name):
            return None
        if self.network.training != forward.network.training:
            self.network.train(forward.network.training)
        with torch.no_grad():
            anchored = forward.again(network=self.network, dropout=self.rule.dropout)
        return divergence(forward.logits, anchored, forward.objective.divergence).mean()

    def after_step(self, network: SharedNetwork) -> None:
        self.updates += 1
        self.follow(self.rule.share(self.updates, self.total))


class ParameterSpace(Anchor):
    """The parameters themselves are the anchor."""

    def __init__(self, rule: ParameterProximal, network: SharedNetwork) -> None:
        super().__init__(network, {name: part.detach().clone() for name, part in network.named_parameters()})
        self.rule = rule
        self.served = (-1, "")  # the last step whose encoder has been paid for, and the task that did

    def penalty(self, forward: Forward) -> Tensor | None:
        weight = forward.network.branches[forward.task.name].weight
        if not self.rule.applies(forward.task.name) or weight == 0:
            return None
        prefixes = [f"heads.{forward.task.name}."] if self.rule.space == "all" else []
        if forward.step != self.served[0]:
            self.served = (forward.step, forward.task.name)
        if forward.task.name == self.served[1]:  # in every part of its batch
            prefixes.append("encoder.")
        names = [name for name in self.live if name.startswith(tuple(prefixes))]
        if not names:
            return None
        squares = [(self.live[name] - self.copies[name]).square().sum() for name in names]
        return torch.stack(squares).sum() / (2 * weight)  # the loop multiplies by the branch's weight

    def after_step(self, network: SharedNetwork) -> None:
        self.updates += 1
        self.follow(float(self.updates % self.rule.steps_per_anchor == 0))
