"""A training that goes on from a snapshot ends with the same bits as one that was never interrupted."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from model.combiners.pcgrad import PcGrad, PcGradAtEpochEnd
from model.recipe import AdamW, Recipe
from model.regularizers.proximal import MomentumProximal, ParameterProximal, Proximal
from model.regularizers.r_drop import RDrop
from model.regularizers.smart import Smart
from model.run import Run
from model.schedules.round_robin import RoundRobin
from model.schedules.sequential import Sequential
from model.schedules.weakest_last import WeakestLast
from model.snapshot import Snapshot
from model.train import Epoch, Tick, train
from model.trainer import Loop, indivisible
from tests.model import small

BASE = dataclasses.replace(small.RECIPE, optimizer=AdamW(rate=1e-3, weight_decay=0.1), epochs=2)
RECIPES = {
    "plain": BASE,
    "heads": dataclasses.replace(BASE, trainable="heads"),
    "smart and momentum": dataclasses.replace(BASE, regularizers=(Smart(radius=1e-2), MomentumProximal())),
    "proximal": dataclasses.replace(BASE, regularizers=(Proximal(steps_per_anchor=2), RDrop())),
    "parameters": dataclasses.replace(BASE, regularizers=(ParameterProximal(steps_per_anchor=3),)),
    "pcgrad": dataclasses.replace(BASE, combiner=PcGrad(), schedule=RoundRobin(until="largest")),
    "two optimizers": dataclasses.replace(BASE, combiner=PcGradAtEpochEnd(), schedule=Sequential()),
    "weakest last": dataclasses.replace(BASE, schedule=WeakestLast()),
}


def kept(snapshot: Snapshot) -> Snapshot:
    """The snapshot in memory of its own, as a file would hold it."""
    return Snapshot({name: value.clone() for name, value in snapshot.tensors.items()}, dict(snapshot.position))


def facts(epoch: Epoch) -> tuple[object, ...]:
    """All of an epoch but its clock, comparable bit for bit."""
    scores = {place: (scored.answers.tolist(), scored.metric) for place, scored in epoch.scores.items()}
    return epoch.number, scores, dict(epoch.signals), epoch.items


@pytest.mark.parametrize("name", RECIPES)
def test_from_any_update_the_rest_is_the_same_to_the_last_bit(name: str) -> None:
    recipe = RECIPES[name]
    whole = small.run(recipe)
    snapshots, epochs = [], []
    for event in train(whole):
        snapshots.append((kept(event.take()), len(epochs) + isinstance(event, Epoch)))
        if isinstance(event, Epoch):
            epochs.append(facts(event))
    final = small.weights(whole.network)
    for snapshot, before in snapshots[:: max(1, len(snapshots) // 5)] + snapshots[-2:]:
        resumed = small.run(recipe)
        rest = [facts(event) for event in train(resumed, snapshot) if isinstance(event, Epoch)]
        assert rest == epochs[before:]
        assert small.same(small.weights(resumed.network), final)


def test_ticks_go_on_counting() -> None:
    run = small.run(BASE)
    events = train(run)
    ticks = [event for event in (next(events) for _ in range(2)) if isinstance(event, Tick)]
    rest = [event for event in train(small.run(BASE), kept(ticks[-1].take())) if isinstance(event, Tick)]
    assert [tick.step for tick in rest] == [3, 4, 5, 6]
    assert rest[0].share == 1.0


def test_a_snapshot_holds_weights_optimizers_anchors_and_the_place() -> None:
    run = small.run(RECIPES["smart and momentum"])
    events = train(run)
    next(events)
    snapshot = next(events).take()
    kinds = {name.split("/")[0] for name in snapshot.tensors}
    assert kinds == {"weights", "optimizer", "regularizer", "signal"}
    assert snapshot.position["step"] == 2
    assert snapshot.position["taken"] == {"sst": 2, "quora": 2, "sts": 2}


def test_a_snapshot_of_another_network_is_refused() -> None:
    snapshot = next(train(small.run(BASE))).take()
    fewer = {name: value for name, value in snapshot.tensors.items() if "heads.sts" not in name}
    with pytest.raises(KeyError, match=r"heads\.sts"):
        next(train(small.run(BASE), Snapshot(fewer, snapshot.position)))


# --- batches in pieces ------------------------------------------------------------------------------------------------


def updated(recipe: Recipe, pieces: int) -> dict[str, torch.Tensor]:
    """The gradients of the first update, without dropout."""
    run = dataclasses.replace(small.run(recipe), pieces=pieces)
    for part in run.network.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    next(train(run))
    return {name: part.grad.clone() for name, part in run.network.named_parameters() if part.grad is not None}


@pytest.mark.parametrize("name", ["plain", "smart and momentum", "parameters", "pcgrad"])
@pytest.mark.parametrize("pieces", [2, 3, 9])
def test_the_gradients_of_a_batch_in_pieces_are_those_of_the_whole_up_to_rounding(name: str, pieces: int) -> None:
    recipe = RECIPES[name]
    whole, parts = updated(recipe, 1), updated(recipe, pieces)
    assert whole.keys() == parts.keys()
    for key, gradient in whole.items():
        drawn = 1e-3 if name.startswith("smart") else 2e-6  # each piece draws noise of its own
        torch.testing.assert_close(parts[key], gradient, rtol=1e-3, atol=drawn)


def test_pieces_have_dropout_of_their_own() -> None:
    run: Run = dataclasses.replace(small.run(BASE), pieces=2)
    loop = Loop(run)
    loop.open()
    seen = []
    run.network.dropout.register_forward_hook(lambda module, args, output: seen.append(output[0] == 0))
    list(loop.losses(loop.steps()[0]))
    assert not torch.equal(seen[0], seen[1])


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({}, []),
        ({"regularizers": (Smart(reduction="sum"),)}, ["smart"]),
        ({"regularizers": (Smart(axis="batch"),)}, ["smart"]),
    ],
)
def test_what_is_no_mean_over_items_is_named(changed: dict[str, object], named: list[str]) -> None:
    assert indivisible(dataclasses.replace(BASE, **changed)) == named  # type: ignore[arg-type]
