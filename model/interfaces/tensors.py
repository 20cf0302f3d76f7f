"""Tensors that pass through the network: rows of tokens, batches, encoder states."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, dtype

    from model.kernels.padding_layout import Layout


@dataclasses.dataclass(frozen=True)
class Tokens:
    """Padded token rows, each tensor [rows, length]. A separately encoded pair batch stacks its first sentences
    above its second ones, so rows = 2 * batch there and rows = batch otherwise."""

    ids: Tensor
    mask: Tensor  # 1 for real tokens
    types: Tensor
    layout: Layout


@dataclasses.dataclass(frozen=True)
class Batch:
    """Items of one task. ``items`` are positions in the data set; ``labels`` is [batch], long or float."""

    task: str
    items: Tensor
    tokens: Tokens
    labels: Tensor


@dataclasses.dataclass(frozen=True)
class Encoded:
    """What a head may read: ``pooled`` [rows, hidden], the mask, and the states [rows, length, hidden] of all depths
    (embedding output first) when a head asked for them."""

    pooled: Tensor
    mask: Tensor
    states: tuple[Tensor, ...] = ()

    def to(self, dtype: dtype) -> Encoded:
        """The same numbers in another type."""
        return Encoded(self.pooled.to(dtype), self.mask, tuple(state.to(dtype) for state in self.states))
