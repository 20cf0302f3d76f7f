"""Two rows side by side, in every set-up that has both."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from experiments.suite import row_slug
from harness.registry.selectors import find
from harness.reporting.report import measured
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


def compared(evidence: ResultsSource, first: str, second: str) -> list[dict[str, Any]]:
    """One object a set-up and metric. ``InputError`` for an unknown row, or where no set-up has both."""
    pairs = [find(first), find(second)]
    first, second = (row_slug(*pair) for pair in pairs)
    if first == second:
        raise InputError(f"{first} is given twice; give two rows")
    found = [setup for setup in measured(evidence, pairs) if first in setup.rows and second in setup.rows]
    if not found:
        raise InputError(f"no set-up of {evidence.name} has both {first} and {second}; harness run trains them")
    names = [name for name in metrics(pairs[0][0]) if name in metrics(pairs[1][0])]
    return [one(setup, contrast(setup, first, second, name, bootstrap=True)) for setup in found for name in names]


def one(setup: SetUp, found: RowComparison) -> dict[str, Any]:
    """A comparison as data. ``p_items`` is by items alone; ``zou`` for one seed's correlation."""
    estimate = found.estimate
    first, second = setup.rows[found.first], setup.rows[found.second]
    figures = (
        {
            "difference": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
            "p": estimate.p,
            "detectable": detectable(estimate),
            "hedges_g": found.effect,
            "bootstrap": found.bootstrap,
            "p_items": by_items(first, second, found),
            "zou": zou_ends(first, second, found),
        }
        if estimate
        else {}
    )
    return {
        "setup": dict(setup.facts),
        "first": found.first,
        "second": found.second,
        "metric": found.metric,
        "first_mean": mean(first, found),
        "second_mean": mean(second, found),
        "seeds": list(found.seeds),
        "items": dict(found.items),
        "axes": list(found.axes),
        "reason": found.reason,
        "left_out": {slug: faults_of(setup, slug) for slug in (found.first, found.second) if slug in setup.left_out},
        **figures,
    }


def faults_of(setup: SetUp, slug: str) -> dict[str, str]:
    """Why the row has not some of its trainings, by seed."""
    return {str(seed): fault for seed, fault in setup.left_out[slug].items()}


def mean(row: Runs, found: RowComparison) -> float | None:
    values = [value for seed, value in row.values(found.metric).items() if not found.seeds or seed in found.seeds]
    return sum(values) / len(values) if values else None


def by_items(first: Runs, second: Runs, found: RowComparison) -> float | None:
    """Of a metric of one task alone: for one seed McNemar's test or Williams's, for several a permutation of items."""
    if len(found.items) != 1:
        return None
    (task,) = found.items
    one, other = first.items(task), second.items(task)
    assert one is not None and other is not None
    ours, theirs = (rows.values[[rows.seeds.index(seed) for seed in found.seeds]] for rows in (one, other))
    if len(found.seeds) == 1 and TASKS[task].metric == "accuracy":
        return mcnemar(ours[0] == 1, theirs[0] == 1)
    if len(found.seeds) == 1:
        with suppress(ValueError):  # the two rows' answers are the same but for scale
            return williams(*correlations(first, second, task, found.seeds[0]), len(one.names))[1]
        return None
    return sign_flips(ours - theirs)


def correlations(first: Runs, second: Runs, task: str, seed: int) -> tuple[float, float, float]:
    """Pearson's r of the first row's answers with the labels, of the second's, and of the two rows' answers."""
    every = [row.reader.answers(next(each.run for each in row.done if each.seed == seed)) for row in (first, second)]
    one, other = (each[first.row.split, task] for each in every)
    return pearson(one.answers, one.labels), pearson(other.answers, one.labels), pearson(one.answers, other.answers)


def zou_ends(first: Runs, second: Runs, found: RowComparison) -> tuple[float, float] | None:
    """Zou's interval of the difference of two correlations, for one seed."""
    task = of_metric(found.metric)
    if task is None or task.metric != "pearson" or len(found.seeds) != 1 or found.estimate is None:
        return None
    with suppress(ValueError):
        return zou(*correlations(first, second, task.name, found.seeds[0]), found.items[task.name])
    return None


def told(found: Sequence[dict[str, Any]]) -> str:
    """For a terminal, set-up by set-up."""
    lines = []
    for name in dict.fromkeys(str(each["setup"]) for each in found):
        mine = [each for each in found if str(each["setup"]) == name]
        facts = mine[0]["setup"]
        variant = f", {facts['variant']}" if facts["variant"] else ""
        lines += [
            f"{facts['profile']} profile, {facts['data_source']}, encoder {facts['encoder']}{variant}",
            f"{mine[0]['first']} minus {mine[0]['second']}; they differ in {', '.join(mine[0]['axes']) or 'nothing'}",
            f"  {'':15}{'first':>6} {'second':>6}  {'difference [95% interval]':28} {'p':>5}  {'p items':>7}  seeds",
        ]
        lines += [f"  {line(each)}" for each in mine]
        for row, faults in mine[0]["left_out"].items():
            lines += [f"  left out: {row} seed {seed}, {fault}" for seed, fault in faults.items()]
    return "\n".join(lines)


def line(each: dict[str, Any]) -> str:
    first, second = ("·" if each[key] is None else format_number(each[key]) for key in ("first_mean", "second_mean"))
    start = f"{each['metric'].replace('_', ' '):15}{first:>6} {second:>6}  "
    if "difference" not in each:
        return f"{start}{each['reason']}"
    interval = f"{format_signed(each['difference'])} [{format_signed(each['low'])}, {format_signed(each['high'])}]"
    items = "" if each["p_items"] is None else format_p(each["p_items"])
    seeds = len(each["seeds"])
    ending = "items alone" if seeds == 1 else f"it would show from {format_number(each['detectable'])} on"
    return f"{start}{interval:28} {format_p(each['p']):>5}  {items:>7}  {seeds}  ({ending})"
