"""Compares two rows in every set-up that has both."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from experiments.suite import row_slug
from harness.registry.selectors import find
from harness.reporting.report import require_setups
from harness.tracking.results_source import ResultsSource
from model.errors import InputError
from model.task import TASKS, of_metric
from reports.comparison import RowComparison
from reports.comparison import compare as contrast
from reports.number_format import format_number, format_p, format_signed
from reports.results import Runs, SetUp
from reports.statistics.correlation import pearson, williams, zou
from reports.statistics.paired_tests import mcnemar, sign_flips
from reports.statistics.power import detectable
from reports.suite.effects import metrics


def compare_rows(evidence: ResultsSource, first: str, second: str) -> list[dict[str, Any]]:
    """One object a set-up and metric. ``InputError`` for an unknown row, or where no set-up has both."""
    pairs = [find(first), find(second)]
    first, second = (row_slug(*pair) for pair in pairs)
    if first == second:
        raise InputError(f"{first} is given twice; give two rows")
    setups = [setup for setup in require_setups(evidence, pairs) if first in setup.rows and second in setup.rows]
    if not setups:
        raise InputError(f"no set-up of {evidence.name} has both {first} and {second}; harness run trains them")
    names = [name for name in metrics(pairs[0][0]) if name in metrics(pairs[1][0])]
    return [
        comparison_record(setup, contrast(setup, first, second, name, bootstrap=True))
        for setup in setups
        for name in names
    ]


def comparison_record(setup: SetUp, comparison: RowComparison) -> dict[str, Any]:
    """A comparison as data. ``p_items`` is by items alone; ``zou`` for one seed's correlation."""
    estimate = comparison.estimate
    slugs = comparison.first, comparison.second
    first, second = (setup.rows[slug] for slug in slugs)
    figures = (
        {
            "difference": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
            "p": estimate.p,
            "detectable": detectable(estimate),
            "hedges_g": comparison.effect,
            "bootstrap": comparison.bootstrap,
            "p_items": item_p_value(first, second, comparison),
            "zou": zou_interval(first, second, comparison),
        }
        if estimate
        else {}
    )
    return {
        "setup": dict(setup.facts),
        "first": comparison.first,
        "second": comparison.second,
        "metric": comparison.metric,
        "first_mean": mean_score(first, comparison),
        "second_mean": mean_score(second, comparison),
        "seeds": list(comparison.seeds),
        "items": dict(comparison.items),
        "axes": list(comparison.axes),
        "reason": comparison.reason,
        "left_out": {slug: faults_of(setup, slug) for slug in slugs if slug in setup.left_out},
        **figures,
    }


def faults_of(setup: SetUp, slug: str) -> dict[str, str]:
    """Why trainings of the row were left out, by seed."""
    return {str(seed): fault for seed, fault in setup.left_out[slug].items()}


def mean_score(row: Runs, comparison: RowComparison) -> float | None:
    seeds = comparison.seeds
    values = [value for seed, value in row.values(comparison.metric).items() if not seeds or seed in seeds]
    return sum(values) / len(values) if values else None


def item_p_value(first: Runs, second: Runs, comparison: RowComparison) -> float | None:
    """For a metric of one task alone: McNemar's or Williams's test for one seed, a permutation of items for several."""
    if len(comparison.items) != 1:
        return None
    (task,), seeds = comparison.items, comparison.seeds
    one, other = first.items(task), second.items(task)
    assert one is not None and other is not None
    ours, theirs = (items.values[[items.seeds.index(seed) for seed in seeds]] for items in (one, other))
    if len(seeds) == 1 and TASKS[task].metric == "accuracy":
        return mcnemar(ours[0] == 1, theirs[0] == 1)
    if len(seeds) == 1:
        with suppress(ValueError):  # the two rows' answers are the same but for scale
            return williams(*correlations(first, second, task, seeds[0]), len(one.names))[1]
        return None
    return sign_flips(ours - theirs)


def correlations(first: Runs, second: Runs, task: str, seed: int) -> tuple[float, float, float]:
    """Pearson's r of the first row's answers with the labels, of the second's, and of the two rows' answers."""
    runs = [(row, next(each.run for each in row.done if each.seed == seed)) for row in (first, second)]
    one, other = (row.reader.answers(run)[first.row.split, task] for row, run in runs)
    return pearson(one.answers, one.labels), pearson(other.answers, one.labels), pearson(one.answers, other.answers)


def zou_interval(first: Runs, second: Runs, comparison: RowComparison) -> tuple[float, float] | None:
    """Zou's interval of the difference of two correlations, for one seed."""
    task = of_metric(comparison.metric)
    if task is None or task.metric != "pearson" or len(comparison.seeds) != 1 or comparison.estimate is None:
        return None
    with suppress(ValueError):
        return zou(*correlations(first, second, task.name, comparison.seeds[0]), comparison.items[task.name])
    return None


def format_comparisons(records: Sequence[dict[str, Any]]) -> str:
    """Comparisons as text for a terminal, set-up by set-up."""
    lines = []
    for name in dict.fromkeys(str(record["setup"]) for record in records):
        mine = [record for record in records if str(record["setup"]) == name]
        facts = mine[0]["setup"]
        variant = f", {facts['variant']}" if facts["variant"] else ""
        lines += [
            f"{facts['profile']} profile, {facts['data_source']}, encoder {facts['encoder']}{variant}",
            f"{mine[0]['first']} minus {mine[0]['second']}; they differ in {', '.join(mine[0]['axes']) or 'nothing'}",
            f"  {'':15}{'first':>6} {'second':>6}  {'difference [95% interval]':28} {'p':>5}  {'p items':>7}  seeds",
        ]
        lines += [f"  {format_comparison(record)}" for record in mine]
        for row, faults in mine[0]["left_out"].items():
            lines += [f"  left out: {row} seed {seed}, {fault}" for seed, fault in faults.items()]
    return "\n".join(lines)


def format_comparison(record: dict[str, Any]) -> str:
    first, second = (
        "·" if record[key] is None else format_number(record[key]) for key in ("first_mean", "second_mean")
    )
    start = f"{record['metric'].replace('_', ' '):15}{first:>6} {second:>6}  "
    if "difference" not in record:
        return f"{start}{record['reason']}"
    interval = (
        f"{format_signed(record['difference'])} [{format_signed(record['low'])}, {format_signed(record['high'])}]"
    )
    items = "" if record["p_items"] is None else format_p(record["p_items"])
    seeds = len(record["seeds"])
    ending = "items alone" if seeds == 1 else f"it would show from {format_number(record['detectable'])} on"
    return f"{start}{interval:28} {format_p(record['p']):>5}  {items:>7}  {seeds}  ({ending})"
