"""Trainings with all kernels off, against the same with all of them on."""

from __future__ import annotations

import dataclasses
import pkgutil
from collections import Counter
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import nn

from model import kernels
from model.combiners.pcgrad import PcGrad
from model.heads.routing import Routing
from model.kernels import attention, bf16_linear, dropout, fused_adamw, packed_bert, sparse_embedding
from model.kernels.switch import enabled, reference
from model.recipe import AdamW, Recipe
from model.regularizers.proximal import MomentumProximal
from model.regularizers.r_drop import RDrop
from model.regularizers.smart import Smart
from model.run import Run
from tests.model import small

ENTRIES: dict[str, tuple[Any, str]] = {
    "attention": (attention.Attend, "apply"),
    "bf16_linear": (bf16_linear.Rounded, "apply"),
    "dropout": (dropout, "factors"),
    "fused_adamw": (fused_adamw, "adamw"),
    "packed_bert": (packed_bert, "encode"),
    "sparse_embedding": (sparse_embedding.Rows, "apply"),
}
# with torch's eps the rounding of a gradient near 0 may decide where a weight goes
STILL = dataclasses.replace(small.RECIPE, dropout=0.0, optimizer=AdamW(rate=1e-3, eps=1e-3))
ROUTED = dataclasses.replace(small.SENTIMENT, head=Routing(vectors=4))
RECIPES: dict[str, dict[str, Any]] = {
    "sum": {},
    "frozen": {"trainable": "heads"},
    "pcgrad": {"combiner": PcGrad()},
    "every state": {"branches": (ROUTED, *STILL.branches[1:])},
    "pairs in one row": {"branches": (*STILL.branches[:2], small.JOINT_SIMILARITY)},
    "smart": {"regularizers": (Smart(),)},
    "r-drop and momentum": {"regularizers": (RDrop(), MomentumProximal())},
}


@pytest.fixture(autouse=True)
def every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels for what is large take what is small, on any processor."""
    monkeypatch.setattr(sparse_embedding, "LARGE", 0)
    monkeypatch.setattr(fused_adamw, "LARGE", 1)
    monkeypatch.setattr(bf16_linear, "MANY", 4)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)


def run(recipe: Recipe, rate: float | None = None) -> Run:
    """A run whose encoder drops at this rate, or at its own."""
    prepared = small.run(recipe, scored=())
    for part in prepared.network.encoder.modules():
        if isinstance(part, nn.Dropout) and rate is not None:
            part.p = rate
    return prepared


@pytest.mark.parametrize("changes", RECIPES.values(), ids=RECIPES)
def test_a_training_is_the_same_without_kernels(changes: dict[str, Any]) -> None:
    """To the rounding of sums that the kernels take in another order."""
    recipe = dataclasses.replace(STILL, **changes)
    start = small.weights(run(recipe, 0.0).network)
    fast = small.weights(small.trained(run(recipe, 0.0)))
    with reference():
        plain = small.weights(small.trained(run(recipe, 0.0)))
    assert max(float((plain[name] - start[name]).abs().max()) for name in plain) > 1e-3
    for name, weight in plain.items():
        torch.testing.assert_close(fast[name], weight, rtol=0, atol=2e-6, msg=lambda text, name=name: f"{name}: {text}")


def test_sparse_gradients_and_early_updates_leave_every_bit() -> None:
    """On an encoder that is not packed, with dropout."""

    def weights() -> dict[str, torch.Tensor]:
        hooked = run(small.RECIPE)
        hooked.network.encoder.register_forward_hook(lambda *_: None)
        return small.weights(small.trained(hooked))

    fast = weights()
    with reference():
        assert small.same(weights(), fast)


@pytest.mark.parametrize("on", [True, False])
def test_one_switch_is_for_every_kernel(on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()
    for name, (owner, entry) in ENTRIES.items():
        computed = getattr(owner, entry)

        def counting(*args: Any, name: str = name, computed: Any = computed, **more: Any) -> Any:
            calls[name] += 1
            return computed(*args, **more)

        monkeypatch.setattr(owner, entry, staticmethod(counting) if isinstance(owner, type) else counting)
    with nullcontext() if on else reference():
        small.trained(run(dataclasses.replace(small.RECIPE, precision="bf16")))
        dropout.drop(torch.ones(4), 0.5)
    assert set(calls) == (set(ENTRIES) if on else set())


def test_each_kernel_is_among_them() -> None:
    modules = {module.name for module in pkgutil.iter_modules(kernels.__path__)}
    assert modules == {*ENTRIES, "padding_layout", "switch"}


def test_the_switch_is_put_back() -> None:
    with pytest.raises(KeyError), reference():
        with reference():
            assert not enabled()
        assert not enabled()
        raise KeyError
    assert enabled()
