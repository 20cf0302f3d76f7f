"""What a suite's rows do, seen from the row each stands on, and which row is best where that is supported."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

import numpy as np

from experiments.suite import Row, Suite
from reports.comparison import RowComparison, compare
from reports.results import OVERALL, Runs, SetUp
from reports.statistics.crossed_effects import cautious
from reports.statistics.multiple_testing import holm
from reports.statistics.rank_correlation import kendall
from reports.suite_table.footnotes import confounding

LEVEL = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effect:
    """A row minus the row it stands on. ``p`` is Holm-adjusted over the suite's effects; ``printed`` is the difference
    between the printed figures."""

    row: Row
    base: str  # full slug
    metric: str
    comparison: RowComparison
    p: float | None
    printed: float | None
    confounded: tuple[str, ...]

    @property
    def supported(self) -> bool:
        return self.p is not None and self.p < LEVEL


def metrics(suite: Suite) -> list[str]:
    """The suite's columns, with overall where it has a formula."""
    own = [name for name in suite.columns if name != OVERALL]
    return own + ([OVERALL] if suite.formula != "none" else [])


def base_slug(suite: Suite, row: Row) -> str | None:
    """The full slug of the row that this one stands on."""
    if row.on is None:
        return None
    here = any(each.name == row.on for each in suite.rows)
    return f"{suite.slug if here or suite.extends is None else suite.extends.slug}/{row.on}"


def effects(setup: SetUp, suite: Suite) -> list[Effect]:
    """Of every row that has been trained, metric by metric."""
    compared_rows = []
    for row in suite.rows:
        base = base_slug(suite, row)
        measured = setup.rows.get(f"{suite.slug}/{row.name}")
        if base is None or measured is None or not measured.done:
            continue
        for metric in metrics(suite):
            compared = compare(setup, measured.slug, base, metric, bootstrap=metric == OVERALL)
            before, after = suite.row(row.on or "").printed.get(metric), row.printed.get(metric)
            printed = None if before is None or after is None else after - before
            compared_rows.append((row, base, metric, compared, printed))
    tested = [at for at, (_, _, _, compared, _) in enumerate(compared_rows) if compared.measured]
    ps = holm([p_of(compared_rows[at][3]) for at in tested])
    adjusted = dict(zip(tested, ps, strict=True))
    return [
        Effect(
            row=row,
            base=base,
            metric=metric,
            comparison=compared,
            p=adjusted.get(at),
            printed=printed,
            confounded=confounding(suite, row),
        )
        for at, (row, base, metric, compared, printed) in enumerate(compared_rows)
    ]


def p_of(compared: RowComparison) -> float:
    """For a decision among many."""
    assert compared.estimate is not None
    return cautious(compared.estimate, collapsed=compared.collapsed).p


def best(setup: SetUp, suite: Suite, metric: str, split: str = "dev") -> str | None:
    """The row whose mean is highest, if it is higher than every other row's by a test (Holm over these); else None.
    Rows of one cell and epoch are one."""
    rows = [each for each in setup.suite(suite).values() if each.row.split == split and each.values(metric)]
    means = {each.slug: statistics.fmean(each.values(metric).values()) for each in rows}
    if len(means) < 2:
        return None
    top = max(means, key=lambda slug: means[slug])
    comparisons = [compare(setup, top, slug, metric) for slug in means if slug != top]
    if not all(each.measured for each in comparisons):
        return None
    higher = all(each.estimate is not None and each.estimate.mean > 0 for each in comparisons)
    supported = higher and all(p < LEVEL for p in holm([p_of(each) for each in comparisons]))
    return setup.rows[top].row.name if supported else None


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Kendall's tau between printed figures and our means over ``rows`` rows; the interval resamples seeds."""

    metric: str
    rows: int
    tau: float
    low: float
    high: float


def agreement(setup: SetUp, suite: Suite, metric: str) -> Agreement | None:
    """Of rows scored on dev. None for fewer than three with a printed figure and ours on seeds that all of them have,
    and where one side is the same in every row."""
    by_name = setup.suite(suite)
    rows = [
        each
        for each in by_name.values()
        if metric in each.row.printed and each.values(metric) and each.row.split == "dev"
    ]
    seeds = set.intersection(*(set(each.values(metric)) for each in rows)) if rows else set()
    if len(rows) < 3 or not seeds:
        return None
    printed = [each.row.printed[metric] for each in rows]
    ours = np.array([[each.values(metric)[seed] for each in rows] for seed in sorted(seeds)])
    if len(set(printed)) == 1 or len(set(ours.mean(axis=0).round(12))) == 1:  # all tie
        return None
    return Agreement(metric, len(rows), *kendall(printed, ours))


@dataclasses.dataclass(frozen=True)
class Cost:
    """Means over a row's seeds: seconds of the whole cell, training items a second, peak memory in bytes."""

    row: str
    seeds: int
    seconds: float
    items_per_second: float | None
    memory: float


def costs(rows: Sequence[Runs]) -> list[Cost]:
    row_costs = []
    for each in rows:
        totals = [seed.totals for seed in each.done if seed.totals]
        if totals:
            seconds = statistics.fmean(seed_totals["seconds"] for seed_totals in totals)
            training = sum(seed_totals["training_seconds"] for seed_totals in totals)
            speed = sum(seed_totals["items"] for seed_totals in totals) / training if training else None
            memory = statistics.fmean(seed_totals["peak_memory_bytes"] for seed_totals in totals)
            row_costs.append(Cost(each.row.name, len(totals), seconds, speed, memory))
    return row_costs
