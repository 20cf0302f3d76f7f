"""Attention with dropout on a CPU, where torch has no fused one; and tokens to the heads' rows and back, in one move
each way: what is multiplied lies as it is multiplied."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from model.kernels.dropout import factors
from model.kernels.padding_layout import Layout


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

    def spread_real(self, packed: Tensor) -> Tensor:
        """``spread`` with 0 at padding."""
        states = self.spread(packed)
        return states if self.padding is None else states.masked_fill_(self.padding, 0)

    def gather_real(self, states: Tensor) -> Tensor:
        """``gather`` with 0 at what fills a tile."""
        packed = self.gather(states)
        packed[self.tokens :] = 0
        return packed


class Spread(torch.autograd.Function):
    """``Heads.spread``. What comes back to padding is nobody's: attention gives it no weight."""

    @staticmethod
    def forward(ctx: Any, packed: Tensor, heads: Heads) -> Tensor:
        ctx.heads = heads
        return heads.spread(packed)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.heads.gather_real(gradient), None


class Gather(torch.autograd.Function):
    """``Heads.gather``, and 0 back to padding."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, heads: Heads) -> Tensor:
        ctx.heads = heads
        return heads.gather(states)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.heads.spread_real(gradient), None


class Attend(torch.autograd.Function):
    """softmax(Q K^T / sqrt(width) + bias), dropped at a rate above 0, times V, from tokens to tokens: [tokens, hidden]
    each, or with ``first`` queries of each row's first token alone, [rows, hidden]. The gradient needs of the dropout
    only what it left (Dao et al. 2022)."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, heads: Heads, bias: Tensor | None, rate: float, first: bool
    ) -> Tensor:
        ctx.heads, ctx.first = heads, first
        query = query.view(*heads.shape[:2], 1, -1) if first else heads.spread(query)
        key, value = heads.spread(key), heads.spread(value)
        ctx.scale = query.shape[-1] ** -0.5
        scores = query @ key.transpose(-2, -1)
        scores = scores.mul_(ctx.scale) if bias is None else torch.add(bias, scores, alpha=ctx.scale, out=scores)
        shares = scores.softmax(-1)
        left = shares * factors(shares, rate)
        ctx.save_for_backward(query, key, value, shares, left)
        mixed = left @ value
        return mixed.flatten(1) if first else heads.gather(mixed)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, shares, left = ctx.saved_tensors
        heads: Heads = ctx.heads
        gradient = gradient.view(query.shape) if ctx.first else heads.spread_real(gradient)
        of_value = left.transpose(-2, -1) @ gradient
        weighed = (gradient @ value.transpose(-2, -1)).mul_(left)
        of_scores = weighed.sub_(weighed.sum(-1, keepdim=True) * shares)
        of_query = (of_scores @ key).mul_(ctx.scale)
        of_key = (of_scores.transpose(-2, -1) @ query).mul_(ctx.scale)
        of_query = of_query.flatten(1) if ctx.first else heads.gather_real(of_query)
        return of_query, heads.gather_real(of_key), heads.gather_real(of_value), None, None, None, None
