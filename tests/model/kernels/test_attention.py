"""Tokens among the heads' rows, against padding, cutting and turning them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from model.kernels.attention import Attend, Gather, Heads, Spread
from model.kernels.dropout import drop
from model.kernels.padding_layout import Layout
from tests.model import small

MASK = np.arange(5) < np.array([[3], [5], [1]])
WHOLE = np.ones((2, 4), dtype=bool)


def padded(packed: Tensor, layout: Layout, heads: int) -> Tensor:
    return layout.pad(packed).unflatten(-1, (heads, -1)).transpose(1, 2)


def test_places_by_hand() -> None:
    heads = Heads(Layout.of(np.array([[True, False], [True, True]])), 2)
    packed = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])  # three tokens, a number a head
    spread = heads.spread(packed)[..., 0]
    assert spread.tolist() == [[[1, 1], [10, 10]], [[2, 3], [20, 30]]]  # padding has the first token's
    assert torch.equal(heads.gather(spread[..., None]), packed)


@pytest.mark.parametrize("mask", [MASK, WHOLE])
@pytest.mark.parametrize("tile", [1, 4])
def test_there_and_back_with_gradients(mask: np.ndarray, tile: int) -> None:
    layout = Layout.of(mask).in_tiles(tile)
    heads, real = Heads(layout, 3), torch.from_numpy(mask)[:, None, :, None]
    packed = small.draws(len(layout.places), 6).requires_grad_()
    expected, ours = padded(packed, layout, 3), Spread.apply(packed, heads)
    assert ours.is_contiguous() and torch.equal(ours * real, expected)
    direction = small.draws(*ours.shape, name="direction")
    assert torch.equal(*(torch.autograd.grad((each * direction).sum(), packed)[0] for each in (ours, expected)))

    states = small.draws(*ours.shape, name="states").requires_grad_()
    expected, ours = layout.pack(states.transpose(1, 2).flatten(2)), Gather.apply(states, heads)
    assert torch.equal(ours, expected)
    direction = small.draws(*ours.shape, name="direction")
    direction[len(direction) - layout.fill :] = 0  # nothing reads what fills a tile
    assert torch.equal(*(torch.autograd.grad((each * direction).sum(), states)[0] for each in (ours, expected)))


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("mask", [MASK, WHOLE])
@pytest.mark.parametrize("tile", [1, 4])
def test_attention_with_dropout_against_its_definition(mask: np.ndarray, tile: int, first: bool) -> None:
    layout = Layout.of(mask).in_tiles(tile)
    heads, tokens = Heads(layout, 3), len(layout.places)
    query = small.draws(layout.rows if first else tokens, 12, name="query").double().requires_grad_()
    key, value = (small.draws(tokens, 12, name=name).double().requires_grad_() for name in ("key", "value"))
    direction = small.draws(*query.shape, name="direction").double()
    direction[layout.rows if first else tokens - layout.fill :] = 0  # nothing reads what fills a tile
    torch.manual_seed(5)
    ours = Attend.apply(query, key, value, heads, layout.bias, 0.4, first)
    torch.manual_seed(5)
    keys, values = padded(key, layout, 3), padded(value, layout, 3)
    queries = query.view(layout.rows, 3, 1, 4) if first else padded(query, layout, 3)
    scores = queries @ keys.transpose(-2, -1) / 2
    shares = (scores if layout.bias is None else scores + layout.bias).softmax(-1)
    mixed = drop(shares, 0.4) @ values
    expected = mixed.flatten(1) if first else layout.pack(mixed.transpose(1, 2).flatten(2))
    for one, other in zip(
        *([each, *torch.autograd.grad((each * direction).sum(), (query, key, value))] for each in (ours, expected)),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


def test_what_attention_drops_averages_out() -> None:
    """Dropped shares are scaled up by 1 / (1 - rate), so that their mean over many masks is the undropped output."""
    layout = Layout.of(np.ones((1, 6), dtype=bool))
    query, key, value = (small.draws(6, 4, name=name) for name in ("query", "key", "value"))
    torch.manual_seed(0)
    heads = Heads(layout, 1)
    mean = torch.stack([Attend.apply(query, key, value, heads, None, 0.3, False) for _ in range(4000)]).mean(0)
    expected = (query @ key.t() / 2).softmax(-1) @ value
    torch.testing.assert_close(mean, expected, rtol=0, atol=0.05)
