"""AdamW on a weight as soon as its gradient is whole: the gradient is still in the processor's cache, and its memory
serves the next one's. Bit for bit what one call for all weights computes after the pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from model.kernels.sparse_embedding import Dense
from model.kernels.switch import enabled

LARGE = 1 << 16  # numbers; smaller weights are not worth a call of their own


class Early:
    """Large weights on a CPU, updated within the backward pass that completes their gradients."""

    def __init__(self, weights: Iterable[nn.Parameter], dense: Dense) -> None:
        self._large = [weight for weight in weights if weight.numel() >= LARGE and weight.device.type == "cpu"]
        self._dense = dense
        self._hooks: list[RemovableHandle] = []

    @contextmanager
    def within(self) -> Iterator[None]:
        """One update; what comes after it accumulates gradients as ever."""
        try:
            yield
        finally:
            while self._hooks:
                self._hooks.pop().remove()

    def arm(self, optimizer: torch.optim.Optimizer) -> None:
        """From here to the end of the update a gradient that is accumulated is whole. Weights that the optimizer does
        not know yet wait for ``finish``, as does a weight that the pass does not reach."""

        def update(weight: nn.Parameter) -> None:
            self._dense.fill(weight)
            adamw(optimizer, [weight])
            weight.grad = None

        for weight in self._large if enabled() else ():
            if optimizer.state.get(weight):
                self._hooks.append(weight.register_post_accumulate_grad_hook(update))

    def finish(self, optimizer: torch.optim.Optimizer) -> None:
        """The weights that have a gradient still."""
        left = [weight for group in optimizer.param_groups for weight in group["params"] if weight.grad is not None]
        if left and enabled() and all(optimizer.state.get(weight) and weight.device.type == "cpu" for weight in left):
            adamw(optimizer, left)
        else:
            optimizer.step()


@torch.no_grad()
def adamw(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter]) -> None:
    """What torch's fused AdamW computes on a CPU for weights that it knows, without going through all others."""
    (group,) = optimizer.param_groups
    states = [optimizer.state[weight] for weight in weights]
    for state in states:
        state["step"] += 1
    settings: dict[str, Any] = {name: group[name] for name in ("lr", "weight_decay", "eps", "amsgrad", "maximize")}
    settings["beta1"], settings["beta2"] = group["betas"]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    first, second, steps = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step"))
    torch._fused_adamw_(list(weights), gradients, first, second, [], steps, **settings)
