"""An ablation's rows are its combinations: recipes, names and stops, and questions that cannot be asked."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Mapping, Sequence

import pytest

from experiments import changes
from experiments.ablation import Ablation
from experiments.dsl import control, controls
from experiments.factors import MOST, plain
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
    held: Mapping[str, bool] | None = None,
) -> Ablation:
    (suite, one), (other, theirs) = found(row), found(against)
    return Ablation(suite=suite, row=one, other=other, against=theirs, added=tuple(added), held=held or {})


def found(slug: str) -> tuple[Suite, Row]:
    suite = BY_SLUG[slug.rpartition("/")[0]]
    return suite, suite.row(slug.rpartition("/")[2])


def drawn(seed: int) -> Ablation | None:
    """Of any two rows, mostly of one paper, with changes added and factors held; None where there is nothing to ask."""
    random_ = random.Random(seed)
    suite, row = random_.choice(EVERY)
    near = [pair for pair in EVERY if pair[0].paper == suite.paper]
    below = [(suite, each) for each in suite.rows if each.name == row.on] or near
    other, against = random_.choice(random_.choice((below, near, near, EVERY)))
    added = random_.sample(CHANGES, random_.choice((0, 0, 0, 1, 2)))
    try:
        whole = Ablation(suite=suite, row=row, other=other, against=against, added=tuple(added))
        names = [factor.name for factor in whole.every]
        keep = [name for name in names if random_.random() < 0.8][:5]  # 32 combinations
        held = {name: random_.random() < 0.5 for name in names if name not in keep}
        return dataclasses.replace(whole, held=held)
    except RegistryError as error:
        assert any(words in str(error) for words in ("nothing to take apart", "a factor already"))
        return None


ASKED = [told for told in map(drawn, range(500 if FULL else 24)) if told]


def test_the_questions_drawn_are_of_every_sort() -> None:
    assert len(ASKED) > 15
    assert {len(told.names) for told in ASKED} >= set(range(1, 6))
    assert {len(told.added) for told in ASKED} == {0, 1, 2}
    assert {on for told in ASKED for on in told.held.values()} == {True, False}
    assert any(told.suite.paper != told.other.paper for told in ASKED)
    assert any(told.repeats for told in ASKED) and any(set(told.impossible) - set(told.repeats) for told in ASKED)
    assert any(told.way for told in ASKED) and any(not told.way for told in ASKED)


@pytest.mark.parametrize("told", ASKED, ids=lambda told: told.table)
def test_every_combination_that_can_be_trained_has_a_row_with_its_recipe(told: Ablation) -> None:
    rows = told.rows
    assert len({row.name for row in rows.rows}) == len(rows.rows) == 2 ** len(told.names) - len(told.impossible)
    for row in rows.rows:
        on = frozenset(name for name, level in row.levels.items() if level)
        assert set(row.levels) == set(told.names)  # not those that are held
        assert row.name == told.name(on)
        assert rows.recipe(row) == told.recipe(on)
        assert on not in told.impossible
        assert (row.split, rows.selection_of(row)) == (told.row.split, told.suite.selection_of(told.row))
    assert (rows.columns, rows.formula, rows.slug) == (told.suite.columns, told.suite.formula, told.slug)


@pytest.mark.parametrize("told", ASKED, ids=lambda told: told.table)
def test_a_combination_without_a_row_repeats_one_or_says_why_not(told: Ablation) -> None:
    for on, why in told.impossible.items():
        assert why and "\n" not in why
        if on in told.repeats:
            less = told.repeats[on]
            assert less not in told.impossible and len(less) <= len(on)
            assert plain(told.recipe(on)) == plain(told.recipe(less))
    for on, slug in told.known.items():
        suite, row = found(slug)
        assert suite.recipe(row) == told.recipe(on)
        assert row.split == told.row.split


@pytest.mark.parametrize("told", ASKED, ids=lambda told: told.table)
def test_a_stop_is_its_row_or_says_in_which_settings_it_is_not(told: Ablation) -> None:
    first, *_, last = told.stops
    assert (first.on, first.row, last.on, last.row) == (NONE, told.against, frozenset(told.names), told.row)
    for before, after in zip(told.stops, told.stops[1:], strict=False):
        assert before.on <= after.on
    for stop in told.stops:
        try:
            same = told.recipe(stop.on) == stop.suite.recipe(stop.row)
        except SettingError:
            same = False
        read = (stop.suite.selection_of(stop.row), stop.row.split)
        alike = read == (told.suite.selection_of(told.row), told.row.split)
        assert (same and alike) == (not stop.off)
    if not told.held:
        assert not {*first.off} - {"selection", "split"}
        assert told.added or not last.off


def test_no_factor_is_the_one_row_and_all_are_the_other() -> None:
    for told in [dataclasses.replace(told, added=(), held={}) for told in ASKED if not told.added]:
        assert told.recipe(NONE) == told.other.recipe(told.against)
        assert told.recipe(frozenset(told.names)) == told.suite.recipe(told.row)


def test_what_is_held_is_on_everywhere_or_nowhere() -> None:
    told = ask(held={ROTATE: True, MSE: False})
    assert told.names == (SMART, PCGRAD) and told.always == frozenset({ROTATE})
    for row in told.rows.rows:
        named = [change.name for change in row.changes]
        assert (ROTATE in named, MSE in named) == (True, False)
    assert told.recipe(NONE) == changes.ROTATE.apply(told.base)
    assert told.known[frozenset({SMART, PCGRAD})] == "bertram/controls/08-8000"
    assert "rotate held on" in told.rows.notes and "mse-on-sts held off" in told.rows.notes
    assert told.stops[0].off == ("schedule",)


def test_what_is_added_comes_after_the_papers_changes() -> None:
    told = ask(added=[changes.epochs(20), changes.dropout(0.4)])
    assert told.names == (*FOUR, "20-epochs", "dropout-0.4")
    every = told.recipe(frozenset(told.names))
    assert every == dataclasses.replace(TABLE.recipe(TABLE.row("11-mse")), epochs=20, dropout=0.4)
    assert told.stops[-1].off == ("dropout", "epochs")
    assert told.slug == f"{ask().slug},factor=20-epochs,factor=dropout-0.4"


def test_bertrams_path_stands_at_these_combinations() -> None:
    told = ask()
    assert told.names == FOUR
    assert [(stop.row.name, stop.on, stop.off) for stop in told.stops] == [
        ("04-all-three", NONE, ()),
        ("06-smart", {SMART}, ()),
        ("08-pcgrad", {SMART, ROTATE, PCGRAD}, ("quora.rows",)),
        ("11-mse", set(FOUR), ()),
    ]
    assert [row.name for row in told.way] == [stop.row.name for stop in told.stops]
    assert told.impossible == {} == told.repeats
    assert {told.name(on): slug for on, slug in told.known.items()} == {
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
    for told in (back, apart):
        assert told.way == ()
        assert [stop.row for stop in told.stops] == [told.against, told.row]
        assert [stop.off for stop in told.stops] == [(), ()]
    assert apart.table == "smartbert.table1.baseline..bertram.table1.11-mse"


def test_pcgrad_where_a_task_is_trained_at_a_time_repeats_its_combination_without() -> None:
    told = ask("bertram/table1/06-smart", added=[changes.TOGETHER, changes.PCGRAD])
    assert told.repeats == {frozenset({"pcgrad"}): NONE, frozenset({SMART, "pcgrad"}): {SMART}}
    assert told.impossible[frozenset({SMART, "pcgrad"})] == f"it trains what {SMART} trains"
    assert len(told.rows.rows) == 6
    schedule = ask("bertram/table1/06-smart", added=[changes.TOGETHER, changes.PCGRAD], held={"together": False})
    assert set(schedule.repeats) == set(told.repeats)


def test_an_order_of_holding_does_not_matter_and_the_table_says_what_is_held() -> None:
    one, other = ask(held={ROTATE: True, MSE: False}), ask(held={MSE: False, ROTATE: True})
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
        ({"held": {"rotat": True}}, "there is no factor rotat to hold; the factors are: smart-package-sst, rotate, "),
        ({"held": dict.fromkeys(FOUR, False)}, "every factor is held, so there is nothing to take apart; the factors"),
        ({"added": [changes.ROTATE]}, "rotate is a factor already; the factors are: smart-package-sst, rotate, "),
        ({"added": [changes.PCGRAD, changes.PCGRAD]}, "pcgrad is a factor already"),
    ],
)
def test_a_question_that_cannot_be_asked_is_told_why_in_one_sentence(more: dict[str, object], said: str) -> None:
    with pytest.raises(RegistryError) as told:
        ask(**more)  # type: ignore[arg-type]
    assert said in str(told.value)
    assert str(told.value).startswith(
        ("bertram/table1/11-mse against", "bertram/table1/04-all-three against", "bertram")
    )
    assert "\n" not in str(told.value) and not str(told.value).endswith(".")
    words = str(told.value).rpartition("the factors are: ")[2].split(", ")
    assert len(words) == len(set(words))


def test_too_many_factors_are_refused_until_some_are_held() -> None:
    suite, row = many(MOST + 1)
    with pytest.raises(RegistryError, match=rf"{MOST + 1} factors have too many combinations; hold some"):
        Ablation(suite=suite, row=row, other=TABLE, against=TABLE.row("04-all-three"))
    held = {"dropout-0.4": True}
    told = Ablation(suite=suite, row=row, other=TABLE, against=TABLE.row("04-all-three"), held=held)
    assert len(told.names) == MOST
