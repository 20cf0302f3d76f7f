"""Declarations: checked fields, dotted paths, plain data for digests, and names that are nobody else's."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import subprocess
import sys
from collections import Counter
from typing import Any, ClassVar, Literal

import pytest

import model
from model.combiners.pcgrad import PcGrad
from model.combiners.torchjd import TorchJd
from model.heads.intermediate import Intermediate
from model.objectives.cross_entropy import CrossEntropy
from model.rates import Exponential
from model.recipe import AdamW, Branch, Recipe
from model.regularizers.smart import Smart
from model.schedules.sequential import Sequential
from model.technique import SettingError, Technique, coerce, describe, edit, flatten, hints, parse, parts
from tests.model import small

RECIPE = small.RECIPE
OPTIONAL = hints(Branch)["rows"]  # int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample(Technique):
    slug: ClassVar[str] = "sample for tests"
    share: float = 0.5
    count: int = 1
    word: str = "a"
    flag: bool = False
    kind: Literal["x", "y"] = "x"
    most: float | None = None

    def check(self) -> None:
        self.require(self.share < 1, "share", "below 1")


# --- fields -----------------------------------------------------------------------------------------------------------


def test_a_whole_number_becomes_a_float_where_one_is_declared() -> None:
    sample = Sample(share=0, most=2)
    assert (type(sample.share), type(sample.most)) == (float, float)
    assert sample == Sample(share=0.0, most=2.0)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"share": "0.5"}, "sample for tests.share is '0.5'; it must be a finite number"),
        ({"share": True}, "sample for tests.share is True; it must be a finite number"),
        ({"share": float("nan")}, "sample for tests.share is nan; it must be a finite number"),
        ({"share": float("inf")}, "it must be a finite number"),
        ({"most": float("-inf")}, "it must be a finite number"),
        ({"share": None}, "sample for tests.share is None; it must be a finite number"),
        ({"share": 1.5}, "sample for tests.share is 1.5; it must be below 1"),
        ({"count": 1.0}, "sample for tests.count is 1.0; it must be of type int"),
        ({"count": True}, "it must be of type int"),
        ({"count": None}, "it must be of type int"),
        ({"word": 3}, "it must be of type str"),
        ({"flag": 1}, "it must be of type bool"),
        ({"kind": "z"}, "sample for tests.kind is 'z'; choose one of x, y"),
    ],
)
def test_a_value_of_another_type_or_range_is_refused(setting: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        Sample(**setting)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("combiner", CrossEntropy(), r"combiner is CrossEntropy\(\); it must be of type Combiner"),
        ("sst.head", "linear", "branch.head is 'linear'; it must be of type Head"),
        ("schedule.order", ["sst"], r"together.order is \['sst'\]; it must be of type tuple"),
        ("regularizers", None, "recipe.regularizers is None; it must be of type tuple"),
    ],
)
def test_a_slot_takes_its_own_kind_only(path: str, value: Any, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        edit(RECIPE, path, value)


def test_declarations_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Sample().share = 0.1  # type: ignore[misc]


@pytest.mark.parametrize("value", [None, 3, 0])
def test_coerce_keeps_what_an_optional_number_may_be(value: int | None) -> None:
    assert coerce(value, OPTIONAL, "rows") == value


# --- typed by a user --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        ("1e-5", float, 1e-5),
        ("3", float, 3.0),
        ("-2", int, -2),
        ("true", bool, True),
        ("False", bool, False),
        ("none", OPTIONAL, None),
        ("all", OPTIONAL, None),
        ("8000", OPTIONAL, 8000),
        ("word", str, "word"),
        ("y", Literal["x", "y"], "y"),
    ],
)
def test_parse(text: str, hint: Any, value: Any) -> None:
    found = parse(text, hint, "here")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "hint", "says"),
    [
        ("many", float, "here is 'many'; it must be a number"),
        ("1.5", int, "here is '1.5'; it must be a whole number"),
        ("nan", float, "it must be a finite number"),
        ("1", bool, "here is '1'; it must be true or false"),
        ("z", Literal["x", "y"], "here is 'z'; choose one of x, y"),
        ("x", OPTIONAL, "it must be a whole number"),
        ("pcgrad", PcGrad, "here is not a single number or word; use --with CHANGE for it"),
        ("sst", tuple[str, ...], "here is not a single number or word"),
    ],
)
def test_parse_says_what_it_needs(text: str, hint: Any, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        parse(text, hint, "here")


# --- edits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("epochs", 3),
        ("optimizer.rate", 2e-5),
        ("adamw.rate", 2e-5),  # the slug of what fills the slot
        ("sst.rows", 8000),
        ("quora.head", Intermediate(layers=2)),
        ("decay", Exponential()),
        ("combiner", PcGrad()),
        ("schedule.order", ("sts",)),
        ("together.until", "largest"),
    ],
)
def test_an_edit_changes_one_setting_of_a_copy(path: str, value: Any) -> None:
    before = flatten(RECIPE)
    after = edit(RECIPE, path, value)
    assert flatten(RECIPE) == before
    assert after != RECIPE
    assert edit(after, path, value) == after


def test_edits_reach_items_by_name() -> None:
    assert edit(RECIPE, "sts.weight", 2.0).branch("sts").weight == 2.0
    recipe = edit(RECIPE, "smart", Smart())
    assert recipe.regularizers == (Smart(),)
    assert edit(recipe, "smart.radius", 0.1).regularizers == (Smart(radius=0.1),)
    assert edit(recipe, "smart", Smart(weight=3.0)).regularizers == (Smart(weight=3.0),)
    assert edit(recipe, "smart", None).regularizers == ()


def test_removing_a_branch_that_is_trained_is_refused() -> None:
    with pytest.raises(SettingError, match="the schedule trains sts, which the recipe has no branch for"):
        edit(RECIPE, "sts", None)


def test_a_user_types_numbers_and_words_by_their_path() -> None:
    assert edit(RECIPE, "sst.rows", "none", typed=True).branch("sst").rows is None
    assert edit(RECIPE, "adamw.rate", "1e-4", typed=True).optimizer == AdamW(rate=1e-4)
    assert edit(RECIPE, "together.until", "largest", typed=True).schedule.until == "largest"  # type: ignore[attr-defined]
    assert edit(edit(RECIPE, "smart", Smart()), "smart.project", "false", typed=True).regularizers[0] == Smart(
        project=False
    )


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("epoch", "3", "recipe has no setting 'epoch'; near names: epochs"),
        ("sst.weigth", "3", "branch has no setting 'weigth'; near names: weight"),
        ("adamw.lr", "3", "adamw has no setting 'lr'"),
        ("smrt", "3", "recipe has no setting 'smrt'"),
        ("epochs.first", "3", "epochs has no setting 'first'"),
        ("epochs", "-1", "recipe.epochs is -1; it must be 0 or more"),
        ("epochs", "three", "epochs is 'three'; it must be a whole number"),
        ("sst", "3", "sst is not a single number or word"),
        ("combiner", "pcgrad", "combiner is not a single number or word"),
        ("schedule.order", "sst", "together.order is not a single number or word"),
        ("pcgrad.every", "3", "recipe has no setting 'pcgrad'"),
        ("", "3", "recipe has no setting ''"),
    ],
)
def test_an_edit_that_cannot_be_says_why(path: str, value: str, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        edit(RECIPE, path, value, typed=True)


# --- plain data -------------------------------------------------------------------------------------------------------


def test_describe_leaves_out_defaults_and_names_the_technique() -> None:
    assert describe(AdamW()) == {"is": "adamw"}
    assert describe(AdamW(rate=1e-5, eps=1e-8)) == {"is": "adamw", "eps": 1e-8}
    assert describe(small.SENTIMENT) == {"is": "branch", "task": "sst", "objective": {"is": "cross_entropy"}}
    assert describe(TorchJd(aggregator="Mean")) == {"is": "torchjd", "aggregator": "Mean"}


def test_flatten_has_every_setting_by_its_path() -> None:
    flat = flatten(edit(RECIPE, "smart", Smart(radius=0.1)))
    expected = {
        "branches": "sst quora sts",
        "sst.task": "sst",
        "quora.pairing": "concatenate",
        "sts.objective.target": "raw",
        "schedule": "together",
        "schedule.order": "sst quora sts",
        "optimizer.rate": 1e-3,
        "regularizers": "smart",
        "smart.radius": 0.1,
        "smart.tasks": None,
        "epochs": 2,
    }
    assert {path: flat[path] for path in expected} == expected


def test_every_number_and_word_in_flatten_can_be_edited_by_its_path() -> None:
    recipe = edit(RECIPE, "smart", Smart())
    for path, value in flatten(recipe).items():
        if isinstance(value, float | int | bool) and not path.endswith("task"):
            assert edit(recipe, path, value) == recipe
            assert edit(recipe, path, str(value), typed=True) == recipe


def test_parts_are_the_declaration_and_all_inside() -> None:
    slugs = Counter(part.slug for part in parts(RECIPE))
    assert slugs["recipe"] == 1
    assert slugs["branch"] == slugs["linear"] == slugs["task"] == 3
    assert slugs["adamw"] == slugs["together"] == 1


# --- all techniques ---------------------------------------------------------------------------------------------------


def every_technique() -> list[type[Technique]]:
    """All declarations of the package model."""
    for found in pkgutil.walk_packages(model.__path__, "model."):
        importlib.import_module(found.name)
    kinds, waiting = [], [Technique]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if hasattr(kind, "slug") and kind.__module__.startswith("model."):
            kinds.append(kind)
    return kinds


def test_slugs_are_unique() -> None:
    counts = Counter(kind.slug for kind in every_technique())
    assert len(counts) > 30
    assert [slug for slug, count in counts.items() if count > 1] == []


def test_every_technique_is_frozen_and_says_what_it_is() -> None:
    for kind in every_technique():
        assert kind.__dataclass_params__.frozen, kind  # type: ignore[attr-defined]
        assert kind.__doc__ and not kind.__doc__.startswith(f"{kind.__name__}("), kind


def test_declarations_bring_in_neither_torch_nor_transformers() -> None:
    code = (
        "import sys, model.recipe, model.combiners.pcgrad, model.combiners.torchjd, model.rates, model.selection,"
        "model.heads.answer, model.objectives.cosine, model.pairing.separate, model.schedules.weakest_last;"
        "model.combiners.torchjd.TorchJd(); model.combiners.pcgrad.PcGradAtEpochEnd();"
        "sys.exit(bool({'torch', 'transformers', 'torchjd'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_recipe_can_be_a_key() -> None:
    assert {RECIPE: 1}[Recipe(**{f.name: getattr(RECIPE, f.name) for f in dataclasses.fields(RECIPE)})] == 1
    assert hash(Sequential(order=("sst",))) == hash(Sequential(order=("sst",)))
