"""Tasks whose loss no trained weight takes part in: passed over, said once, and no matter to the others."""

from __future__ import annotations

import dataclasses
import warnings

import pytest

from model.combiners.pcgrad import PcGrad, PcGradAtEpochEnd
from model.combiners.sum import Sum
from model.heads.constant import AlwaysAnswer
from model.heads.identity import Direct
from model.interfaces import Combiner, Regularizer, Schedule
from model.pairing.separate import Cosine
from model.recipe import Branch, Recipe
from model.regularizers.proximal import MomentumProximal
from model.regularizers.r_drop import RDrop
from model.regularizers.smart import Smart
from model.schedules.joint import Together
from model.schedules.sequential import Sequential
from model.snapshot import Snapshot
from model.train import Epoch, Tick, train
from tests.model import small

ORDER = ("sts", "sst")
BARE = dataclasses.replace(small.SIMILARITY, pairing=Cosine(), head=Direct())
FROZEN = dataclasses.replace(small.RECIPE, branches=(small.SENTIMENT, BARE), schedule=Sequential(order=ORDER))
FROZEN = dataclasses.replace(FROZEN, trainable="heads")
CONSTANT = dataclasses.replace(small.SENTIMENT, head=AlwaysAnswer())
NOTHING = dataclasses.replace(FROZEN, branches=(BARE,), schedule=Together(order=("sts",)))


def trained(recipe: Recipe) -> tuple[dict, list[str]]:
    """The weights after all updates, and what was said."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        return small.weights(small.trained(small.run(recipe))), [str(warning.message) for warning in heard]


@pytest.mark.parametrize("combiner", [Sum(), PcGrad(), PcGradAtEpochEnd()])
@pytest.mark.parametrize("schedule", [Sequential(order=ORDER), Together(order=ORDER), Together(order=ORDER[::-1])])
def test_a_frozen_encoder_under_a_head_without_parameters(schedule: Schedule, combiner: Combiner) -> None:
    weights, heard = trained(dataclasses.replace(FROZEN, schedule=schedule, combiner=combiner))
    assert heard == ["sts trains nothing, since no trained weight takes part in its loss"]
    before = small.weights(small.network(FROZEN))
    moved = {name for name in weights if not weights[name].equal(before[name])}
    assert moved == {"heads.sst.weight", "heads.sst.bias"}


def test_the_other_task_is_trained_as_if_alone() -> None:
    both, _ = trained(dataclasses.replace(FROZEN, schedule=Together(order=ORDER)))
    alone, heard = trained(dataclasses.replace(FROZEN, schedule=Together(order=("sst",))))
    assert heard == [] and small.same(both, alone)


@pytest.mark.parametrize("regularizer", [Smart(), Smart(dropout="off"), RDrop(), MomentumProximal()])
@pytest.mark.parametrize("branch", [BARE, CONSTANT])
def test_regularizers_of_such_a_task(branch: Branch, regularizer: Regularizer) -> None:
    order = (branch.key, "quora")
    recipe = dataclasses.replace(small.RECIPE, branches=(branch, small.PARAPHRASE), schedule=Together(order=order))
    trainable = "all" if branch is CONSTANT else "heads"
    recipe = dataclasses.replace(recipe, regularizers=(regularizer,), trainable=trainable)
    weights, heard = trained(recipe)
    assert heard == [f"{branch.key} trains nothing, since no trained weight takes part in its loss"]
    assert all(weights[name].isfinite().all() for name in weights)


def test_a_run_that_trains_nothing_at_all_is_scored() -> None:
    weights, heard = trained(NOTHING)
    assert len(heard) == 1 and small.same(weights, small.weights(small.network(NOTHING)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        epochs = [event for event in train(small.run(NOTHING)) if isinstance(event, Epoch)]
    assert len(epochs) == 2 and epochs[0].scores["dev", "sts"].metric == epochs[1].scores["dev", "sts"].metric


@pytest.mark.parametrize("weight", [0.0, 1e-30])
def test_a_weight_of_0_runs(weight: float) -> None:
    light = dataclasses.replace(small.SENTIMENT, weight=weight)
    _, heard = trained(dataclasses.replace(small.RECIPE, branches=(light, *small.RECIPE.branches[1:])))
    assert heard == []


def test_it_is_said_again_by_who_goes_on_from_a_checkpoint() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ticks = (event for event in train(small.run(FROZEN)) if isinstance(event, Tick) and event.step == 11)
        state = next(ticks).take()
    state = Snapshot({name: part.clone() for name, part in state.tensors.items()}, dict(state.position))
    assert state.position["idle"] == ["sts"]
    with pytest.warns(UserWarning, match="sts trains nothing"):
        for _ in train(small.run(FROZEN), state):
            pass
