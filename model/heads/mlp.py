"""Heads with hidden layers between the features and the output."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.interfaces import Head
from model.lazy_torch import torch

if TYPE_CHECKING:
    from torch import nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Intermediate(Head):
    """``layers`` times (Linear -> GELU -> Dropout), then a linear layer (not-so-smart, section 4).

    The hidden width is not printed: the encoder's width here, also where the feature is one number wide.
    """

    slug: ClassVar[str] = "intermediate"
    layers: int = 1

    def check(self) -> None:
        self.require(self.layers > 0, "layers", "at least 1")

    def build(self, *, width: int, outputs: int, dropout: float, hidden: int, depth: int) -> nn.Module:
        nn = torch.nn
        inner: list[nn.Module] = []
        for layer in range(self.layers):
            inner += [nn.Linear(width if layer == 0 else hidden, hidden), nn.GELU(), nn.Dropout(dropout)]
        return nn.Sequential(*inner, nn.Linear(hidden, outputs))
