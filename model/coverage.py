"""Whether all that a loss trains is stepped by the optimizer and kept in checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from model.errors import InputError
from model.run import Run

MEND = "give it to the network in the regularizer's start (network.register_parameter), which is called before training"


class Coverage:
    """``trained`` are the parameters that the optimizers have and that checkpoints hold, by name."""

    def __init__(self, run: Run, trained: Mapping[str, nn.Parameter], regularizers: Sequence[Any]) -> None:
        self.network, self.regularizers = run.network, regularizers
        self._trained = set(trained.values())
        self._still = {name: part for name, part in run.network.named_parameters() if name not in trained}
        if run.recipe.trainable == "heads" and run.network.shared():
            name = next(name for name, part in run.network.encoder.named_parameters() if part.requires_grad)
            raise InputError(f"the encoder is frozen, but a regularizer has its {name} trained; set trainable to all")

    def check(self, loss: Tensor) -> None:
        """Raise ``InputError`` where the loss trains a parameter that no optimizer steps, and say which."""
        for leaf in leaves(loss):
            if leaf not in self._trained:
                raise InputError(f"{self.name(leaf)} is trained by a loss, but no optimizer steps it; {MEND}")

    def check_gradients(self) -> None:
        """The same, of the network's own that were still when training began."""
        for name, part in self._still.items():
            if part.grad is not None:
                raise InputError(
                    f"the parameter {name} was freed after training began, so no optimizer steps it; {MEND}"
                )

    def name(self, leaf: Tensor) -> str:
        """A parameter as a sentence names it."""
        for name, part in self.network.named_parameters():
            if part is leaf:
                return f"the parameter {name}"
        for active in self.regularizers:
            for name, part in tensors(active):
                if part is leaf:
                    return f"the parameter {name} of {type(active).__name__}"
        return f"a parameter of shape {tuple(leaf.shape)}"


def leaves(loss: Tensor) -> Iterator[Tensor]:
    """The tensors that backward gives a gradient."""
    if loss.grad_fn is None:
        yield from [loss] if loss.requires_grad else []
        return
    queue: list[Any] = [loss.grad_fn]
    seen = {loss.grad_fn}
    while queue:
        node = queue.pop()
        if type(node).__name__ == "AccumulateGrad":
            yield node.variable
        following = {into for into, _ in node.next_functions if into is not None} - seen
        seen |= following
        queue += following


def tensors(active: Any) -> Iterator[tuple[str, Any]]:
    """What a regularizer has at hand, by attribute."""
    if isinstance(active, nn.Module):
        yield from active.named_parameters()
    for name, value in getattr(active, "__dict__", {}).items():
        if isinstance(value, nn.Module):
            yield from ((f"{name}.{inner}", part) for inner, part in value.named_parameters())
        yield name, value
