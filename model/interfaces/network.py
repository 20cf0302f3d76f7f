"""The network as techniques see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, Protocol, Self

from model.interfaces.tensors import Encoded, Tokens

if TYPE_CHECKING:
    from torch import Tensor, nn


class WeightedBranch(Protocol):
    """One task's branch: as much of it as techniques read."""

    @property
    def weight(self) -> float: ...


class SharedNetwork(Protocol):
    """One encoder that the tasks share, and a head for each: ``model.network.Network``, an ``nn.Module``."""

    encoder: nn.Module
    training: bool
    embedding_output: Tensor | None  # of the last pass, [rows, length, hidden]

    @property
    def branches(self) -> Mapping[str, WeightedBranch]: ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]: ...

    def register_parameter(self, name: str, param: nn.Parameter | None) -> None: ...

    def requires_grad_(self, requires_grad: bool = True) -> Self: ...

    def train(self, mode: bool = True) -> Self: ...

    def eval(self) -> Self: ...

    def embed(self, tokens: Tokens) -> Tensor: ...

    def encode(
        self,
        tokens: Tokens,
        inputs: Tensor,
        level: Literal["word", "embedding_output"] = "word",
        mask: Tensor | None = None,
    ) -> Encoded: ...

    def answer(self, task: str, encoded: Encoded) -> Tensor: ...
