"""Tokens to the heads' rows and back, in one move each way: what attention multiplies lies as it multiplies it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from model.layout import Layout


class Heads:
    """The places of a layout's tokens among [rows, heads, length]."""

    def __init__(self, layout: Layout, heads: int) -> None:
        rows, length, tokens = layout.rows, layout.length, len(layout.places) - layout.fill
        self.shape, self.tokens = (rows, heads, length), tokens
        self.padding = None if layout.bias is None else (layout.bias < 0).transpose(-2, -1)  # [rows, 1, length, 1]
        device = layout.places.device
        head = torch.arange(heads, device=device)
        row, place = layout.places // length, layout.places % length
        there = (row[:, None] * heads + head) * length + place[:, None]  # [tokens and fill, heads]
        own = torch.zeros(rows * length, dtype=torch.int64, device=device)  # padding has the first token
        own[layout.places[:tokens]] = torch.arange(tokens, device=device)
        self.there = there.flatten()
        self.own = (own.view(rows, 1, length) * heads + head[:, None]).flatten()  # [rows x heads x length]

    def spread(self, packed: Tensor) -> Tensor:
        """[tokens, hidden] to [rows, heads, length, hidden / heads], with any token's numbers at padding."""
        heads = self.shape[1]
        return packed.reshape(packed.shape[0] * heads, -1).index_select(0, self.own).view(*self.shape, -1)

    def gather(self, states: Tensor) -> Tensor:
        """[rows, heads, length, hidden / heads] to [tokens, hidden]."""
        heads, width = self.shape[1], states.shape[-1]
        return states.reshape(-1, width).index_select(0, self.there).view(-1, heads * width)


class Spread(torch.autograd.Function):
    """``Heads.spread``. What comes back to padding is nobody's: attention gives it no weight."""

    @staticmethod
    def forward(ctx: Any, packed: Tensor, heads: Heads) -> Tensor:
        ctx.heads = heads
        return heads.spread(packed)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        heads: Heads = ctx.heads
        packed = heads.gather(gradient)
        packed[heads.tokens :] = 0
        return packed, None


class Gather(torch.autograd.Function):
    """``Heads.gather``, and 0 back to padding."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, heads: Heads) -> Tensor:
        ctx.heads = heads
        return heads.gather(states)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        heads: Heads = ctx.heads
        rows = heads.spread(gradient)
        return rows if heads.padding is None else rows.masked_fill_(heads.padding, 0), None
