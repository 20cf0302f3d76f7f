"""One sentence: its pooled state is the feature."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.interfaces import Encoded, Pairing

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Single(Pairing):
    """dropout(pooled), [batch, hidden]."""

    slug: ClassVar[str] = "single"
    sentences: ClassVar = 1

    def width(self, hidden: int) -> int:
        return hidden

    def features(self, encoded: Encoded, dropout: nn.Module) -> Tensor:
        features: Tensor = dropout(encoded.pooled)
        return features
