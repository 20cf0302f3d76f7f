"""The figures of an ablation: their identities, what fractions mix, what has no effect, steps and corrections."""

from __future__ import annotations

import dataclasses
import re
import statistics
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.ablation import Ablation
from experiments.changes import EXPONENTIAL_DECAY, PCGRAD, TOGETHER, dropout, epochs
from experiments.factorial_designs import Design, Effect, Run, add_one, fraction, fractions, leave_one_out, possible
from experiments.papers import SUITES
from reports.ablation.analysis import MEANING, Kind, MetricAnalysis, analyse_metric, analyse_metrics, correct_p_values
from reports.ablation.results import AblationResults
from reports.results import Seed
from reports.statistics.crossed_effects import cautious
from reports.statistics.multiple_testing import holm
from tests.experiments.test_factorial_designs import TEXTBOOK
from tests.reports.ablation.truth import (
    FOUR,
    METRICS,
    NAMES,
    TABLE,
    ablation,
    drawn,
    exact,
    on,
    only,
    plain,
    quick,
    truths,
    values,
    walks,
)

TASKS = ("sst", "quora", "sts")
LEARNT = [epochs(20), dropout(0.4), EXPONENTIAL_DECAY]
BY_SIZE = {4: FOUR, 5: ablation(added=LEARNT[:1]), 7: ablation(added=LEARNT)}
GATED = ablation(row="06-smart", added=[TOGETHER, PCGRAD])  # PCGrad does nothing where tasks are trained one by one
SMART, ROTATE, PCGRAD_END, MSE = NAMES
SOME = values(NAMES, {(SMART,): 0.04, (ROTATE, PCGRAD_END): -0.08, (SMART, ROTATE, MSE): 0.16})


def mean(analysis: MetricAnalysis, kind: Kind, *term: str) -> float:
    effect = analysis.get(kind, *term)
    assert effect is not None
    return effect.mean


def each(analysis: MetricAnalysis, kind: Kind) -> dict[Effect, float]:
    return {term: effect.mean for (its, term), effect in analysis.estimates.items() if its == kind}


@st.composite
def partial(draw: st.DrawFn, ours: Ablation = FOUR) -> dict[Run, list[float]]:
    """Values by seed of some combinations, through which an order of adding all factors leads at least."""
    order = draw(st.permutations(ours.names))
    way = {frozenset(order[:size]) for size in range(len(order) + 1)}
    more = draw(st.sets(st.sampled_from(possible(ours.names))))
    seeds = draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    return {run: random.uniform(0, 1, seeds).tolist() for run in way | more}


@given(partial())
def test_shapley_values_are_those_of_every_order_and_sum_to_the_whole_difference(
    by_run: dict[Run, list[float]],
) -> None:
    analysis = analyse_metric(plain(FOUR, by_run), "figure")
    value = {run: statistics.fmean(figures) for run, figures in by_run.items()}
    orders = list(walks(NAMES, by_run))
    for name in NAMES:
        before = [frozenset(order[: order.index(name)]) for order in orders]
        expected = statistics.fmean(value[run | {name}] - value[run] for run in before)
        assert mean(analysis, "shapley", name) == pytest.approx(expected, abs=1e-12)
    assert analysis.orders == pytest.approx(len(orders) / 24)
    whole = value[frozenset(NAMES)] - value[frozenset()]
    assert mean(analysis, "total") == pytest.approx(whole, abs=1e-12)
    assert sum(each(analysis, "shapley").values()) == pytest.approx(whole, abs=1e-12)
    assert (tuple(NAMES) in orders) == bool(each(analysis, "stated"))
    if stated := each(analysis, "stated"):
        assert sum(stated.values()) == pytest.approx(whole, abs=1e-12)
        assert sum(each(analysis, "flattery").values()) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_they_sum_to_the_difference_of_every_metric(seed: int) -> None:
    random = np.random.default_rng(seed)
    evidence = quick(FOUR, *drawn(random, dict.fromkeys(TASKS, SOME), seeds=3, items=(41, 37, 29)))
    way = {frozenset(NAMES[:size]) for size in range(5)}
    some = only(evidence, lambda row: seed == 0 or on(row) in way or bool(random.random() < 0.6))
    for analysis in analyse_metrics(AblationResults(FOUR, some)):
        assert not analysis.reason
        assert sum(each(analysis, "shapley").values()) == pytest.approx(mean(analysis, "total"), abs=1e-12)
        assert sum(each(analysis, "stated").values()) == pytest.approx(mean(analysis, "total"), abs=1e-12)
        ends = [some.rows[f"{FOUR.slug}/{FOUR.name(run)}"] for run in (frozenset(NAMES), frozenset[str]())]
        one, other = (statistics.fmean(row.values(analysis.metric).values()) for row in ends)
        assert mean(analysis, "total") == pytest.approx(one - other, abs=1e-12)  # r itself, not its jackknife's mean


def test_every_figure_is_its_definition_on_scores_that_are_known() -> None:
    analysis = analyse_metric(AblationResults(FOUR, exact(FOUR, SOME)), "sst_accuracy")
    for (kind, term), true in truths(NAMES, SOME).items():
        assert mean(analysis, kind, *term) == pytest.approx(true, abs=1e-12), (kind, term)


def test_a_main_effect_is_the_shapley_value_where_no_three_factors_interact() -> None:
    pairs = values(NAMES, {(SMART,): 0.04, (ROTATE, PCGRAD_END): -0.08, (SMART, MSE): 0.12})
    analysis = analyse_metric(AblationResults(FOUR, exact(FOUR, pairs)), "sst_accuracy")
    assert each(analysis, "main") == pytest.approx(each(analysis, "shapley"), abs=1e-12)
    three = analyse_metric(AblationResults(FOUR, exact(FOUR, SOME)), "sst_accuracy")
    assert mean(three, "shapley", SMART) - mean(three, "main", SMART) == pytest.approx(0.16 / 12, abs=1e-12)


LINES = TEXTBOOK | {"2^(5-1)": ("ABCD", 5, "ABCDE", tuple(map(":".join, [*"ABCDE", *combinations("ABCDE", 2)])))}


@pytest.mark.parametrize("notation", ["2^(4-1)", "2^(5-1)", "2^(5-2)", "2^(7-4)"])
def test_a_fraction_is_recognised_and_mixes_what_the_textbook_says(notation: str) -> None:
    count, fewer = int(notation[3]), int(notation[5])
    ours, (_, resolution, _, aliases) = BY_SIZE[count], LINES[notation]
    chosen = next(
        each for each in fractions(ours.names, 2 ** (count - fewer)) if len(each.runs) == 2 ** (count - fewer)
    )
    design = mixed(ours, chosen, count)
    assert (design.kind, design.resolution) == ("fraction", resolution)
    letters = dict(zip(ours.names, "ABCDEFG", strict=False))
    lettered = [re.sub(r"[^\s:+]+", lambda name: letters[name[0]], line) for line in design.aliases()]
    assert lettered == list(aliases)


def test_the_other_half_takes_the_alias_away() -> None:
    design = mixed(FOUR, fraction(NAMES, {MSE: NAMES[:3]}, off=[MSE]), 11)
    assert f"{SMART}:{ROTATE} - {PCGRAD_END}:{MSE}" in design.aliases()


def mixed(ours: Ablation, chosen: Design, seed: int) -> Design:
    """The design of a trained fraction, whose estimates are checked against its aliases: with x of 1 and -1 for on and
    off a main effect counts half and an interaction a fourth, so half an interaction is added to a main effect."""
    random = np.random.default_rng(seed)
    terms = [*((name,) for name in ours.names), *combinations(ours.names, 2)]
    sizes: dict[Effect, float] = dict(zip(terms, random.normal(0, 0.1, len(terms)).tolist(), strict=True))
    true = values(ours.names, sizes)
    results = plain(ours, {run: [true[run] - 0.01, true[run] + 0.01] for run in chosen.runs})
    assert set(results.design.runs) == set(chosen.runs)
    analysis, seen = analyse_metric(results, "figure"), set()
    for line in results.design.aliases():
        first, *others = re.findall(r"(?:^|([+-]) )(\S+)", line)
        term = tuple(first[1].split(":"))
        share = {sign + name: sizes[tuple(name.split(":"))] * (-1 if sign == "-" else 1) for sign, name in others}
        added = sum(share.values()) / (2 if len(term) == 1 else 1)
        kind: Kind = "main" if len(term) == 1 else "interaction"
        assert mean(analysis, kind, *term) == pytest.approx(sizes[term] + added, abs=1e-12), line
        seen.add((kind, term))
    assert {key for key in analysis.estimates if key[0] in ("main", "interaction")} == seen
    return results.design


@pytest.mark.parametrize(("make", "kind", "other"), [(leave_one_out, "last", "alone"), (add_one, "alone", "last")])
def test_one_at_a_time_tells_of_a_factor_beside_all_others_or_none(make: object, kind: Kind, other: Kind) -> None:
    design = make(NAMES)  # type: ignore[operator]
    analysis = analyse_metric(
        AblationResults(FOUR, exact(FOUR, {run: SOME[run] for run in design.runs})), "sst_accuracy"
    )
    true = truths(NAMES, SOME)
    assert {key[0] for key in analysis.estimates} == {"main", kind, "step"}
    for name in NAMES:
        assert mean(analysis, kind, name) == pytest.approx(true[kind, (name,)], abs=1e-12)
    assert each(analysis, "main") == pytest.approx(each(analysis, kind), abs=1e-12)
    assert not each(analysis, other)
    assert (analysis.orders, dict(analysis.apparent)) == (0, {})


def test_what_changes_no_answer_has_an_effect_of_exactly_0() -> None:
    answers, labels = drawn(np.random.default_rng(1), dict.fromkeys(TASKS, SOME))
    same = next(iter(answers.values()))
    for analysis in analyse_metrics(AblationResults(FOUR, quick(FOUR, dict.fromkeys(answers, same), labels))):
        assert set(MEANING) == {kind for kind, _ in analysis.estimates}
        assert {(each.mean, each.estimate, each.p) for each in analysis.estimates.values()} == {(0, None, None)}
        assert {(each.low, each.high) for each in analysis.apparent.values()} == {(0, 0)}


@pytest.mark.parametrize("inert", NAMES)
def test_a_factor_that_changes_no_answer_is_not_supported_beside_others_that_do(inert: str) -> None:
    answers, labels = drawn(np.random.default_rng(2), dict.fromkeys(TASKS, SOME), items=(63, 59, 61))
    alike = {run: answers[run - {inert}] for run in answers}
    for analysis in analyse_metrics(AblationResults(FOUR, quick(FOUR, alike, labels))):
        for (kind, term), each in analysis.estimates.items():
            nothing = term == (inert,) or (kind == "interaction" and inert in term)
            assert ((each.mean, each.estimate, each.p) == (0, None, None)) == nothing, (kind, term)


def test_a_combination_that_repeats_another_has_its_figures() -> None:
    """Together: .1; PCGrad .04 more, but only then."""
    smart, together, pcgrad = GATED.names
    true = {run: 0.5 + 0.1 * (together in run) + 0.04 * ({together, pcgrad} <= run) for run in possible(GATED.names)}
    results = AblationResults(GATED, exact(GATED, {run: true[run] for run in map(on_row, GATED.rows.rows)}))
    assert {frozenset({pcgrad}), frozenset({smart, pcgrad})} == set(results.filled)
    assert (len(results.trained), len(results.runs), results.design.kind, len(results.design.runs)) == (6, 8, "full", 8)
    analysis = analyse_metric(results, "sst_accuracy")
    for (kind, term), size in truths(GATED.names, true).items():
        if kind in ("stated", "flattery") and term != (smart,):  # the paper adds the others nowhere
            assert analysis.get(kind, *term) is None
        else:
            assert mean(analysis, kind, *term) == pytest.approx(size, abs=1e-12), (kind, term)
    assert mean(analysis, "interaction", together, pcgrad) == pytest.approx(0.04)
    assert mean(analysis, "shapley", pcgrad) == pytest.approx(0.02)
    assert analysis.orders == 1


def on_row(row: object) -> Run:
    return frozenset(name for name, level in row.levels.items() if level)  # type: ignore[attr-defined]


def test_a_step_has_both_rows_what_is_printed_and_all_that_its_factors_do_elsewhere() -> None:
    analysis = analyse_metric(AblationResults(FOUR, exact(FOUR, SOME)), "sst_accuracy")
    steps = {(step.start.row.name, step.end.row.name): step for step in analysis.steps}
    assert list(steps) == [("04-all-three", "06-smart"), ("06-smart", "08-pcgrad"), ("08-pcgrad", "11-mse")]
    printed = {pair: step.printed for pair, step in steps.items()}
    assert list(printed.values()) == pytest.approx([0.463 - 0.469, 0.498 - 0.463, 0.516 - 0.498])
    assert [step.off for step in steps.values()] == [(), ("quora.rows",), ("quora.rows",)]
    for step in steps.values():
        added = frozenset(step.factors)
        changes = [SOME[run | added] - SOME[run] for run in SOME if not run & added]
        assert (step.low, step.high) == pytest.approx((min(changes), max(changes)), abs=1e-12)
        assert mean(analysis, "step", *step.factors) == pytest.approx(
            SOME[step.end.on] - SOME[step.start.on], abs=1e-12
        )
    assert [step.factors for step in steps.values()] == [(SMART,), (ROTATE, PCGRAD_END), (MSE,)]


def test_figures_printed_of_other_items_or_by_another_formula_are_not_subtracted() -> None:
    """Row 14 is scored on test, 11 on dev; smartbert's overall takes r as it is, bertram's moves it to 0..1 first."""
    test = ablation(row="14-full-quora", against="11-mse")
    answers, labels = drawn(np.random.default_rng(7), dict.fromkeys(TASKS, values(test.names, {})), seeds=2)
    assert [
        analysis.steps[0].printed for analysis in analyse_metrics(AblationResults(test, quick(test, answers, labels)))
    ] == [None] * 4
    (suite,) = (each for each in SUITES if each.slug == "smartbert/table1")
    (row,) = (each for each in suite.rows if "overall" in each.printed)
    ours = Ablation(suite=TABLE, row=TABLE.row("13-combined-test"), other=suite, against=row)
    ours = dataclasses.replace(ours, fixed=dict.fromkeys([factor.name for factor in ours.all_factors][1:], False))
    answers, labels = drawn(np.random.default_rng(8), dict.fromkeys(TASKS, values(ours.names, {})), seeds=2)
    both = {
        analysis.metric: analysis for analysis in analyse_metrics(AblationResults(ours, quick(ours, answers, labels)))
    }
    assert {metric for metric in METRICS if metric in row.printed} == set(METRICS)
    assert [metric for metric, analysis in both.items() if analysis.steps[0].printed is None] == ["overall"]
    assert not each(both["overall"], "stated") and not each(both["overall"], "flattery")  # no paper's order
    assert {analysis.stated for analysis in both["overall"].apparent.values()} == {None}
    assert each(both["overall"], "shapley")


def test_each_kind_is_corrected_by_itself_over_all_metrics() -> None:
    answers, labels = drawn(np.random.default_rng(4), dict.fromkeys(TASKS, SOME))
    every = analyse_metrics(AblationResults(FOUR, quick(FOUR, answers, labels)))
    counts = {kind: sum(its == kind for analysis in every for its, _ in analysis.estimates) for kind in MEANING}
    assert counts == {
        **dict.fromkeys(("main", "alone", "last", "shapley", "stated", "flattery"), 16),
        "interaction": 24,
        "step": 12,
        "total": 4,
    }
    for kind in MEANING:
        mine = [effect for analysis in every for (its, _), effect in analysis.estimates.items() if its == kind]
        assert [effect.p for effect in mine] == holm(
            [cautious(effect.estimate).p for effect in mine if effect.estimate]
        )
    some = {effect.supported for analysis in every for effect in analysis.estimates.values()}
    assert some == {True, False}
    assert all(
        effect.supported == (effect.p is not None and effect.p < 0.05)
        for analysis in every
        for effect in analysis.estimates.values()
    )


def test_a_single_seed_has_an_interval_over_items_and_no_p() -> None:
    answers, labels = drawn(np.random.default_rng(5), dict.fromkeys(TASKS, SOME), seeds=1)
    for analysis in analyse_metrics(AblationResults(FOUR, quick(FOUR, answers, labels))):
        assert len(analysis.estimates) == len(analysed_keys())
        assert {each.p for each in analysis.estimates.values()} == {None}
        assert not any(each.supported for each in analysis.estimates.values())
        assert all(each.ends is not None and each.ends[0] < each.ends[1] for each in analysis.estimates.values())


def analysed_keys() -> set[object]:
    return {*truths(NAMES, SOME), *(("step", (name,)) for name in (SMART, MSE)), ("step", (ROTATE, PCGRAD_END))}


def test_a_metric_with_one_seed_leaves_the_correction_of_the_others_alone() -> None:
    answers, labels = drawn(np.random.default_rng(6), dict.fromkeys(TASKS, SOME))
    whole = quick(FOUR, answers, labels)
    one = whole.rows[f"{FOUR.slug}/{SMART}"]
    one.seeds = [without(seed, "sts_pearson") if seed.seed else seed for seed in one.seeds]
    by_metric = {analysis.metric: analysis for analysis in analyse_metrics(AblationResults(FOUR, whole))}
    assert {effect.p for effect in by_metric["sts_pearson"].estimates.values()} == {None}
    others = [by_metric[name] for name in METRICS if name != "sts_pearson"]
    mains = [effect for analysis in others for (kind, _), effect in analysis.estimates.items() if kind == "main"]
    ps = holm([cautious(effect.estimate).p for effect in mains if effect.estimate])
    assert [effect.p for analysis in others for (kind, _), effect in analysis.estimates.items() if kind == "main"] == ps


def without(seed: Seed, metric: str) -> Seed:
    scores = {name: value for name, value in seed.scores.items() if name != metric}
    return dataclasses.replace(seed, scores=scores)


def test_a_metric_without_items_is_told_by_seed() -> None:
    analysis = analyse_metric(
        plain(FOUR, {run: [true - 0.1, true, true + 0.1] for run, true in SOME.items()}), "figure"
    )
    assert analysis.scores is not None and analysis.scores.items == {}
    assert mean(analysis, "total") == pytest.approx(truths(NAMES, SOME)["total", ()], abs=1e-12)
    only_one = analyse_metric(plain(FOUR, {run: [true] for run, true in SOME.items()}), "figure")
    (corrected,) = correct_p_values([only_one])
    assert mean(corrected, "main", SMART) == pytest.approx(0.04, abs=1e-12)
    assert {each.p for each in corrected.estimates.values()} == {None}
