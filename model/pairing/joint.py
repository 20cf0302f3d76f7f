"""Both sentences in one token row, so that attention compares them word by word."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.interfaces import Encoded, Pairing

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Joint(Pairing):
    """dropout(pooled) of [CLS] first [SEP] second [SEP] (Devlin et al. 2019, figure 4a), [batch, hidden]."""

    slug: ClassVar[str] = "joint"
    joint: ClassVar[bool] = True

    def width(self, hidden: int) -> int:
        return hidden

    def features(self, encoded: Encoded, dropout: nn.Module) -> Tensor:
        features: Tensor = dropout(encoded.pooled)
        return features
