"""Heinsen routing: the states of all depths vote for the classes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model.declaration import SettingError
from model.interfaces import Encoded, Head

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Routing(Head):
    """Routing of vector sequences (Heinsen 2022, arXiv 2211.11754), with the author's arrangement for SST-5: every
    token's state at every depth -> ``vectors`` -> ``vectors`` -> one number for each output.

    Padding takes no part, so a row's answer does not depend on what it was batched with. The pooled features, and
    with them the head dropout, are not read.
    """

    slug: ClassVar[str] = "routing"
    reads_states: ClassVar[bool] = True
    vectors: int = 64  # outputs of the first two routings
    size: int | None = None  # width of the routed vectors; None: the encoder's, as in the author's code
    iterations: int = 2

    @property
    def passes(self) -> float:
        return self.vectors / 12  # depths x vectors x width^2 products a token, the encoder's layers x 12 width^2

    def check(self) -> None:
        self.require(self.vectors > 0, "vectors", "at least 1")
        self.require(self.size is None or self.size > 0, "size", "at least 1")
        self.require(self.iterations > 0, "iterations", "at least 1")

    def build(self, *, width: int, outputs: int, dropout: float, hidden: int, depth: int) -> nn.Module:
        from model.heads.routing_layers import StatesRouting

        if width != hidden:
            raise SettingError(_NOT_SEPARATE)
        return StatesRouting(hidden, depth, outputs, self.vectors, self.size or hidden, self.iterations)

    def predict(self, module: nn.Module, features: Tensor, encoded: Encoded) -> Tensor:
        if len(features) != len(encoded.mask):
            raise SettingError(_NOT_SEPARATE)
        answer: Tensor = module(encoded.states, encoded.mask)
        return answer


_NOT_SEPARATE = (
    "the routing head reads one row of tokens an item, but this branch encodes a pair's sentences separately; "
    "give it the pairing 'joint' or another head"
)
