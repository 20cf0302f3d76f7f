"""No parameters: the pair feature is the prediction."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.declaration import SettingError
from model.interfaces import Head
from model.lazy_torch import torch

if TYPE_CHECKING:
    from torch import nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Direct(Head):
    """The feature itself, e.g. a cosine as the logit."""

    slug: ClassVar[str] = "direct"

    def build(self, *, width: int, outputs: int, dropout: float, hidden: int, depth: int) -> nn.Module:
        if width != outputs:
            raise SettingError(
                f"the direct head needs {outputs} feature(s) but its pairing gives {width}; choose another of the two"
            )
        return torch.nn.Identity()
