"""Heads that answer without reading the sentence: the floor of every table."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.interfaces import Encoded, Head
from model.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlwaysAnswer(Head):
    """One class for every item: logit 1 for it and 0 for the others (1 or -1 where there is one output)."""

    slug: ClassVar[str] = "always"
    label: int = 0

    def check(self) -> None:
        self.require(self.label >= 0, "label", "0 or more")

    def build(self, *, width: int, outputs: int, dropout: float, hidden: int, depth: int) -> nn.Module:
        self.require(self.label < max(2, outputs), "label", f"below the number of classes, {max(2, outputs)}")
        module = torch.nn.Module()
        logits = torch.zeros(outputs)
        if outputs == 1:
            logits[0] = 1.0 if self.label else -1.0
        else:
            logits[self.label] = 1.0
        module.register_buffer("logits", logits)
        return module

    def predict(self, module: nn.Module, features: Tensor, encoded: Encoded) -> Tensor:
        logits: Tensor = module.get_buffer("logits")
        return logits.expand(len(features), -1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RandomAnswer(Head):
    """A uniform random number in [-1, 1] for every item: a Pearson r of about 0 that a constant cannot have."""

    slug: ClassVar[str] = "random"

    def build(self, *, width: int, outputs: int, dropout: float, hidden: int, depth: int) -> nn.Module:
        module = torch.nn.Module()
        module.register_buffer("shape", torch.zeros(outputs), persistent=False)
        return module

    def predict(self, module: nn.Module, features: Tensor, encoded: Encoded) -> Tensor:
        outputs = len(module.get_buffer("shape"))
        return torch.rand(len(features), outputs, device=features.device) * 2 - 1
