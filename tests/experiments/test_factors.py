"""The factors between two rows are all that tells them apart, and their combinations are recipes or say why not."""

from __future__ import annotations

import dataclasses
import random

import pytest
from torch import Tensor

from experiments import changes
from experiments.changes import smart
from experiments.combinations import MOST_FACTORS, Factor, combine, effective_recipe, impossible, repeats
from experiments.dsl import control, controls
from experiments.factors import factors
from experiments.papers import SUITES
from experiments.suite import Change, RegistryError, Row, Suite, axes_changed
from model.combiners.pcgrad import PcGrad, PcGradAtEpochEnd
from model.declaration import SettingError
from model.heads.identity import Direct
from model.recipe import Recipe
from model.regularizers.proximal import Proximal
from model.regularizers.smart import Smart
from model.schedules.joint import Together
from model.schedules.sequential import Sequential
from model.train import Epoch, train
from tests.experiments.test_registry import built
from tests.model import small

BY_SLUG = {suite.slug: suite for suite in SUITES}
TABLE = BY_SLUG["bertram/table1"]
CONTROLS = BY_SLUG["bertram/controls"]
NONE: frozenset[str] = frozenset()
Pair = tuple[Suite, Row, Row]


def below(suite: Suite, row: Row) -> list[Row]:
    """The rows that this one stands on, nearest first."""
    return [] if row.on is None else [suite.row(row.on), *below(suite, suite.row(row.on))]


STANDING: list[Pair] = [(suite, row, one) for suite in SUITES for row in suite.rows for one in below(suite, row)]
ANY: list[Pair] = [
    (suite, row, against)
    for suite in SUITES
    for row in suite.rows
    for against in suite.rows + (suite.extends.rows if suite.extends else ())
]


def on(parts: tuple[Factor, ...]) -> frozenset[str]:
    return frozenset(factor.name for factor in parts)


def named(suite: Suite, row: str, against: str) -> tuple[str, ...]:
    return tuple(factor.name for factor in factors(suite, suite.row(row), suite.row(against)))


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.slug)
def test_all_factors_on_are_the_row_and_none_the_one_it_stands_on(suite: Suite) -> None:
    for _, row, against in (pair for pair in STANDING if pair[0] is suite):
        parts, base = factors(suite, row, against), suite.recipe(against)
        assert combine(base, parts, NONE) == base
        assert combine(base, parts, on(parts)) == suite.recipe(row), (row.name, against.name)
        assert len(on(parts)) == len(parts)
        path = suite.path_changes(row)
        assert all(change in path for factor in parts for change in factor.changes), "named changes, no axes"
        assert [factor.positions for factor in parts] == sorted(factor.positions for factor in parts)
        assert bool(parts) == (base != suite.recipe(row))


def test_every_factor_of_a_row_that_stands_on_another_does_something() -> None:
    for suite, row, against in STANDING:
        parts, goal = factors(suite, row, against), suite.recipe(row)
        for factor in parts:
            assert combine(suite.recipe(against), parts, on(parts) - {factor.name}) != goal, (row.name, factor.name)


def test_there_is_a_pair_of_every_length() -> None:
    assert {len(factors(*pair)) for pair in STANDING} >= set(range(6))


def test_any_two_rows_of_a_suite_are_told_apart_by_factors() -> None:
    for suite, row, against in random.Random(0).sample(ANY, 300):
        parts, base = factors(suite, row, against), suite.recipe(against)
        assert len(on(parts)) == len(parts)
        assert combine(base, parts, NONE) == base
        assert combine(base, parts, on(parts)) == suite.recipe(row), (row.name, against.name)


@pytest.mark.parametrize(
    ("suite", "row", "against", "expected"),
    [
        (TABLE, "11-mse", "04-all-three", "smart-package-sst rotate pcgrad-epoch-end mse-on-sts"),
        (TABLE, "12-combined", "06-smart", "mse-on-sts rows-6040 pcgrad-together"),
        (TABLE, "13-combined-test", "12-combined", ""),
        (CONTROLS, "08-no-smart", "04-all-three", "rotate pcgrad-epoch-end"),
        (CONTROLS, "06-smart-bppo-momentum", "06-smart", "no-proximal bppo-sst"),
        (CONTROLS, "11-mse", "08-8000", "mse-on-sts"),
        (CONTROLS, "06-smart-no-bppo", "04-all-three", "smart-package-sst+no-proximal"),
        (TABLE, "05-cosine-embedding", "06-smart", "loss regularizers"),
        (TABLE, "04-all-three", "11-mse", "loss schedule combiner regularizers"),
        (CONTROLS, "11-mse", "11-mse-no-smart", "regularizers"),
    ],
    ids=lambda value: value.slug if isinstance(value, Suite) else None,
)
def test_the_factors_are_the_changes_that_last(suite: Suite, row: str, against: str, expected: str) -> None:
    assert named(suite, row, against) == tuple(expected.split())


def test_a_factor_by_axis_says_what_changes() -> None:
    loss, regularizers = factors(TABLE, TABLE.row("05-cosine-embedding"), TABLE.row("06-smart"))
    assert loss.says == "sts.objective bce_with_logits -> cosine_embedding"
    assert regularizers.says == "regularizers smart proximal -> none"


def test_rows_of_two_suites_are_told_apart_by_axis() -> None:
    valleys, deberta = BY_SLUG["smooth-valleys/table1"], BY_SLUG["smart-vs-deberta/table1"]
    for one, other in ((valleys, TABLE), (TABLE, valleys), (TABLE, deberta), (deberta, valleys)):
        row, against = one.rows[-1], other.rows[-1]
        parts, base = factors(one, row, against, other), other.recipe(against)
        assert on(parts) <= {"branches", *axes_changed(base, one.recipe(row))}
        assert combine(base, parts, on(parts)) == one.recipe(row)


def parts_of(*steps: Change, start: str = "04-all-three") -> tuple[Recipe, tuple[Factor, ...]]:
    """A row of bertram's, and the factors of one of ours that makes these changes to it."""
    ours = controls(TABLE, (control("ours", "", start, *steps),))
    return ours.recipe(ours.row(start)), factors(ours, ours.row("ours"), ours.row(start))


def test_a_setting_is_the_same_one_however_its_path_is_written() -> None:
    until = Change("until", "", (("together.until", "largest"),))
    inside = Change("inside", "", (("smart.weight", 3.0),))
    base, parts = parts_of(changes.TOGETHER, smart("smart", "", Smart()), until, changes.MSE_ON_STS, inside)
    assert [factor.name for factor in parts] == ["together+until", "smart+inside", "mse-on-sts"]
    assert combine(base, parts, frozenset({"together+until"})).schedule == Together(until="largest")
    assert [each.name for each in parts[1].changes] == ["smart", "inside"]


def test_a_change_that_joins_two_settings_joins_their_factors() -> None:
    both = Change("both", "", (("dropout", 0.5), ("epochs", 3)))
    _, parts = parts_of(changes.dropout(0.4), changes.epochs(4), changes.MSE_ON_STS, both)
    assert [factor.name for factor in parts] == ["mse-on-sts", "both"]


def test_what_is_taken_back_is_no_factor() -> None:
    _, parts = parts_of(changes.dropout(0.4), changes.epochs(20), changes.dropout(0.3), changes.epochs(15))
    assert [factor.name for factor in parts] == ["15-epochs"]


def test_regularizers_keep_the_order_in_which_the_paper_adds_them() -> None:
    base, parts = parts_of(smart("smart", "", Smart()), changes.BPPO, changes.NO_SMART, smart("again", "", Smart()))
    assert [(factor.name, factor.positions) for factor in parts] == [
        ("smart+no-smart+again", (0, 2, 3)),
        ("bppo", (1,)),
    ]
    assert [part.slug for part in combine(base, parts, on(parts)).regularizers] == ["momentum_proximal", "smart"]


def test_a_change_made_again_is_a_factor_again() -> None:
    first = control("first", "", "04-all-three", changes.dropout(0.4), changes.dropout(0.5))
    ours = controls(TABLE, (first, control("second", "", "first", changes.dropout(0.4))))
    assert named(ours, "second", "first") == ("dropout-0.4",)


def test_an_unknown_factor_is_an_error_that_names_the_known_ones() -> None:
    base, parts = parts_of(changes.MSE_ON_STS)
    with pytest.raises(RegistryError, match="no factor mse; the factors are: mse-on-sts"):
        combine(base, parts, frozenset({"mse"}))


def test_too_many_factors_are_refused() -> None:
    many = tuple(Factor(str(place), "", (), (place,)) for place in range(MOST_FACTORS + 1))
    with pytest.raises(SettingError, match="13 factors have too many combinations"):
        impossible(TABLE.base, many)


def test_a_combiner_needs_a_schedule_in_which_tasks_meet() -> None:
    base, parts = parts_of(changes.TOGETHER, changes.PCGRAD, changes.MSE_ON_STS)
    alone, other = frozenset({"pcgrad"}), frozenset({"pcgrad", "mse-on-sts"})
    assert repeats(base, parts) == {alone: NONE, other: frozenset({"mse-on-sts"})}
    assert impossible(base, parts) == {
        alone: "it trains what no factor trains",
        other: "it trains what mse-on-sts trains",
    }


def test_pcgrad_at_the_epochs_end_needs_no_such_schedule() -> None:
    base, parts = parts_of(changes.ROTATE, changes.PCGRAD_EPOCH_END, changes.MSE_ON_STS)
    assert impossible(base, parts) == {}


def test_a_recipe_that_is_refused_is_impossible_for_the_reason_it_is_refused_for() -> None:
    bf16 = Change("bf16", "", (("precision", "bf16"),))
    base, parts = parts_of(Change("none", "", (("smart", None), ("proximal", None))), bf16, start="06-smart")
    faults = impossible(base, parts)
    assert set(faults) == {frozenset({"bf16"})}
    with pytest.raises(SettingError) as refused:
        combine(base, parts, frozenset({"bf16"}))
    assert str(refused.value) in faults.values()


def test_a_head_without_its_features_is_impossible() -> None:
    direct = Change("direct", "", (("sst.head", Direct()),))
    six = Change("six", "", (("sts.objective", TABLE.base.branch("sst").objective),))
    base, parts = parts_of(direct, six)
    faults = impossible(base, parts)
    assert set(faults) == {frozenset({"direct"}), frozenset({"six"}), frozenset({"direct", "six"})}
    assert faults[frozenset({"direct"})] == "sst's direct head needs 5 feature(s) but its pairing gives 768"
    assert faults[frozenset({"six"})] == "sts's direct head needs 6 feature(s) but its pairing gives 1"
    for task, name in (("sst", "direct"), ("sts", "six")):
        with pytest.raises(SettingError, match="the direct head needs"):
            built(combine(base, parts, frozenset({name})).branch(task))


def test_routing_reads_pairs_in_one_row_of_tokens_only() -> None:
    route = Change("route", "", (("quora.head", changes.ROUTING_ON_SST.edits[0][1]),))
    linear = Change("linear", "", (("sts.head", TABLE.base.branch("sst").head),))
    base, parts = parts_of(linear, route, changes.JOINT_PAIRS)
    faults = impossible(base, parts)
    assert "quora's routing head needs both sentences" in faults[frozenset({"route"})]
    assert frozenset({"linear", "route", "joint-pairs"}) not in faults


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.slug)
def test_no_row_of_the_registry_is_impossible(suite: Suite) -> None:
    for row in suite.rows:
        assert impossible(suite.recipe(row), ()) == {}
        assert effective_recipe(effective_recipe(suite.recipe(row))) == effective_recipe(suite.recipe(row))


NO_OPS: dict[str, Recipe] = {
    "a combiner of lone tasks": dataclasses.replace(small.RECIPE, combiner=PcGrad(), schedule=Sequential()),
    "a combiner over a frozen encoder": dataclasses.replace(small.RECIPE, combiner=PcGrad(), trainable="heads"),
    "a penalty of weight 0": dataclasses.replace(small.RECIPE, regularizers=(Smart(weight=0.0),)),
    "a penalty that is always 0": dataclasses.replace(small.RECIPE, regularizers=(Proximal(),)),
    "a penalty on a task that is not trained": dataclasses.replace(
        small.RECIPE, regularizers=(Smart(tasks=("cfimdb",)),)
    ),
    "dropout of an encoder that is not frozen": dataclasses.replace(small.RECIPE, encoder_dropout_when_frozen=False),
}


@pytest.mark.filterwarnings("ignore:proximal changes nothing")
@pytest.mark.parametrize("recipe", NO_OPS.values(), ids=NO_OPS)
def test_what_computes_nothing_leaves_the_training_as_it_is(recipe: Recipe) -> None:
    assert effective_recipe(recipe) != recipe
    (answers, network), (others, other) = results(recipe), results(effective_recipe(recipe))
    assert answers == others
    assert small.same(network, other)


def results(recipe: Recipe) -> tuple[list[list[float]], dict[str, Tensor]]:
    """SST's dev answers after every epoch, and the final weights."""
    run = small.run(recipe)
    answers = [e.scores["dev", "sst"].answers.tolist() for e in train(run) if isinstance(e, Epoch)]
    return answers, small.weights(run.network)


@pytest.mark.parametrize(
    "recipe",
    [
        dataclasses.replace(small.RECIPE, combiner=PcGradAtEpochEnd(), schedule=Sequential()),
        dataclasses.replace(small.RECIPE, combiner=PcGrad()),
        dataclasses.replace(small.RECIPE, regularizers=(Smart(), Proximal(dropout="fresh"))),
        dataclasses.replace(small.RECIPE, trainable="heads", encoder_dropout_when_frozen=False),
    ],
    ids=("an update of its own", "tasks that meet", "penalties", "dropout of a frozen encoder"),
)
def test_what_computes_something_stays(recipe: Recipe) -> None:
    assert effective_recipe(recipe) == recipe
