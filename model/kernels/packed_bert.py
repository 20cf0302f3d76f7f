"""BERT on real tokens alone: its linear layers see no padding, and only attention sees rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import BertModel

from model.kernels.attention import Attend, Gather, Heads, Spread
from model.kernels.bf16_linear import linear
from model.kernels.dropout import drop, drop_and_add, on_cpu
from model.kernels.padding_layout import Layout

HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def packs(encoder: nn.Module) -> bool:
    """Whether ``encode`` computes what this encoder would: a BertModel made of BERT's own parts, each of its stock
    class, not a decoder. Hooks are another matter, see ``hooked``."""
    config: Any = encoder.config
    if type(encoder) is not BertModel or config.is_decoder or config.add_cross_attention:
        return False
    with torch.device("meta"):  # of no size, and without a draw
        stock = BertModel(config)
    return kinds(encoder) == kinds(stock) and not any("forward" in vars(part) for part in encoder.modules())


def kinds(encoder: nn.Module) -> dict[str, type]:
    """The class of every part by its name."""
    return {name: type(part) for name, part in encoder.named_modules()}


def hooked(parts: Iterable[nn.Module]) -> bool:
    """Whether something looks in on one of these parts, which ``encode`` would pass by or show other shapes."""
    return any(getattr(part, kind) for part in parts for kind in HOOKS)


def embed(bert: Any, words: Tensor, types: Tensor, layout: Layout) -> Tensor:
    """The embedding output [tokens, hidden] of word embeddings and token types [rows, length, (hidden)]."""
    part = bert.embeddings
    positions = layout.places % layout.length
    summed = layout.pack(words) + part.token_type_embeddings(layout.pack(types)) + part.position_embeddings(positions)
    return apply_dropout(part.dropout, part.LayerNorm(summed))


def draw_as_embed(bert: Any, embedded: Tensor) -> None:
    """Take the draws of ``embed`` and leave it at that, so that what follows draws the same."""
    apply_dropout(bert.embeddings.dropout, embedded.detach())


def encode(bert: Any, embedded: Tensor, layout: Layout, every_state: bool) -> tuple[Tensor, list[Tensor]]:
    """The pooled first tokens [rows, hidden] of an embedding output [tokens, hidden], and the states of all depths,
    [tokens, hidden] each; without ``every_state`` there are none, and the last layer computes first tokens alone.

    In eval mode as transformers' BertModel, to rounding; in train mode dropout has its rates but other draws.
    """
    *layers, last = bert.encoder.layer
    heads = Heads(layout, bert.config.num_attention_heads)
    states = [embedded]
    for part in layers:
        states = [*(states if every_state else ()), layer(part, states[-1], layout, heads)]
    final = layer(last, states[-1], layout, heads, first_only=not every_state)
    first = final.index_select(0, layout.firsts) if every_state else final
    return bert.pooler(first[:, None]), [*states, final] if every_state else []


def layer(part: Any, states: Tensor, layout: Layout, heads: Heads, first_only: bool = False) -> Tensor:
    """One layer on [tokens, hidden]; with ``first_only`` its output for each row's first token, [rows, hidden]."""
    own = states.index_select(0, layout.firsts) if first_only else states
    mixed = attend(part.attention.self, own, states, layout, heads, first_only)
    attended = add_and_normalise(part.attention.output, mixed, own)
    inner = part.intermediate
    return add_and_normalise(part.output, inner.intermediate_act_fn(linear(inner.dense, attended)), attended)


def attend(part: Any, own: Tensor, states: Tensor, layout: Layout, heads: Heads, first_only: bool) -> Tensor:
    """What the tokens of ``own`` find in their rows, in the shape of ``own``."""
    query, key, value = linear(part.query, own), linear(part.key, states), linear(part.value, states)
    rate = part.dropout.p if part.dropout.training else 0.0
    if on_cpu(query, rate):
        mixed: Tensor = Attend.apply(query, key, value, heads, layout.bias, rate, first_only)  # type: ignore[no-untyped-call]
        return mixed
    key, value = spread(key, heads), spread(value, heads)  # [rows, heads, length, hidden / heads]
    query = query.view(layout.rows, part.num_attention_heads, 1, -1) if first_only else spread(query, heads)
    mixed = scaled_dot_product_attention(query, key, value, attn_mask=layout.bias, dropout_p=rate)
    packed: Tensor = mixed.flatten(1) if first_only else Gather.apply(mixed, heads)  # type: ignore[no-untyped-call]
    return packed


def spread(packed: Tensor, heads: Heads) -> Tensor:
    """The tokens' numbers at their places in the heads' rows."""
    states: Tensor = Spread.apply(packed, heads)  # type: ignore[no-untyped-call]
    return states


def add_and_normalise(part: Any, inner: Tensor, states: Tensor) -> Tensor:
    """LayerNorm(dropout(W found + b) + states)."""
    inner = linear(part.dense, inner)
    summed = drop_and_add(inner, part.dropout.p, states) if part.training else inner + states
    normal: Tensor = part.LayerNorm(summed)
    return normal


def apply_dropout(part: nn.Dropout, states: Tensor) -> Tensor:
    """A dropout layer's output."""
    return drop(states, part.p) if part.training else states
