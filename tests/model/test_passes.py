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

from harness.planning.cost import trained_rows
from model.combiners.pcgrad import PcGrad, PcGradAtEpochEnd
from model.interfaces import Regularizer, Sizes
from model.network import Network
from model.passes import Passes
from model.recipe import Recipe
from model.regularizers.proximal import MomentumProximal, ParameterProximal, Proximal
from model.regularizers.r_drop import RDrop
from model.regularizers.smart import Smart
from model.schedules.round_robin import RoundRobin
from model.schedules.weakest_last import WeakestLast
from model.train import Epoch, Tick, train
from model.update_cost import update_passes
from tests.model import small

ALONE = small.only("sst")


def with_(*regularizers: Regularizer, **more: Any) -> Recipe:
    """One task with these."""
    return dataclasses.replace(ALONE, regularizers=regularizers, **more)


SMOOTH, BOTH = with_(Smart()), with_(Smart(), MomentumProximal())
PCGRAD = dataclasses.replace(small.RECIPE, combiner=PcGrad())
HEADS: dict[str, Any] = {"trainable": "heads"}
ALIKE: Proximal = Proximal(steps_per_anchor=2)


def listen(network: Network, seen: Counter[str]) -> None:
    """Count what passes the encoder's pooler, either way."""
    dense = network.encoder.get_submodule("pooler.dense")

    def forward(_: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        seen["f"] += 1
        if output.requires_grad:
            output.register_hook(lambda _: seen.update(["x"]))

    dense.register_forward_hook(forward)


RECIPES = {
    "plain": ALONE,
    "smart": SMOOTH,
    "smart, three steps": with_(Smart(steps=3)),
    "smart, fresh masks": with_(Smart(dropout="fresh")),
    "smart without dropout": with_(Smart(dropout="off")),
    "smart without dropout, target detached": with_(Smart(dropout="off", detach_target=True)),
    "smart, target detached": with_(Smart(detach_target=True)),
    "smart on embedding outputs": with_(Smart(level="embedding_output")),
    "smart on embedding outputs without dropout": with_(Smart(level="embedding_output", dropout="off")),
    "smart, packages' form": with_(Smart(normalise="step", project=False, mask_of_ones=True)),
    "smart on another task": with_(Smart(tasks=("sts",))),
    "smart, weight 0": with_(Smart(weight=0.0)),
    "smart and momentum bppo": BOTH,
    "bppo": with_(ALIKE),
    "bppo, anchor's own masks": with_(Proximal(steps_per_anchor=2, dropout="fresh")),
    "bppo, weight 0": with_(dataclasses.replace(ALIKE, weight=0.0)),
    "momentum bppo": with_(MomentumProximal()),
    "parameter bppo": with_(ParameterProximal(steps_per_anchor=2)),
    "r-drop": with_(RDrop()),
    "r-drop, one loss": with_(RDrop(both=False)),
    "r-drop, weight 0": with_(RDrop(weight=0.0)),
    "heads": with_(**HEADS),
    "heads, encoder without dropout": with_(**HEADS, encoder_dropout_when_frozen=False),
    "heads and smart": with_(Smart(steps=2), **HEADS),
    "heads and smart without dropout": with_(Smart(dropout="off"), **HEADS),
    "heads, r-drop and bppo": with_(RDrop(), ALIKE, **HEADS),
    "three tasks, summed": small.RECIPE,
    "three tasks, pcgrad": PCGRAD,
    "three tasks, smart on one": dataclasses.replace(small.RECIPE, regularizers=(Smart(tasks=("sst",)),)),
    "three tasks, all": dataclasses.replace(small.RECIPE, regularizers=(Smart(), RDrop(), ALIKE), combiner=PcGrad()),
}


@pytest.mark.parametrize("name", RECIPES)
def test_passes_of_an_update_are_those_that_the_techniques_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the second update: an epoch's first also notes the regularizers' share of the gradient."""
    recipe = RECIPES[name]
    said = sum((update_passes(recipe, task) for task in recipe.schedule.tasks()), Passes())
    wanted = {"f": said.forward, "x": said.inputs, "w": said.weights}
    assert counted(recipe, monkeypatch) == {kind: count for kind, count in wanted.items() if count}


@pytest.mark.parametrize(
    ("recipe", "passes"),
    [
        (ALONE, {"f": 1, "x": 1, "w": 1}),
        (SMOOTH, {"f": 3, "x": 3, "w": 2}),
        (BOTH, {"f": 4, "x": 3, "w": 2}),
        (RECIPES["r-drop"], {"f": 2, "x": 2, "w": 2}),
        (small.RECIPE, {"f": 3, "x": 3, "w": 3}),
        (PCGRAD, {"f": 3, "x": 3, "w": 3}),
    ],
    ids=["plain", "smart", "smart and momentum bppo", "r-drop", "three tasks, summed", "three tasks, pcgrad"],
)
def test_passes_of_an_update(recipe: Recipe, passes: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted(recipe, monkeypatch) == passes


@pytest.mark.parametrize(
    "recipe",
    [
        small.RECIPE,
        ALONE,
        dataclasses.replace(small.RECIPE, combiner=PcGradAtEpochEnd()),
        dataclasses.replace(small.RECIPE, schedule=RoundRobin(until="largest"), batch=5),
        dataclasses.replace(small.RECIPE, schedule=RoundRobin(until="smallest"), batch=5),
        dataclasses.replace(small.RECIPE, schedule=WeakestLast(), batch=5, combiner=PcGradAtEpochEnd()),
    ],
    ids=["together", "alone", "pcgrad at the end", "largest", "smallest", "weakest last, pcgrad at the end"],
)
def test_rows_of_a_training_are_those_that_its_cost_counts(recipe: Recipe) -> None:
    run = small.run(recipe, scored=())
    sizes = Sizes({task: len(table) for task, table in run.train.items()}, recipe.batch)
    items = [event.items for event in train(run) if isinstance(event, Epoch)]
    assert sum(trained_rows(recipe, sizes).values()) == sum(items)


def test_every_regularizer_is_counted_here() -> None:
    """A new one comes with its passes."""
    ours = {kind for kind in kinds(Regularizer) if kind.__module__.startswith("model.")}
    assert ours <= {type(part) for recipe in RECIPES.values() for part in recipe.regularizers}


def kinds(kind: type[Regularizer]) -> set[type[Regularizer]]:
    return {each for sub in kind.__subclasses__() for each in ({sub} | kinds(sub))}


def counted(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    run, seen, linear = small.run(recipe, scored=()), Counter[str](), torch.nn.functional.linear
    weight = run.network.encoder.get_submodule("pooler.dense").get_parameter("weight")

    def watched(x: Tensor, by: Tensor, bias: Tensor | None = None) -> Tensor:
        if by is weight and by.requires_grad:
            by = by.view_as(by)  # of this pass alone
            by.register_hook(lambda _: seen.update(["w"]))
        return linear(x, by, bias)

    monkeypatch.setattr(torch.nn.functional, "linear", watched)
    listen(run.network, seen)  # and any copy of it
    for event in train(run):
        if isinstance(event, Tick) and event.step == 1:
            seen.clear()
        elif isinstance(event, Tick):
            break
    return seen
