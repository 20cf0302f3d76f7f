"""What each factor of an ablation did to each metric: effects, interactions, Shapley values, and the paths' audit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Literal

import numpy as np

from experiments.ablation import Stop
from experiments.factorial_designs import Effect
from model.task import TASKS
from reports.ablation.results import AblationResults, Scores, scores
from reports.comparison import MOST, by_seed
from reports.results import OVERALL
from reports.statistics import attribution, shapley
from reports.statistics.attribution import Array
from reports.statistics.crossed_effects import Estimate, Undefined, cautious
from reports.statistics.multiple_testing import holm
from reports.statistics.shapley import Apparent
from reports.suite.effects import metrics

Kind = Literal["main", "interaction", "alone", "last", "shapley", "stated", "flattery", "step", "total"]
MEANING: dict[Kind, str] = {
    "main": "on minus off, averaged over the combinations of the others",
    "interaction": "the difference of the differences, averaged over the combinations of the others",
    "alone": "added to none",
    "last": "added to all others",
    "shapley": "averaged over all orders of adding the factors",
    "stated": "added where the paper adds it",
    "flattery": "added where the paper adds it, minus the average over all orders",
    "step": "from one row of the paper to the next",
    "total": "all factors on minus none",
}
LEVEL = 0.05
ROUNDING = 1e-12  # of scores of 1 at most: more than a sum's rounding, less than one item of one seed can weigh
Key = tuple[Kind, Effect]


@dataclasses.dataclass(frozen=True)
class ContrastEstimate:
    """A contrast's mean over so many seeds. Without an estimate ``reason`` says why there is none. ``p`` is after
    Holm's correction over all metrics and terms of its kind; None for one seed and where nothing varies."""

    mean: float
    seeds: int
    estimate: Estimate | None = None
    reason: str = ""
    p: float | None = None

    @property
    def supported(self) -> bool:
        return self.p is not None and self.p < LEVEL

    @property
    def ends(self) -> tuple[float, float] | None:
        """Of the interval, over items alone for a single seed."""
        return None if self.estimate is None else (self.estimate.low, self.estimate.high)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """From one row of the paper to the next, which adds ``factors``. ``printed`` is the difference of the printed
    figures; ``low`` and ``high`` are the ends of the measured one over all combinations of the other factors."""

    start: Stop
    end: Stop
    factors: Effect
    printed: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def off(self) -> tuple[str, ...]:
        """The settings in which one of the rows is not the combination measured."""
        return tuple(dict.fromkeys((*self.start.off, *self.end.off)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetricAnalysis:
    """One metric; ``reason`` says why there is nothing else. ``estimates`` lacks what the combinations do not show.
    ``collapsed``: in some seed a combination gave one answer for every item. ``orders`` is the share of all orders that
    the Shapley values average over."""

    metric: str
    reason: str = ""
    scores: Scores | None = None
    estimates: Mapping[Key, ContrastEstimate] = dataclasses.field(default_factory=dict)
    collapsed: bool = False
    orders: float = 0.0
    apparent: Mapping[str, Apparent] = dataclasses.field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    def get(self, kind: Kind, *term: str) -> ContrastEstimate | None:
        return self.estimates.get((kind, term))


def analyse_metrics(results: AblationResults) -> list[MetricAnalysis]:
    """Every metric of the suite."""
    return correct_p_values([analyse_metric(results, metric) for metric in metrics(results.ablation.rows)])


def analyse_metric(results: AblationResults, metric: str) -> MetricAnalysis:
    """One metric, before any correction."""
    values = scores(results, metric)
    if isinstance(values, str):
        return MetricAnalysis(metric=metric, reason=values)
    names = results.ablation.names
    levels, order = values.levels(names), list(range(len(names)))
    average = shapley.shapley(levels)
    path = shapley.steps(levels, order) if results.ablation.path else None
    apparent = shapley.audit(levels, values.means, None if path is None else order)
    path_steps = steps(results, values)
    contrasts = (
        design_contrasts(results, values)
        | dict(order_contrasts(names, levels, average, path))
        | dict(step_contrasts(path_steps, values))
    )
    ours = {change.name for change in results.ablation.added}  # the paper adds them nowhere
    return MetricAnalysis(
        metric=metric,
        scores=values,
        estimates={
            key: estimate_contrast(values, contrast)
            for key, contrast in contrasts.items()
            if not (key[0] in ("stated", "flattery") and ours.intersection(key[1]))
        },
        collapsed=any(
            task in values.items
            for row in results.trained.values()
            for each in row.done
            if each.seed in values.seeds
            for task in each.collapsed
        ),
        orders=average.share if average else 0.0,
        apparent={
            name: dataclasses.replace(each, stated=None, place=None) if name in ours else each
            for name, each in zip(names, apparent or (), strict=False)
        },
        steps=path_steps,
    )


def estimate_contrast(values: Scores, contrast: Array) -> ContrastEstimate:
    """A contrast over the runs, with its interval over seeds and items; 0 without one where nothing but rounding is
    left of it, as of a factor that changes no answer."""
    estimate = raw_estimate(values, contrast)
    left = max(abs(estimate.mean), estimate.estimate.error if estimate.estimate else 0.0)
    return estimate if left > ROUNDING else raw_estimate(values, np.zeros_like(contrast))


def raw_estimate(scores: Scores, contrast: Array) -> ContrastEstimate:
    """The estimate as it is computed, or why there is none."""
    values = tuple((contrast @ scores.by_seed).tolist())
    mean, n = float(contrast @ scores.means), len(values)
    try:
        estimate = crossed_estimate(scores, contrast) if scores.blocks else by_seed(values)
    except ValueError as error:  # what the statistics refuse, such as a single item
        return ContrastEstimate(mean, n, reason=str(error))
    if isinstance(estimate, Estimate):
        return ContrastEstimate(estimate.mean, n, estimate)
    return ContrastEstimate(mean, n, reason=estimate if isinstance(estimate, str) else estimate.reason)


def crossed_estimate(scores: Scores, contrast: Array) -> Estimate | Undefined:
    """Over seeds and items. An item's score counts up to 1 where it is right or wrong, so that a contrast of scores
    reaches no further than its positive or its negative weights do. ``ValueError``."""
    reach = max(float(contrast[contrast > 0].sum()), float(-contrast[contrast < 0].sum()))
    most = [reach * MOST[TASKS[task].metric] for task in scores.items]
    return attribution.estimate(contrast, scores.blocks, scores.weights, scores=scores.means, most=most)


def design_contrasts(results: AblationResults, scores: Scores) -> dict[Key, Array]:
    """The contrasts of the design's effects."""
    names, design = results.ablation.names, results.design
    inside = [at for at, run in enumerate(scores.runs) if run in design.runs]
    terms = design.model()
    pairs = [pair for pair in combinations(range(len(names)), 2) if tuple(names[at] for at in pair) in terms]
    contrasts: dict[Key, Array] = {}
    for places, contrast in attribution.effects(scores.levels(names)[inside], pairs).items():
        if contrast is not None:
            term = tuple(names[at] for at in places)
            contrasts["main" if len(term) == 1 else "interaction", term] = np.zeros(len(scores.runs))
            contrasts["main" if len(term) == 1 else "interaction", term][inside] = contrast
    return contrasts


def order_contrasts(
    names: Sequence[str], levels: Array, average: shapley.Shapley | None, path: Array | None
) -> Iterator[tuple[Key, Array]]:
    """The contrasts of adding factors to others: alone, last, at the paper's place and averaged over all orders."""
    kinds: dict[Kind, Sequence[Array | None]] = {
        "alone": attribution.add_one(levels),
        "last": attribution.leave_one_out(levels),
        "shapley": [] if average is None else list(average.contrasts),
        "stated": [] if path is None else list(path),
        "flattery": [] if average is None or path is None else list(path - average.contrasts),
    }
    ends = attribution.rows(levels)
    total = attribution.difference(ends, len(ends) - 1, 0)
    if total is not None:
        yield ("total", ()), total
    for kind, contrasts in kinds.items():
        for name, contrast in zip(names, contrasts, strict=False):
            if contrast is not None:
                yield (kind, (name,)), contrast


def steps(results: AblationResults, scores: Scores) -> tuple[Step, ...]:
    """The steps between the paper's rows that add factors."""
    means = dict(zip(scores.runs, scores.means.tolist(), strict=True))
    path_steps = []
    for start, end in pairwise(results.ablation.stops):
        if not start.on < end.on:
            continue
        added = end.on - start.on
        changes = [means[run | added] - means[run] for run in means if not run & added and run | added in means]
        before, after = start.row.printed.get(scores.metric), end.row.printed.get(scores.metric)
        alike = scores.metric != OVERALL or start.suite.formula == end.suite.formula
        comparable = before is not None and after is not None and start.row.split == end.row.split and alike
        path_steps.append(
            Step(
                start=start,
                end=end,
                factors=tuple(name for name in results.ablation.names if name in added),
                printed=after - before if comparable and after is not None and before is not None else None,
                low=min(changes, default=None),
                high=max(changes, default=None),
            )
        )
    return tuple(path_steps)


def step_contrasts(path_steps: Sequence[Step], scores: Scores) -> Iterator[tuple[Key, Array]]:
    """The contrasts of the steps, where both of their combinations were run."""
    for step in path_steps:
        if step.start.on in scores.runs and step.end.on in scores.runs:
            contrast = np.zeros(len(scores.runs))
            contrast[scores.runs.index(step.end.on)], contrast[scores.runs.index(step.start.on)] = 1, -1
            yield ("step", step.factors), contrast


def correct_p_values(analyses: Sequence[MetricAnalysis]) -> list[MetricAnalysis]:
    """With Holm's p, each kind over all metrics and terms; a single seed has none."""
    adjusted: dict[tuple[int, Key], float] = {}
    for kind in MEANING:
        tested = [
            (at, key, contrast.estimate)
            for at, each in enumerate(analyses)
            for key, contrast in each.estimates.items()
            if key[0] == kind and contrast.estimate is not None and contrast.seeds > 1
        ]
        ps = holm([cautious(estimate, collapsed=analyses[at].collapsed).p for at, _, estimate in tested])
        adjusted |= {(at, key): p for (at, key, _), p in zip(tested, ps, strict=True)}
    return [
        dataclasses.replace(
            each,
            estimates={
                key: dataclasses.replace(contrast, p=adjusted.get((at, key)))
                for key, contrast in each.estimates.items()
            },
        )
        for at, each in enumerate(analyses)
    ]
