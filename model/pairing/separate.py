"""Each sentence encoded alone; the two pooled states u and v become the features of the pair."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.interfaces import Encoded, Pairing
from model.lazy_torch import functional, torch

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Concatenate(Pairing):
    """(u, v), [batch, 2 hidden]."""

    slug: ClassVar[str] = "concatenate"

    def width(self, hidden: int) -> int:
        return 2 * hidden

    def features(self, encoded: Encoded, dropout: nn.Module) -> Tensor:
        u, v = dropout(encoded.pooled).chunk(2)
        return torch.cat((u, v), dim=-1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference(Pairing):
    """|u - v|, [batch, hidden] (Reimers & Gurevych 2019, arXiv 1908.10084, section 3)."""

    slug: ClassVar[str] = "difference"

    def width(self, hidden: int) -> int:
        return hidden

    def features(self, encoded: Encoded, dropout: nn.Module) -> Tensor:
        u, v = dropout(encoded.pooled).chunk(2)
        difference: Tensor = (u - v).abs()
        return difference


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cosine(Pairing):
    """cos(u, v) = u . v / (|u| |v|), the dot product of the normalised embeddings, [batch, 1]."""

    slug: ClassVar[str] = "cosine"

    def width(self, hidden: int) -> int:
        return 1

    def features(self, encoded: Encoded, dropout: nn.Module) -> Tensor:
        u, v = dropout(encoded.pooled).chunk(2)
        return functional.cosine_similarity(u, v, dim=-1)[:, None]
