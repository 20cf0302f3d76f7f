"""Our dropout on a CPU against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.kernels.dropout import LANES, drop, drop_and_add


def test_by_hand() -> None:
    """Four lanes of one 64-bit draw, lowest bits first: dropped where the signed 16 bits are below the threshold."""
    torch.manual_seed(3)
    seed = int(torch.empty((), dtype=torch.int64).random_())
    draw = int(np.random.SFC64(seed).random_raw())
    lanes = [(draw >> shift) % LANES for shift in (0, 16, 32, 48)]
    signed = [lane - LANES if lane >= LANES // 2 else lane for lane in lanes]
    torch.manual_seed(3)
    expected = [0.0 if lane < 0 else 2.0 for lane in signed]  # a rate of one half
    assert drop(torch.ones(4), 0.5).tolist() == expected


def test_drop_and_add() -> None:
    x, other = torch.randn(7, 5), torch.randn(7, 5)
    torch.manual_seed(1)
    expected = drop(x, 0.4) + other
    torch.manual_seed(1)
    torch.testing.assert_close(drop_and_add(x, 0.4, other), expected)
    assert torch.equal(drop_and_add(x, 0.0, other), x + other)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_rate_scale_and_independence(rate: float) -> None:
    torch.manual_seed(0)
    kept = drop(torch.ones(1000, 1003), rate)
    values = kept.unique().tolist()
    assert values == pytest.approx([0, 1 / (1 - rate)], rel=1e-4)
    n = kept.numel()
    error = (rate * (1 - rate) / n) ** 0.5
    gone = (kept == 0).double()
    assert abs(gone.mean().item() - rate) < 5 * error
    flat = gone.flatten() - gone.mean()
    for apart in (1, 2, 3, 4, 8, 1003):  # lanes, draws, rows
        together = (flat[apart:] * flat[:-apart]).mean().item() / (rate * (1 - rate))
        assert abs(together) < 5 / n**0.5


def test_a_seed_replays_it_and_gradients_are_its_factors() -> None:
    x = torch.randn(7, 5, requires_grad=True)
    torch.manual_seed(1)
    once = drop(x, 0.4)
    torch.manual_seed(1)
    assert torch.equal(drop(x, 0.4), once)
    assert not torch.equal(drop(x, 0.4), once)
    (gradient,) = torch.autograd.grad(once.sum(), x)
    assert torch.equal(gradient * x, once)


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 1.0), (1.0, 0.0)])
def test_extremes(rate: float, expected: float) -> None:
    assert drop(torch.ones(50), rate).unique().tolist() == [expected]


def test_numbers_that_fill_no_whole_draw() -> None:
    assert drop(torch.ones(3, 1, 7), 0.5).shape == (3, 1, 7)
    assert drop(torch.ones(0, 4), 0.5).shape == (0, 4)
