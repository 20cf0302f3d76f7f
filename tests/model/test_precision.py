"""bf16 products: inputs rounded where torch's kernels round, sums in fp32, and only where the recipe asks for them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from model.combiners.pcgrad import gram
from model.kernels import bf16_linear
from model.kernels.padding_layout import Layout
from model.precision import passes, products
from model.recipe import recipe_digest
from model.run import Run
from model.train import Epoch, train
from tests.model import small
from tests.model.processor import BFLOAT, ROUNDS

BF16 = dataclasses.replace(small.RECIPE, precision="bf16")
fast = pytest.mark.skipif(not BFLOAT, reason="this processor has no bf16 products, so torch keeps to fp32")


def test_the_setting_is_put_back() -> None:
    assert torch.get_float32_matmul_precision() == "highest"
    with products("bf16"):
        assert torch.get_float32_matmul_precision() == "medium"
        with products("fp32"):
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_float32_matmul_precision() == "medium"
    with pytest.raises(KeyError), products("bf16"):
        raise KeyError
    assert torch.get_float32_matmul_precision() == "highest"


def test_inputs_are_rounded_where_torch_rounds_and_sums_nowhere() -> None:
    """Sums of 128 products of size 1: 2e-5 off in fp32, .1 from rounded inputs or a rounded sum."""
    a, b = small.draws(64, 128, name="a"), small.draws(128, 96, name="b")
    with products("bf16"):
        rounded = a @ b
    exact, coarse = a.double() @ b.double(), a.bfloat16().double() @ b.bfloat16().double()
    multiplied, other = (coarse, exact) if ROUNDS else (exact, coarse)
    assert (rounded - multiplied).abs().max() < 1e-4
    assert (rounded - other).abs().max() > 1e-2


def losses(run: Run) -> list[float]:
    return [x for event in train(run) if isinstance(event, Epoch) for x in event.signals.values()]


@fast
def test_a_run_in_bf16_is_near_the_one_in_fp32_and_not_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses of 1 to 9, some 4e-4 apart; another order of sums in fp32 moves them by 5e-7. Its passes are of few
    tokens, so without AMX ``model.kernels.bf16_linear`` is given them."""
    if not ROUNDS:
        monkeypatch.setattr(bf16_linear, "MANY", 4)
    assert recipe_digest(BF16) != recipe_digest(small.RECIPE)
    quiet = dataclasses.replace(small.RECIPE, dropout=0.0)
    exact, near = (
        losses(small.run(dataclasses.replace(quiet, precision=kind), hidden=64)) for kind in ("fp32", "bf16")
    )
    assert 1e-5 < np.abs(np.subtract(exact, near)).max() < 1e-2
    assert losses(small.run(dataclasses.replace(quiet, precision="bf16"), hidden=64)) == near
    assert torch.get_float32_matmul_precision() == "highest"


@fast
def test_dot_products_of_gradients_stay_exact() -> None:
    gradients = [(small.draws(512, 64, name=name),) for name in ("a", "b")]
    exact = gram(gradients)
    with products("bf16"):
        assert (gram(gradients) == exact).all()


def test_a_gpu_has_autocast_and_a_cpu_has_not() -> None:
    with passes("bf16", "cpu"):
        assert not torch.is_autocast_enabled("cpu")
    with passes("fp32", "cuda"):
        assert not torch.is_autocast_enabled("cuda")


def test_answers_are_fp32_under_autocast() -> None:
    network, batch = small.network(), small.batch("sts")
    with torch.autocast("cpu", torch.bfloat16):
        encoded = network.encode(batch.tokens, network.embed(batch.tokens))
        assert encoded.pooled.dtype == torch.bfloat16
        assert network.answer("sts", encoded).dtype == torch.float32


def test_what_fills_a_tile_changes_nothing_and_gets_no_gradient() -> None:
    layout = Layout.of(np.arange(5) < np.array([[3], [5], [1]]))
    tiled = layout.in_tiles(4)
    assert tiled.places.tolist() == [*layout.places.tolist(), 0, 0, 0]
    rows = small.draws(3, 5, 2)
    assert torch.equal(tiled.pad(tiled.pack(rows)), layout.pad(layout.pack(rows)))
    states = small.draws(12, 2).requires_grad_()
    (gradient,) = torch.autograd.grad(tiled.pad(states).sum(), states)
    assert gradient.sum(dim=1).tolist() == [2.0] * 9 + [0.0] * 3
    assert layout.in_tiles(3).places.tolist() == layout.places.tolist()
    whole = Layout.of(np.ones((1, 3), dtype=bool))
    assert whole.in_tiles(4) is whole
