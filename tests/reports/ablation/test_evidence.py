"""What is taken of an ablation from a set-up: combinations and seeds that are missing, repeated, or not alike."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import numpy as np
import pytest

from experiments.changes import PCGRAD, TOGETHER
from experiments.factorial_designs import Run, add_one, leave_one_out, possible
from experiments.suite import Change
from reports.ablation.analysis import MetricAnalysis, analyse_metric, analyse_metrics
from reports.ablation.results import AblationResults, Scores, scores
from reports.results import Runs, Seed, SetUp
from tests.reports.ablation.truth import (
    FOUR,
    METRICS,
    NAMES,
    TABLE,
    ablation,
    drawn,
    exact,
    kept,
    on,
    only,
    truths,
    values,
)
from tests.reports.results_data import Kept, example_seed, setup

TWO = ablation(row="06-smart", added=[Change("20-epochs", "", (("epochs", 20),))])
EVERY, NONE = frozenset(NAMES), frozenset[str]()
TRUE = values(NAMES, {NAMES[:1]: 0.04, NAMES[1:3]: 0.08})
PER_TASK = dict.fromkeys(("sst", "quora", "sts"), values(TWO.names, {TWO.names[:1]: 0.04}))


def stored(seeds: int = 4, names: Callable[[], Kept] = Kept) -> tuple[SetUp, Kept]:
    """Of ``TWO``, four combinations as a tracking store holds them."""
    reader = names()
    answers, labels = drawn(np.random.default_rng(0), PER_TASK, seeds=seeds, items=(40, 50, 30))
    return kept(TWO, answers, labels, reader), reader


def scores_of(evidence: SetUp, metric: str) -> Scores:
    metric_scores = scores(AblationResults(TWO, evidence), metric)
    assert isinstance(metric_scores, Scores)
    return metric_scores


def reasons(evidence: SetUp) -> dict[str, str]:
    return {analysis.metric: analysis.reason for analysis in analyse_metrics(AblationResults(TWO, evidence))}


def of_row(evidence: SetUp, run: Run) -> Runs:
    return evidence.rows[f"{TWO.slug}/{TWO.name(run)}"]


def test_all_combinations_are_a_full_design_fewest_factors_first() -> None:
    results = AblationResults(FOUR, exact(FOUR, dict(reversed(list(TRUE.items())))))
    assert results.runs == tuple(possible(NAMES)) == tuple(results.trained)
    assert (results.design.kind, len(results.design.runs), results.filled) == ("full", 16, {})


@pytest.mark.parametrize("fault", ["failed", "not run"])
def test_a_combination_that_is_missing_leaves_what_the_others_tell(fault: str) -> None:
    gone = frozenset(NAMES[:2])
    evidence = exact(FOUR, TRUE)
    if fault == "failed":
        row = evidence.rows[f"{FOUR.slug}/{FOUR.name(gone)}"]
        row.seeds = [made_failed(seed.seed) for seed in row.seeds]
    else:
        evidence = only(evidence, lambda row: on(row) != gone)
    results = AblationResults(FOUR, evidence)
    assert set(results.runs) == set(TRUE) - {gone}
    assert results.design.kind == "some"
    assert len(results.design.model()) == 1 + 4 + 6  # 15 runs tell all pairs apart
    analysis, true = analyse_metric(results, "sst_accuracy"), truths(NAMES, TRUE)
    assert analysis.orders == 1 - 4 / 24  # the first two in either order, then the others in either
    assert {kind for kind, _ in analysis.estimates} == {
        "main",
        "interaction",
        "alone",
        "last",
        "shapley",
        "step",
        "total",
    }
    for kind, term in [("alone", NAMES[:1]), ("last", NAMES[1:2]), ("total", ()), ("step", NAMES[:1])]:
        assert mean(analysis, kind, *term) == pytest.approx(true["alone" if kind == "step" else kind, term], abs=1e-12)  # type: ignore[index]
    assert sum(mean(analysis, "shapley", name) for name in NAMES) == pytest.approx(true["total", ()], abs=1e-12)


def made_failed(seed: int) -> Seed:
    return dataclasses.replace(example_seed(seed, "", "", {}, ()), done=False, reason="no memory")


def mean(analysis: MetricAnalysis, kind: str, *term: str) -> float:
    return analysis.estimates[kind, term].mean  # type: ignore[index]


@pytest.mark.parametrize("make", [leave_one_out, add_one])
def test_one_at_a_time_is_recognised(make: Callable[..., object]) -> None:
    design = make(NAMES)
    results = AblationResults(FOUR, exact(FOUR, {run: TRUE[run] for run in design.runs}))  # type: ignore[attr-defined]
    assert results.design == design


def test_without_a_finished_seed_there_is_nothing() -> None:
    evidence, _ = stored()
    for row in evidence.rows.values():
        row.seeds = [made_failed(seed.seed) for seed in row.seeds]
    for each in (evidence, setup([])):
        assert reasons(each) == dict.fromkeys(METRICS, "no combination has a finished seed")
        assert AblationResults(TWO, each).design.runs == ()


def test_one_combination_has_scores_and_no_effect() -> None:
    evidence, _ = stored()
    (analysis,) = [
        analysis
        for analysis in analyse_metrics(AblationResults(TWO, only(evidence, lambda row: on(row) == NONE)))
        if analysis.metric == "overall"
    ]
    assert analysis.scores is not None and analysis.scores.runs == (NONE,)
    assert (dict(analysis.estimates), dict(analysis.apparent), analysis.orders, analysis.reason) == ({}, {}, 0, "")
    assert all(step.low is None and step.high is None for step in analysis.steps)


def test_rows_of_other_suites_are_not_the_ablations() -> None:
    evidence, reader = stored()
    strangers = [Runs(TABLE, TABLE.row("06-smart"), [example_seed(0, "", "", {"sst_accuracy": 0.5}, ())], reader)]
    assert (
        AblationResults(TWO, setup([*evidence.rows.values(), *strangers])).runs == AblationResults(TWO, evidence).runs
    )


def test_only_seeds_that_all_combinations_have_are_taken() -> None:
    evidence, _ = stored()
    first, second = of_row(evidence, NONE), of_row(evidence, frozenset(TWO.names))
    means = {metric: scores_of(evidence, metric).by_seed for metric in METRICS}
    first.seeds, second.seeds = [first.seeds[at] for at in (3, 1, 2)], [second.seeds[at] for at in (1, 0, 2)]
    for row in (first, second):
        row.forget()
    for metric in METRICS:
        metric_scores = scores_of(evidence, metric)
        assert metric_scores.seeds == (1, 2)
        assert (metric_scores.by_seed == means[metric][:, 1:3]).all()  # by seed, in whatever order they come
        assert all(block.shape[:2] == (4, 2) for block in metric_scores.blocks)
        for block, task in zip(metric_scores.blocks, metric_scores.items, strict=True):
            if task != "sts":
                ours = scores_of(evidence, f"{task}_accuracy").by_seed
                assert block.mean(axis=2) == pytest.approx(ours, abs=1e-12)


def test_no_seed_in_common_says_so() -> None:
    evidence, _ = stored()
    of_row(evidence, NONE).seeds = of_row(evidence, NONE).seeds[:2]
    of_row(evidence, frozenset(TWO.names)).seeds = of_row(evidence, frozenset(TWO.names)).seeds[2:]
    assert reasons(evidence) == {metric: f"no seed has {metric} in all combinations" for metric in METRICS}


def constant(evidence: SetUp, reader: Kept, run: Run, seeds: range, but: int = 0) -> None:
    """The same STS answer for every item, or for every item ``but`` some, in these seeds."""
    row = of_row(evidence, run)
    for seed in seeds:
        name = row.seeds[seed].run
        table = reader.tables[name]
        answers = np.where(np.arange(len(table)) >= len(table) - but, 4.0, 1.0)
        reader.tables[name] = table.assign(answer=np.where(table["task"] == "sts", answers, table["answer"]))
    if not but:
        row.seeds = [without_r(each) if each.seed in seeds else each for each in row.seeds]


def without_r(seed: Seed) -> Seed:
    scores = {name: value for name, value in seed.scores.items() if name not in ("sts_pearson", "overall")}
    return dataclasses.replace(seed, scores=scores)


@pytest.mark.parametrize("but", [0, 1])
def test_a_seed_without_r_or_its_jackknife_is_left_out_of_what_needs_it(but: int) -> None:
    evidence, reader = stored()
    constant(evidence, reader, frozenset(TWO.names[:1]), range(1, 2), but)
    seeds = {metric: scores_of(evidence, metric).seeds for metric in METRICS}
    assert seeds == {
        **dict.fromkeys(("sst_accuracy", "quora_accuracy"), (0, 1, 2, 3)),
        **dict.fromkeys(("sts_pearson", "overall"), (0, 2, 3)),
    }


@pytest.mark.parametrize("but", [0, 1])
def test_a_combination_without_r_leaves_the_metric_out(but: int) -> None:
    evidence, reader = stored()
    constant(evidence, reader, frozenset(TWO.names[:1]), range(4), but)
    reason = reasons(evidence)
    assert (reason["sst_accuracy"], reason["quora_accuracy"]) == ("", "")
    for metric in ("sts_pearson", "overall"):
        expected = f"no seed has {metric} in all combinations" if but else f"{TWO.names[0]} has no {metric}"
        assert reason[metric].startswith(expected)
    by_metric = {analysis.metric: analysis for analysis in analyse_metrics(AblationResults(TWO, evidence))}
    assert not by_metric["sts_pearson"].estimates and by_metric["sst_accuracy"].estimates


@pytest.mark.parametrize("kind", ["fewer items", "other labels", "other order", "no answers", "other data"])
def test_what_was_scored_on_other_items_is_refused(kind: str) -> None:
    evidence, reader = stored()
    row = of_row(evidence, frozenset(TWO.names[:1]))
    for seed in row.seeds:
        table = reader.tables[seed.run]
        if kind == "fewer items":
            table = table[table["id"] != "sst3"]
        elif kind == "other labels":
            table = table.assign(label=table["label"].where(table["id"] != "sst3", 9.0))
        elif kind == "other order":
            table = table.iloc[::-1]
        elif kind == "no answers":
            table = table.iloc[:0]
        reader.tables[seed.run] = table
    if kind == "other data":
        row.seeds = [dataclasses.replace(seed, data={"sst": "f2"}) for seed in row.seeds]
    reason = reasons(evidence)
    for metric in ("sst_accuracy", "overall"):
        assert re.search(rf"{row.slug}.* (did not score the same sst items|has kept no answers of sst)", reason[metric])
    if kind in ("fewer items", "other labels"):
        assert reason["quora_accuracy"] == ""


def test_seeds_of_one_combination_on_other_items_are_refused() -> None:
    evidence, reader = stored()
    run = of_row(evidence, NONE).seeds[2].run
    reader.tables[run] = reader.tables[run].iloc[:-1]
    assert "seeds 0 and 2 did not score the same items" in reasons(evidence)["sts_pearson"]


def test_what_repeats_a_combination_is_taken_from_it_where_that_was_trained() -> None:
    """PCGrad without a batch of every task repeats; of a fraction of what can be trained the design is what was run."""
    gated = ablation(row="06-smart", added=[TOGETHER, PCGRAD])
    smart, together, pcgrad = gated.names
    true = {run: 0.5 + 0.1 * (together in run) for run in possible(gated.names) if run not in gated.impossible}
    whole = AblationResults(gated, exact(gated, true))
    assert whole.filled == {frozenset({pcgrad}): NONE, frozenset({smart, pcgrad}): frozenset({smart})}
    assert whole.row(frozenset({smart, pcgrad})) is whole.row(frozenset({smart}))
    assert whole.design.kind == "full" and whole.design.runs == tuple(sorted(whole.runs, key=standard(gated.names)))
    part = AblationResults(gated, exact(gated, {run: share for run, share in true.items() if smart not in run}))
    assert (set(part.filled), part.design.kind) == ({frozenset({pcgrad})}, "some")
    assert set(part.design.runs) == set(part.trained)
    analysis = analyse_metric(part, "sst_accuracy")
    assert mean(analysis, "alone", pcgrad) == 0 and mean(analysis, "alone", together) == pytest.approx(0.1)


def standard(names: tuple[str, ...]) -> Callable[[Run], list[bool]]:
    return lambda run: [name in run for name in names]


def test_combinations_that_cannot_be_are_no_gap_in_a_full_design() -> None:
    bf16 = Change("bf16", "", (("precision", "bf16"),))
    ours = ablation(row="06-smart", added=[bf16])
    smart, _ = ours.names
    both = frozenset(ours.names)
    assert set(ours.impossible) == {both} and not ours.repeats
    wanted = {NONE: 0.5, frozenset({smart}): 0.6, frozenset({"bf16"}): 0.4}
    results = AblationResults(ours, exact(ours, wanted))
    assert (results.design.kind, len(results.design.runs)) == ("full", 3)
    analysis = analyse_metric(results, "sst_accuracy")
    means = {key: each.mean for key, each in analysis.estimates.items()}
    expected = {(kind, (name,)): size for kind in ("main", "alone") for name, size in ((smart, 0.1), ("bf16", -0.1))}
    assert means == pytest.approx(expected, abs=1e-12)
    assert analysis.orders == 0


def test_a_name_of_files_has_letters_and_dashes_alone_and_is_the_questions_own() -> None:
    evidence, _ = stored()
    names = {
        AblationResults(each, evidence).name
        for each in (FOUR, TWO, ablation(fixed={NAMES[0]: True}), ablation(fixed={NAMES[0]: False}))
    }
    assert len(names) == 4
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)
    assert all(name.endswith("-demo-012345") for name in names)
