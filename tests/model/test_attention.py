"""Tokens among the heads' rows, against padding, cutting and turning them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from model.attention import Gather, Heads, Spread
from model.layout import Layout
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
    expected, found = padded(packed, layout, 3), Spread.apply(packed, heads)
    assert found.is_contiguous() and torch.equal(found * real, expected)
    direction = small.draws(*found.shape, name="direction")
    assert torch.equal(*(torch.autograd.grad((each * direction).sum(), packed)[0] for each in (found, expected)))

    states = small.draws(*found.shape, name="states").requires_grad_()
    expected, found = layout.pack(states.transpose(1, 2).flatten(2)), Gather.apply(states, heads)
    assert torch.equal(found, expected)
    direction = small.draws(*found.shape, name="direction")
    direction[len(direction) - layout.fill :] = 0  # nothing reads what fills a tile
    assert torch.equal(*(torch.autograd.grad((each * direction).sum(), states)[0] for each in (found, expected)))
