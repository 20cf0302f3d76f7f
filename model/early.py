"""AdamW on a weight as soon as its gradient is whole: the gradient is still in the processor's cache, and its memory
serves the next one's. Bit for bit what one call for all weights computes after the pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from model.lookup import Dense

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
        not know yet wait for its own ``step``, as does a weight that the pass does not reach."""
        (group,) = optimizer.param_groups
        settings = {name: group[name] for name in ("lr", "weight_decay", "eps", "amsgrad", "maximize")}
        settings["beta1"], settings["beta2"] = group["betas"]

        @torch.no_grad()
        def update(weight: nn.Parameter) -> None:
            self._dense.fill(weight)
            assert weight.grad is not None
            state = optimizer.state[weight]
            moments, step = ([state["exp_avg"]], [state["exp_avg_sq"]]), state["step"].add_(1)
            # what torch.optim.AdamW calls in the end
            torch._fused_adamw_(
                [weight], [weight.grad], *moments, [], [step], grad_scale=None, found_inf=None, **settings
            )
            weight.grad = None

        for weight in self._large:
            if optimizer.state.get(weight):
                self._hooks.append(weight.register_post_accumulate_grad_hook(update))
