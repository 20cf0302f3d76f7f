"""An ablation's rows are its combinations: recipes, names and stops, and questions that cannot be asked."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Mapping, Sequence

import pytest

from experiments import changes
from experiments.ablation import Ablation
from experiments.combinations import MOST_FACTORS, effective_recipe
from experiments.dsl import control, controls
from experiments.papers import SUITES
from experiments.suite import Change, RegistryError, Row, Suite
from model.declaration import SettingError

FULL = os.environ.get("HARNESS_TEST_COUNTS") == "full"
BY_SLUG = {suite.slug: suite for suite in SUITES}
TABLE, CONTROLS = BY_SLUG["bertram/table1"], BY_SLUG["bertram/controls"]
EVERY = [(suite, row) for suite in SUITES for row in suite.rows]
CHANGES = [each for each in vars(changes).values() if isinstance(each, Change)]
SMART, ROTATE, PCGRAD, MSE = FOUR = ("smart-package-sst", "rotate", "pcgrad-epoch-end", "mse-on-sts")
NONE: frozenset[str] = frozenset()


def ask(
    row: str = "bertram/table1/11-mse",
    against: str = "bertram/table1/04-all-three",
    added: Sequence[Change] = (),
    fixed: Mapping[str, bool] | None = None,
) -> Ablation:
    (suite, one), (other, theirs) = row_of(row), row_of(against)
    return Ablation(suite=suite, row=one, other=other, against=theirs, added=tuple(added), fixed=fixed or {})


def row_of(slug: str) -> tuple[Suite, Row]:
    suite = BY_SLUG[slug.rpartition("/")[0]]
    return suite, suite.row(slug.rpartition("/")[2])


def drawn(seed: int) -> Ablation | None:
    """Of any two rows, mostly of one paper, with changes added and factors fixed; None if there is nothing to ask."""
    random_ = random.Random(seed)
    suite, row = random_.choice(EVERY)
    near = [pair for pair in EVERY if pair[0].paper == suite.paper]
    below = [(suite, each) for each in suite.rows if each.name == row.on] or near
    other, against = random_.choice(random_.choice((below, near, near, EVERY)))
    added = random_.sample(CHANGES, random_.choice((0, 0, 0, 1, 2)))
    try:
        whole = Ablation(suite=suite, row=row, other=other, against=against, added=tuple(added))
        names = [factor.name for factor in whole.all_factors]
        keep = [name for name in names if random_.random() < 0.8][:5]  # 32 combinations
        fixed = {name: random_.random() < 0.5 for name in names if name not in keep}
        return dataclasses.replace(whole, fixed=fixed)
    except RegistryError as error:
        assert any(words in str(error) for words in ("nothing to take apart", "a factor already"))
        return None


ABLATIONS = [ablation for ablation in map(drawn, range(500 if FULL else 24)) if ablation]


def test_the_questions_drawn_are_of_every_sort() -> None:
    assert len(ABLATIONS) > 15
    assert {len(ablation.names) for ablation in ABLATIONS} >= set(range(1, 6))
    assert {len(ablation.added) for ablation in ABLATIONS} == {0, 1, 2}
    assert {on for ablation in ABLATIONS for on in ablation.fixed.values()} == {True, False}
    assert any(ablation.suite.paper != ablation.other.paper for ablation in ABLATIONS)
    assert any(ablation.repeats for ablation in ABLATIONS) and any(
        set(ablation.impossible) - set(ablation.repeats) for ablation in ABLATIONS
    )
    assert any(ablation.path for ablation in ABLATIONS) and any(not ablation.path for ablation in ABLATIONS)


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda ablation: ablation.table)
def test_every_combination_that_can_be_trained_has_a_row_with_its_recipe(ablation: Ablation) -> None:
    rows = ablation.rows
    assert len({row.name for row in rows.rows}) == len(rows.rows) == 2 ** len(ablation.names) - len(ablation.impossible)
    for row in rows.rows:
        on = frozenset(name for name, level in row.levels.items() if level)
        assert set(row.levels) == set(ablation.names)  # not those that are held
        assert row.name == ablation.name(on)
        assert rows.recipe(row) == ablation.recipe(on)
        assert on not in ablation.impossible
        assert (row.split, rows.selection_of(row)) == (ablation.row.split, ablation.suite.selection_of(ablation.row))
    assert (rows.columns, rows.formula, rows.slug) == (ablation.suite.columns, ablation.suite.formula, ablation.slug)


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda ablation: ablation.table)
def test_a_combination_without_a_row_repeats_one_or_says_why_not(ablation: Ablation) -> None:
    for on, why in ablation.impossible.items():
        assert why and "\n" not in why
        if on in ablation.repeats:
            less = ablation.repeats[on]
            assert less not in ablation.impossible and len(less) <= len(on)
            assert effective_recipe(ablation.recipe(on)) == effective_recipe(ablation.recipe(less))
    for on, slug in ablation.registry_rows.items():
        suite, row = row_of(slug)
        assert suite.recipe(row) == ablation.recipe(on)
        assert row.split == ablation.row.split


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda ablation: ablation.table)
def test_a_stop_is_its_row_or_says_in_which_settings_it_is_not(ablation: Ablation) -> None:
    first, *_, last = ablation.stops
    assert (first.on, first.row, last.on, last.row) == (NONE, ablation.against, frozenset(ablation.names), ablation.row)
    for before, after in zip(ablation.stops, ablation.stops[1:], strict=False):
        assert before.on <= after.on
    for stop in ablation.stops:
        try:
            same = ablation.recipe(stop.on) == stop.suite.recipe(stop.row)
        except SettingError:
            same = False
        read = (stop.suite.selection_of(stop.row), stop.row.split)
        alike = read == (ablation.suite.selection_of(ablation.row), ablation.row.split)
        assert (same and alike) == (not stop.off)
    if not ablation.fixed:
        assert not {*first.off} - {"selection", "split"}
        assert ablation.added or not last.off


def test_no_factor_is_the_one_row_and_all_are_the_other() -> None:
    for ablation in [dataclasses.replace(ablation, added=(), fixed={}) for ablation in ABLATIONS if not ablation.added]:
        assert ablation.recipe(NONE) == ablation.other.recipe(ablation.against)
        assert ablation.recipe(frozenset(ablation.names)) == ablation.suite.recipe(ablation.row)


def test_what_is_held_is_on_everywhere_or_nowhere() -> None:
    ablation = ask(fixed={ROTATE: True, MSE: False})
    assert ablation.names == (SMART, PCGRAD) and ablation.always_on == frozenset({ROTATE})
    for row in ablation.rows.rows:
        named = [change.name for change in row.changes]
        assert (ROTATE in named, MSE in named) == (True, False)
    assert ablation.recipe(NONE) == changes.ROTATE.apply(ablation.base)
    assert ablation.registry_rows[frozenset({SMART, PCGRAD})] == "bertram/controls/08-8000"
    assert "rotate held on" in ablation.rows.notes and "mse-on-sts held off" in ablation.rows.notes
    assert ablation.stops[0].off == ("schedule",)


def test_what_is_added_comes_after_the_papers_changes() -> None:
    ablation = ask(added=[changes.epochs(20), changes.dropout(0.4)])
    assert ablation.names == (*FOUR, "20-epochs", "dropout-0.4")
    every = ablation.recipe(frozenset(ablation.names))
    assert every == dataclasses.replace(TABLE.recipe(TABLE.row("11-mse")), epochs=20, dropout=0.4)
    assert ablation.stops[-1].off == ("dropout", "epochs")
    assert ablation.slug == f"{ask().slug},factor=20-epochs,factor=dropout-0.4"


def test_bertrams_path_stands_at_these_combinations() -> None:
    ablation = ask()
    assert ablation.names == FOUR
    assert [(stop.row.name, stop.on, stop.off) for stop in ablation.stops] == [
        ("04-all-three", NONE, ()),
        ("06-smart", {SMART}, ()),
        ("08-pcgrad", {SMART, ROTATE, PCGRAD}, ("quora.rows",)),
        ("11-mse", set(FOUR), ()),
    ]
    assert [row.name for row in ablation.path] == [stop.row.name for stop in ablation.stops]
    assert ablation.impossible == {} == ablation.repeats
    assert {ablation.name(on): slug for on, slug in ablation.registry_rows.items()} == {
        "none": "bertram/table1/04-all-three",
        SMART: "bertram/table1/06-smart",
        f"{SMART}+{ROTATE}": "bertram/controls/08-no-pcgrad",
        f"{ROTATE}+{PCGRAD}": "bertram/controls/08-no-smart",
        f"{SMART}+{ROTATE}+{PCGRAD}": "bertram/controls/08-8000",
        f"{SMART}+{ROTATE}+{MSE}": "bertram/controls/11-mse-no-pcgrad",
        f"{ROTATE}+{PCGRAD}+{MSE}": "bertram/controls/11-mse-no-smart",
        "+".join(FOUR): "bertram/table1/11-mse",
    }


def test_rows_that_do_not_stand_on_each_other_have_no_way_but_two_ends() -> None:
    back, apart = ask("bertram/table1/04-all-three", "bertram/table1/11-mse"), ask(against="smartbert/table1/baseline")
    for ablation in (back, apart):
        assert ablation.path == ()
        assert [stop.row for stop in ablation.stops] == [ablation.against, ablation.row]
        assert [stop.off for stop in ablation.stops] == [(), ()]
    assert apart.table == "smartbert.table1.baseline..bertram.table1.11-mse"


def test_pcgrad_where_a_task_is_trained_at_a_time_repeats_its_combination_without() -> None:
    ablation = ask("bertram/table1/06-smart", added=[changes.TOGETHER, changes.PCGRAD])
    assert ablation.repeats == {frozenset({"pcgrad"}): NONE, frozenset({SMART, "pcgrad"}): {SMART}}
    assert ablation.impossible[frozenset({SMART, "pcgrad"})] == f"it trains what {SMART} trains"
    assert len(ablation.rows.rows) == 6
    schedule = ask("bertram/table1/06-smart", added=[changes.TOGETHER, changes.PCGRAD], fixed={"together": False})
    assert set(schedule.repeats) == set(ablation.repeats)


def test_an_order_of_holding_does_not_matter_and_the_table_says_what_is_held() -> None:
    one, other = ask(fixed={ROTATE: True, MSE: False}), ask(fixed={MSE: False, ROTATE: True})
    assert one == other and one.table == other.table == f"{ask().table},hold={MSE},hold={ROTATE}:on"


def many(count: int) -> tuple[Suite, Row]:
    """A row that so many changes part from 04-all-three."""
    each = [
        *(changes.dropout(0.4), changes.epochs(20), changes.batch(4), changes.rate("3e-5"), changes.WEIGHT_DECAY),
        *(changes.EXPONENTIAL_DECAY, changes.TOGETHER, changes.PCGRAD, changes.MSE_ON_STS, changes.quora_rows(50)),
        Change("sst-50", "", (("sst.rows", 50),)),
        Change("sts-50", "", (("sts.rows", 50),)),
        Change("smart", "", (("smart", changes.PACKAGE),)),
    ]
    ours = controls(TABLE, (control("many", "", "04-all-three", *each[:count]),))
    return ours, ours.row("many")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"row": "bertram/table1/04-all-three"}, "both rows train the same, so there is nothing to take apart"),
        (
            {"row": "bertram/table1/13-combined-test", "against": "bertram/table1/12-combined"},
            "both rows train the same",
        ),
        ({"fixed": {"rotat": True}}, "there is no factor rotat to hold; the factors are: smart-package-sst, rotate, "),
        ({"fixed": dict.fromkeys(FOUR, False)}, "every factor is held, so there is nothing to take apart; the factors"),
        ({"added": [changes.ROTATE]}, "rotate is a factor already; the factors are: smart-package-sst, rotate, "),
        ({"added": [changes.PCGRAD, changes.PCGRAD]}, "pcgrad is a factor already"),
    ],
)
def test_a_question_that_cannot_be_asked_is_told_why_in_one_sentence(more: dict[str, object], said: str) -> None:
    with pytest.raises(RegistryError) as error:
        ask(**more)  # type: ignore[arg-type]
    assert said in str(error.value)
    assert str(error.value).startswith(
        ("bertram/table1/11-mse against", "bertram/table1/04-all-three against", "bertram")
    )
    assert "\n" not in str(error.value) and not str(error.value).endswith(".")
    words = str(error.value).rpartition("the factors are: ")[2].split(", ")
    assert len(words) == len(set(words))


def test_too_many_factors_are_refused_until_some_are_held() -> None:
    suite, row = many(MOST_FACTORS + 1)
    with pytest.raises(RegistryError, match=rf"{MOST_FACTORS + 1} factors have too many combinations; hold some"):
        Ablation(suite=suite, row=row, other=TABLE, against=TABLE.row("04-all-three"))
    fixed = {"dropout-0.4": True}
    ablation = Ablation(suite=suite, row=row, other=TABLE, against=TABLE.row("04-all-three"), fixed=fixed)
    assert len(ablation.names) == MOST_FACTORS
