"""How the losses of several tasks become gradients."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from model.declaration import Technique
from model.interfaces.promises import withdraw
from model.interfaces.schedule import Step

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Combiner(Technique):
    """How the losses of the tasks in one update become gradients."""

    optimizers: ClassVar[int] = 1
    completes_grad_last: ClassVar[bool] = False
    """True promises that the last loss's backward pass completes each ``.grad``, which nothing reads."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        withdraw(cls, ("backward",), {"completes_grad_last": False})

    def steps(self, steps: Iterator[Step], tasks: tuple[str, ...]) -> Iterator[Step]:
        """The epoch's updates; a combiner may add its own at the end."""
        return steps

    def backward(
        self, step: Step, losses: Iterable[tuple[str, Tensor]], shared: list[nn.Parameter], seed: int
    ) -> dict[str, float]:
        """Write ``.grad`` (None before) and return signals worth logging. ``losses`` is lazy: each graph is built when
        its turn comes, so only one need live at a time. A task comes once, or once for each part of its batch."""
        raise NotImplementedError
