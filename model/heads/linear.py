"""The plain head: one linear layer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.interfaces import Head
from model.lazy_torch import torch

if TYPE_CHECKING:
    from torch import nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Linear(Head):
    """W x + b, torch's default initial weights."""

    slug: ClassVar[str] = "linear"

    def build(self, *, width: int, outputs: int, dropout: float, hidden: int, depth: int) -> nn.Module:
        return torch.nn.Linear(width, outputs)
