"""Settings by dotted path: what a user types, what an edit changes, and what is said when it cannot be."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from model.combiners.pcgrad import PcGrad
from model.declaration import SettingError, hints
from model.heads.mlp import Intermediate
from model.lr_schedules import Exponential
from model.recipe import AdamW, Branch
from model.regularizers.smart import Smart
from model.settings import edit, flatten, parse
from tests.model import small

RECIPE = small.RECIPE
OPTIONAL = hints(Branch)["rows"]  # int | None


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
    parsed = parse(text, hint, "here")
    assert parsed == value
    assert type(parsed) is type(value)


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
        ("epochs.first", "3", "epochs is a value and has no setting 'first'; leave .first out"),
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
