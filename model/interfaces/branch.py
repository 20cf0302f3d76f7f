"""One task's part of the network and of the data."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from model.declaration import Technique
from model.interfaces.tensors import Encoded

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pairing(Technique):
    """How one or two sentences become the features that a head reads."""

    joint: ClassVar[bool] = False  # both sentences in one token row
    sentences: ClassVar[Literal[1, 2]] = 2

    def width(self, hidden: int) -> int:
        raise NotImplementedError

    def features(self, encoded: Encoded, dropout: nn.Module) -> Tensor:
        """[batch, width]; ``dropout`` is the head dropout, to be applied where the paper applies it."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Head(Technique):
    """From features to ``outputs`` numbers."""

    reads_states: ClassVar[bool] = False

    @property
    def passes(self) -> float:
        """What it takes beside the encoder, in passes of the encoder over the same tokens; most take next to
        nothing. It decides how long a cell is expected to take, and no result."""
        return 0.0

    def build(self, *, width: int, outputs: int, dropout: float, hidden: int, depth: int) -> nn.Module:
        """The head's parameters; ``depth`` counts the encoder's states (embedding output included)."""
        raise NotImplementedError

    def predict(self, module: nn.Module, features: Tensor, encoded: Encoded) -> Tensor:
        """[batch, outputs]."""
        logits: Tensor = module(features)
        return logits


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExtraData(Technique):
    """A second source of training data for one task."""
