"""Recipes: what is refused, what is the same run, and the defaults that every result rests on."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from model.combiners.pcgrad import PcGrad
from model.declaration import SettingError
from model.digest import digest
from model.heads.linear import Linear
from model.objectives.cross_entropy import CrossEntropy
from model.objectives.mse import Mse
from model.pairing.separate import Difference
from model.pairing.single import Single
from model.recipe import AdamW, Branch, Recipe, recipe_digest, versions
from model.regularizers.smart import Smart
from model.schedules.joint import Together
from model.schedules.single_task import Alone
from model.settings import describe, flatten
from model.task import SST, STS
from tests.model import small

PLAIN = Recipe(branches=(Branch(task=SST, objective=CrossEntropy()),), schedule=Alone())


def test_the_defaults_stay_what_they_are() -> None:
    """A default that changes changes results without changing a digest: raise a version when this test must change."""
    assert flatten(PLAIN) == {
        "encoder": "base",
        "trainable": "all",
        "encoder_dropout_when_frozen": True,
        "branches": "sst",
        "sst.task": "sst",
        "sst.pairing": "single",
        "sst.head": "linear",
        "sst.objective": "cross_entropy",
        "sst.rows": None,
        "sst.weight": 1.0,
        "sst.extra": "",
        "schedule": "alone",
        "schedule.task": "sst",
        "combiner": "total",
        "regularizers": "",
        "optimizer": "adamw",
        "optimizer.rate": 1e-5,
        "optimizer.weight_decay": 0.0,
        "optimizer.beta1": 0.9,
        "optimizer.beta2": 0.999,
        "optimizer.eps": 1e-6,
        "decay": "constant",
        "decay.warmup": 0.0,
        "dropout": 0.3,
        "batch": 8,
        "epochs": 10,
        "max_tokens": 128,
        "precision": "fp32",
    }


def test_settings_at_their_default_are_no_part_of_the_identity() -> None:
    spelled_out = Recipe(
        branches=(Branch(task=SST, pairing=Single(), head=Linear(), objective=CrossEntropy(), rows=None, weight=1),),
        schedule=Alone(task="sst"),
        optimizer=AdamW(rate=1e-5),
        epochs=10,
    )
    assert recipe_digest(spelled_out) == recipe_digest(PLAIN)
    assert describe(PLAIN) == {
        "is": "recipe",
        "branches": [{"is": "branch", "task": "sst", "objective": {"is": "cross_entropy"}}],
        "schedule": {"is": "alone"},
    }


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 9},
        {"combiner": PcGrad()},
        {"regularizers": (Smart(),)},
        {"dropout": 0.0},
        {"trainable": "heads"},
        {"encoder_dropout_when_frozen": False},
        {"optimizer": AdamW(rate=2e-5)},
        {"schedule": Together(order=("sst",))},
    ],
)
def test_every_other_setting_is(change: dict[str, Any]) -> None:
    assert recipe_digest(dataclasses.replace(PLAIN, **change)) != recipe_digest(PLAIN)


def test_the_order_of_branches_and_regularizers_is_part_of_the_identity() -> None:
    turned = dataclasses.replace(small.RECIPE, branches=small.RECIPE.branches[::-1])
    assert recipe_digest(turned) != recipe_digest(small.RECIPE)


def test_digests_stay_what_they_are() -> None:
    assert digest({"b": 1, "a": [1.0, None]}) == digest({"a": [1.0, None], "b": 1}) == "8075c44d7e50dec3"
    assert digest({"b": 1}) != digest({"b": 1.0})
    assert len(digest({}, 40)) == 40


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dropout": 1.0}, r"recipe.dropout is 1.0; it must be in \[0, 1\)"),
        ({"dropout": -0.1}, "recipe.dropout is -0.1"),
        ({"batch": 0}, "recipe.batch is 0; it must be at least 1"),
        ({"epochs": -1}, "recipe.epochs is -1; it must be 0 or more"),
        ({"max_tokens": 7}, "recipe.max_tokens is 7; it must be at least 8"),
        ({"trainable": "head"}, "recipe.trainable is 'head'; choose one of all, heads"),
        ({"schedule": Together()}, "the schedule trains quora, sts, which the recipe has no branch for"),
        ({"branches": ()}, "the schedule trains sst, which the recipe has no branch for"),
    ],
)
def test_recipes_that_no_run_could_use_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        dataclasses.replace(PLAIN, **change)


def test_two_branches_of_one_task_are_refused() -> None:
    with pytest.raises(SettingError, match="the recipe has two branches for sst"):
        dataclasses.replace(PLAIN, branches=PLAIN.branches * 2)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rows": 0}, "branch.rows is 0; it must be at least 1"),
        ({"pairing": Difference()}, r"sst.pairing 'difference' does not fit 1 sentence"),
        ({"objective": 3}, "branch.objective is 3; it must be of type Objective"),
    ],
)
def test_branches_that_no_run_could_use_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        dataclasses.replace(PLAIN.branches[0], **change)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"rate": 0.0}, "adamw.rate is 0.0; it must be above 0"), ({"weight_decay": -1.0}, "adamw.weight_decay is -1.0")],
)
def test_optimizers_that_no_run_could_use_are_refused(change: dict[str, float], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        AdamW(**change)


def test_branch_finds_the_task() -> None:
    assert small.RECIPE.branch("sts") == Branch(task=STS, pairing=Difference(), objective=Mse())


def test_versions_name_the_loop_and_every_technique() -> None:
    by_slug = versions(dataclasses.replace(PLAIN, regularizers=(Smart(),)))
    assert {"loop", "recipe", "branch", "alone", "total", "smart", "adamw", "cross_entropy"} <= by_slug.keys()
    assert all(version >= 1 for version in by_slug.values())


def test_a_recipe_is_ready_when_all_its_parts_are_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PLAIN.ready
    monkeypatch.setattr(Linear, "built", False)
    assert not PLAIN.ready
