"""Two rows compared: paired by seed and, where the metric has items, by item."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.suite import axes_changed
from model.task import TASKS
from reports.results import Mismatch, Runs, SetUp, blocks
from reports.statistics.bootstrap import hierarchical
from reports.statistics.crossed_effects import Estimate, Undefined, crossed
from reports.statistics.effect_size import hedges
from reports.statistics.t_interval import ROUNDING

MOST = {"accuracy": 1.0, "pearson": 0.0}  # by metric: the most by which an item's score can differ
PAIRED = ("threads", "device", "torch")  # what paired trainings have in common, beside seed and data


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowComparison:
    """``first`` minus ``second``. Without an estimate, ``reason`` says why there is none; ``alike`` stands for it where
    both rows were scored and nothing varies. ``collapsed``: in some seed one of them gave one answer for every item."""

    first: str
    second: str
    metric: str
    estimate: Estimate | None = None
    alike: Undefined | None = None
    reason: str = ""
    collapsed: bool = False
    seeds: tuple[int, ...] = ()  # those of both rows
    items: Mapping[str, int] = dataclasses.field(default_factory=dict)  # by task; none for a metric by seed alone
    effect: float | None = None  # Hedges' g over seeds
    bootstrap: tuple[float, float] | None = None
    axes: tuple[str, ...] = ()  # on which the two recipes differ

    @property
    def measured(self) -> bool:
        """Whether there are at least two seeds, so that the estimate says something of other seeds."""
        return self.estimate is not None and len(self.seeds) > 1

    @property
    def paired(self) -> bool:
        """Whether both rows were scored on the same two seeds or more, be it that nothing varies."""
        return (self.estimate is not None or self.alike is not None) and len(self.seeds) > 1


@dataclasses.dataclass(frozen=True)
class Differences:
    """By task, [seeds, items]; and by seed, of the metric itself."""

    seeds: tuple[int, ...]
    by_item: tuple[NDArray[np.float64], ...]
    weights: tuple[float, ...]
    by_seed: tuple[float, ...]
    items: Mapping[str, int]

    @property
    def most(self) -> tuple[float, ...]:
        """By how much an item can differ: 1 where it is right or wrong, 0 for pseudo-values, which have no end."""
        return tuple(MOST[TASKS[task].metric] for task in self.items)

    def crossed(self, seeds: int | None = None) -> Estimate | Undefined:
        """Over seeds and items, of the first seeds or of all.

        Raises:
            ValueError: what ``reports.statistics.crossed_effects`` refuses, as a single item.
        """
        single = [task for task, count in self.items.items() if count < 2]
        if single:
            raise ValueError(f"one item: {single[0]} has a single scored row, and no interval over items; give it more")
        blocks = [block[:seeds] for block in self.by_item]
        return crossed(blocks, self.weights, mean=statistics.fmean(self.by_seed[:seeds]), most=self.most)


def compare(setup: SetUp, first: str, second: str, metric: str, *, bootstrap: bool = False) -> RowComparison:
    """Compare two rows by their full slugs."""
    comparison = RowComparison(first=first, second=second, metric=metric)
    absent = [name for name in (first, second) if name not in setup.rows or not setup.rows[name].done]
    if absent:
        return dataclasses.replace(comparison, reason=f"not run: {', '.join(dict.fromkeys(absent))}")
    one, other = setup.rows[first], setup.rows[second]
    comparison = dataclasses.replace(comparison, axes=axes(one, other))
    try:
        pairs = differences(one, other, metric)
    except Mismatch as error:
        return dataclasses.replace(comparison, reason=str(error))
    if not pairs.seeds:
        return dataclasses.replace(comparison, reason=nothing(one, other, metric))
    comparison = dataclasses.replace(
        comparison, seeds=pairs.seeds, items=pairs.items, collapsed=collapsed((one, other), pairs)
    )
    try:
        return with_estimate(comparison, pairs, bootstrap)
    except ValueError as error:  # what the statistics refuse, such as a single item
        return dataclasses.replace(comparison, reason=str(error))


def with_estimate(comparison: RowComparison, pairs: Differences, bootstrap: bool) -> RowComparison:
    """With the estimate of these differences, or why there is none. ``ValueError``."""
    comparison = dataclasses.replace(comparison, effect=hedges(pairs.by_seed))
    estimate = pairs.crossed() if pairs.by_item else by_seed(pairs.by_seed)
    if isinstance(estimate, str):
        return dataclasses.replace(comparison, reason=estimate)
    if isinstance(estimate, Undefined):
        return dataclasses.replace(comparison, alike=estimate, reason=estimate.reason)
    ends = hierarchical(pairs.by_item, pairs.weights) if bootstrap and pairs.by_item and len(pairs.seeds) > 1 else None
    return dataclasses.replace(comparison, estimate=estimate, bootstrap=ends if ends and ends[0] < ends[1] else None)


def collapsed(rows: Sequence[Runs], pairs: Differences) -> bool:
    """Whether one of the rows gave one answer for every item of a compared task, in one of the compared seeds."""
    seeds = [each for row in rows for each in row.done if each.seed in pairs.seeds]
    return any(task in pairs.items for each in seeds for task in each.collapsed)


def axes(one: Runs, other: Runs) -> tuple[str, ...]:
    """The axes on which two rows differ; split and selection are axes, too."""
    changed = list(axes_changed(other.suite.recipe(other.row), one.suite.recipe(one.row)))
    if one.row.split != other.row.split:
        changed.append("split")
    if one.suite.selection_of(one.row) != other.suite.selection_of(other.row):
        changed.append("selection")
    return tuple(changed)


def differences(one: Runs, other: Runs, metric: str) -> Differences:
    """On the seeds that both rows have. ``Mismatch`` where they did not score the same items."""
    if one.row.split != other.row.split:
        raise Mismatch(f"different items: {one.row.split} against {other.row.split}")
    ours, theirs = one.values(metric), other.values(metric)
    seeds = sorted(set(ours) & set(theirs))
    parts, weights, items = [], [], {}
    for task, weight in blocks(one.suite.formula, metric):
        first, second = one.items(task), other.items(task)
        if first is None or second is None:
            raise Mismatch(f"{one.slug if first is None else other.slug} has kept no answers of {task}")
        if first.names != second.names or not np.array_equal(first.labels, second.labels):
            raise Mismatch(f"{one.slug} and {other.slug} did not score the same {task} items")
        if one.data(task) != other.data(task):
            raise Mismatch(f"{one.slug} and {other.slug} were scored on different {task} data")
        seeds = [seed for seed in seeds if seed in first.seeds and seed in second.seeds]
        parts.append((first, second))
        weights.append(weight)
        items[task] = len(first.names)
    by_item = tuple(
        first.values[[first.seeds.index(seed) for seed in seeds]]
        - second.values[[second.seeds.index(seed) for seed in seeds]]
        for first, second in parts
    )
    by_seed = tuple(ours[seed] - theirs[seed] for seed in seeds)
    return Differences(tuple(seeds), by_item, tuple(weights), by_seed, items)


def nothing(one: Runs, other: Runs, metric: str) -> str:
    """Why there is no seed with the metric in both rows."""
    for row in (one, other):
        if not row.values(metric):
            why = ": one answer for every item has no Pearson r" if constant(row, metric) else ""
            return f"{row.slug} has no {metric}{why}"
    return f"{one.slug} and {other.slug} have no seed in common that has {metric}"


def constant(row: Runs, metric: str) -> bool:
    """Whether the row was scored by a correlation, and has none."""
    correlated = {task for task, _ in blocks(row.suite.formula, metric) if TASKS[task].metric == "pearson"}
    return bool(row.done and correlated and correlated <= {branch.key for branch in row.suite.recipe(row.row).branches})


def by_seed(values: tuple[float, ...], level: float = 0.95) -> Estimate | str:
    """A paired t-interval over seeds, for a metric that has no items; why there is none, for one seed and where all
    seeds differ alike.

    Student (1908), "The probable error of a mean", Biometrika 6, 1-25.
    """
    if len(values) < 2:
        return "one seed, and the metric has no items of its own"
    if max(values) - min(values) <= ROUNDING * max(map(abs, values)):
        return "every seed differs by the same, so there is no interval"
    mean, freedom = statistics.fmean(values), len(values) - 1
    error = statistics.stdev(values) / math.sqrt(len(values))
    half = float(stats.t.isf((1 - level) / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(mean) / error, freedom))
    return Estimate(
        mean=mean,
        low=mean - half,
        high=mean + half,
        p=p,
        error=error,
        freedom=freedom,
        seeds=len(values),
        components=(),
    )
