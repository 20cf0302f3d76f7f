"""What an update costs, in passes through the encoder: counts, not seconds.

With f for a pass forward, x for its gradients on the way back and w for those of the weights, a plain update is
f + x + w. SMART with K = 1 is 3 f + 3 x + 2 w, 8/3 of it; momentum BPPO adds one f.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor

from model.combiners.pcgrad import PcGrad
from model.network import Network
from model.recipe import Recipe
from model.regularizers.proximal import MomentumProximal
from model.regularizers.smart import Smart
from model.training import Tick, train
from tests.model import small

ALONE = small.only("sst")
SMOOTH = dataclasses.replace(ALONE, regularizers=(Smart(),))
BOTH = dataclasses.replace(ALONE, regularizers=(Smart(), MomentumProximal()))
PCGRAD = dataclasses.replace(small.RECIPE, combiner=PcGrad())


def listen(network: Network, seen: Counter[str]) -> None:
    """Count what passes the encoder's pooler, either way."""
    dense = network.encoder.get_submodule("pooler.dense")

    def forward(_: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        seen["f"] += 1
        if output.requires_grad:
            output.register_hook(lambda _: seen.update(["x"]))

    dense.register_forward_hook(forward)


@pytest.mark.parametrize(
    ("recipe", "passes"),
    [
        (ALONE, {"f": 1, "x": 1, "w": 1}),
        (SMOOTH, {"f": 3, "x": 3, "w": 2}),
        (BOTH, {"f": 4, "x": 3, "w": 2}),
        (small.RECIPE, {"f": 3, "x": 3, "w": 3}),
        (PCGRAD, {"f": 3, "x": 3, "w": 3}),
    ],
    ids=["plain", "smart", "smart and momentum bppo", "three tasks, summed", "three tasks, pcgrad"],
)
def test_passes_of_an_update(recipe: Recipe, passes: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the second update: an epoch's first also notes the regularizers' share of the gradient."""
    given, seen, linear = small.run(recipe, scored=()), Counter[str](), torch.nn.functional.linear
    weight = given.network.encoder.get_submodule("pooler.dense").get_parameter("weight")

    def watched(x: Tensor, by: Tensor, bias: Tensor | None = None) -> Tensor:
        if by is weight and by.requires_grad:
            by = by.view_as(by)  # of this pass alone
            by.register_hook(lambda _: seen.update(["w"]))
        return linear(x, by, bias)

    monkeypatch.setattr(torch.nn.functional, "linear", watched)
    listen(given.network, seen)  # and any copy of it
    for event in train(given):
        if isinstance(event, Tick) and event.step == 1:
            seen.clear()
        elif isinstance(event, Tick):
            break
    assert seen == passes
