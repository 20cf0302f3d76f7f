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
from model.combiners.torchjd import TorchJd
from model.declaration import SettingError, Technique, coerce, hints
from model.objectives.cross_entropy import CrossEntropy
from model.recipe import AdamW, Branch, Recipe
from model.regularizers.smart import Smart
from model.schedules.sequential import Sequential
from model.settings import describe, edit, flatten, parts
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
    for parts_ in pkgutil.walk_packages(model.__path__, "model."):
        importlib.import_module(parts_.name)
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
        "import sys, model.recipe, model.combiners.pcgrad, model.combiners.torchjd, model.lr_schedules,"
        " model.selection,"
        "model.heads.constant, model.objectives.cosine, model.pairing.separate, model.schedules.weakest_last;"
        "model.combiners.torchjd.TorchJd(); model.combiners.pcgrad.PcGradAtEpochEnd();"
        "sys.exit(bool({'torch', 'transformers', 'torchjd'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_recipe_can_be_a_key() -> None:
    assert {RECIPE: 1}[Recipe(**{f.name: getattr(RECIPE, f.name) for f in dataclasses.fields(RECIPE)})] == 1
    assert hash(Sequential(order=("sst",))) == hash(Sequential(order=("sst",)))
