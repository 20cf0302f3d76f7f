"""Penalties beside a task's loss, and the forward pass that they read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from model.declaration import Technique
from model.interfaces.network import SharedNetwork
from model.interfaces.objective import Objective
from model.interfaces.promises import withdraw
from model.interfaces.tensors import Batch
from model.passes import Passes
from model.task import Task

if TYPE_CHECKING:
    from torch import Tensor


DropoutPolicy = Literal["same", "fresh", "off"]


class Forward(Protocol):
    """What one task computed in this step. Regularizers read it and may ask for the same computation again."""

    task: Task
    objective: Objective
    batch: Batch
    step: int  # updates done so far
    logits: Tensor  # [batch, outputs]
    loss: Tensor  # scalar

    @property
    def network(self) -> SharedNetwork: ...

    def embedded(self, level: Literal["word", "embedding_output"]) -> Tensor:
        """The clean pass's embeddings [rows, length, hidden], part of its graph."""
        ...

    def again(
        self,
        *,
        inputs: Tensor | None = None,
        level: Literal["word", "embedding_output"] = "word",
        mask: Tensor | None = None,
        network: SharedNetwork | None = None,
        dropout: DropoutPolicy = "same",
        draw: int = 0,
    ) -> Tensor:
        """The logits [batch, outputs] for other inputs, mask, network or dropout masks. ``same`` replays the
        clean pass's dropout masks, ``fresh`` takes the ``draw``-th independent ones, ``off`` is eval mode."""
        ...

    def seed(self, *names: str | int) -> int:
        """A stream of this run, step and task for the technique that names it."""
        ...


class ActiveRegularizer(Protocol):
    """A regularizer inside one run."""

    def penalty(self, forward: Forward) -> Tensor | None:
        """The unweighted penalty of this task and step, or None where it does not apply."""
        ...

    def after_step(self, network: SharedNetwork) -> None: ...

    def state(self) -> dict[str, Tensor]: ...

    def load(self, state: Mapping[str, Tensor]) -> None: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Regularizer(Technique):
    """A penalty added to each task's loss, times ``weight``. Stateless ones implement ``penalty`` and are their own
    active form; the others return one from ``start``."""

    slot: ClassVar[str] = "regularizers"
    weight: float = 1.0
    tasks: tuple[str, ...] | None = None  # None: every task

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        withdraw(cls, ("penalty", "start"), {"needs_fp32": True, "needs_padding": True, "is_item_mean": False})

    @property
    def needs_fp32(self) -> bool:
        """False promises that bf16 tells apart the numbers that the penalty compares."""
        return True

    @property
    def needs_padding(self) -> bool:
        """False promises that padding does not change the penalty, so that the encoder need not compute it."""
        return True

    @property
    def is_item_mean(self) -> bool:
        """True promises that the penalty of a batch is the mean of its items' penalties, so that it may be computed
        in parts."""
        return False

    def applies(self, task: str) -> bool:
        return self.tasks is None or task in self.tasks

    def passes(self, learning: Passes) -> Passes:
        """What the penalty adds to an update of each task that it applies to: one pass for each time that it has the
        network answer again; ``learning`` is one forward and back through all that is trained. It decides how long a
        cell is expected to take, and no result."""
        return Passes()

    def start(self, network: SharedNetwork, updates: int) -> ActiveRegularizer:
        """The active form for one run of ``updates`` updates, before the first."""
        return self

    def penalty(self, forward: Forward) -> Tensor | None:
        raise NotImplementedError

    def after_step(self, network: SharedNetwork) -> None:
        """Called after every optimizer step."""

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold."""
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take up a checkpoint's state."""
