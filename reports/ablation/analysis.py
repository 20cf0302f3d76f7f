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
class Found:
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
class Of:
    """One metric; ``reason`` says why there is nothing else. ``found`` lacks what the combinations do not tell.
    ``collapsed``: in some seed a combination gave one answer for every item. ``orders`` is the share of all orders that
    the Shapley values average over."""

    metric: str
    reason: str = ""
    scores: Scores | None = None
    found: Mapping[Key, Found] = dataclasses.field(default_factory=dict)
    collapsed: bool = False
    orders: float = 0.0
    apparent: Mapping[str, Apparent] = dataclasses.field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    def get(self, kind: Kind, *term: str) -> Found | None:
        return self.found.get((kind, term))


def analysed(taken: AblationResults) -> list[Of]:
    """Every metric of the suite."""
    return corrected([of(taken, metric) for metric in metrics(taken.ablation.rows)])


def of(taken: AblationResults, metric: str) -> Of:
    """One metric, before any correction."""
    found = scores(taken, metric)
    if isinstance(found, str):
        return Of(metric=metric, reason=found)
    names = taken.ablation.names
    levels, order = found.levels(names), list(range(len(names)))
    fair = shapley.shapley(levels)
    way = shapley.steps(levels, order) if taken.ablation.path else None
    apparent = shapley.audit(levels, found.means, None if way is None else order)
    told = steps(taken, found)
    made = designed(taken, found) | dict(along(names, levels, fair, way)) | dict(stepped(told, found))
    ours = {change.name for change in taken.ablation.added}  # the paper adds them nowhere
    return Of(
        metric=metric,
        scores=found,
        found={
            key: estimated(found, contrast)
            for key, contrast in made.items()
            if not (key[0] in ("stated", "flattery") and ours.intersection(key[1]))
        },
        collapsed=any(
            task in found.items
            for row in taken.trained.values()
            for each in row.done
            if each.seed in found.seeds
            for task in each.collapsed
        ),
        orders=fair.share if fair else 0.0,
        apparent={
            name: dataclasses.replace(each, stated=None, place=None) if name in ours else each
            for name, each in zip(names, apparent or (), strict=False)
        },
        steps=told,
    )


def estimated(found: Scores, contrast: Array) -> Found:
    """A contrast over the runs, with its interval over seeds and items; 0 without one where nothing but rounding is
    left of it, as of a factor that changes no answer."""
    made = contrasted(found, contrast)
    left = max(abs(made.mean), made.estimate.error if made.estimate else 0.0)
    return made if left > ROUNDING else contrasted(found, np.zeros_like(contrast))


def contrasted(found: Scores, contrast: Array) -> Found:
    """The estimate as it is computed, or why there is none."""
    values = tuple((contrast @ found.by_seed).tolist())
    mean, n = float(contrast @ found.means), len(values)
    try:
        told = crossed_of(found, contrast) if found.blocks else by_seed(values)
    except ValueError as error:  # what the statistics refuse, such as a single item
        return Found(mean, n, reason=str(error))
    if isinstance(told, Estimate):
        return Found(told.mean, n, told)
    return Found(mean, n, reason=told if isinstance(told, str) else told.reason)


def crossed_of(found: Scores, contrast: Array) -> Estimate | Undefined:
    """Over seeds and items. An item's score counts up to 1 where it is right or wrong, so that a contrast of scores
    reaches no further than its positive or its negative weights do. ``ValueError``."""
    reach = max(float(contrast[contrast > 0].sum()), float(-contrast[contrast < 0].sum()))
    most = [reach * MOST[TASKS[task].metric] for task in found.items]
    return attribution.estimate(contrast, found.blocks, found.weights, scores=found.means, most=most)


def designed(taken: AblationResults, found: Scores) -> dict[Key, Array]:
    """The contrasts of the design's effects."""
    names, design = taken.ablation.names, taken.design
    inside = [at for at, run in enumerate(found.runs) if run in design.runs]
    known = design.model()
    pairs = [pair for pair in combinations(range(len(names)), 2) if tuple(names[at] for at in pair) in known]
    made: dict[Key, Array] = {}
    for places, contrast in attribution.effects(found.levels(names)[inside], pairs).items():
        if contrast is not None:
            term = tuple(names[at] for at in places)
            made["main" if len(term) == 1 else "interaction", term] = np.zeros(len(found.runs))
            made["main" if len(term) == 1 else "interaction", term][inside] = contrast
    return made


def along(
    names: Sequence[str], levels: Array, fair: shapley.Shapley | None, way: Array | None
) -> Iterator[tuple[Key, Array]]:
    """The contrasts of adding factors to others: alone, last, at the paper's place and averaged over all orders."""
    kinds: dict[Kind, Sequence[Array | None]] = {
        "alone": attribution.add_one(levels),
        "last": attribution.leave_one_out(levels),
        "shapley": [] if fair is None else list(fair.contrasts),
        "stated": [] if way is None else list(way),
        "flattery": [] if fair is None or way is None else list(way - fair.contrasts),
    }
    ends = attribution.rows(levels)
    total = attribution.difference(ends, len(ends) - 1, 0)
    if total is not None:
        yield ("total", ()), total
    for kind, contrasts in kinds.items():
        for name, contrast in zip(names, contrasts, strict=False):
            if contrast is not None:
                yield (kind, (name,)), contrast


def steps(taken: AblationResults, found: Scores) -> tuple[Step, ...]:
    """The steps between the paper's rows that add factors."""
    means = dict(zip(found.runs, found.means.tolist(), strict=True))
    made = []
    for start, end in pairwise(taken.ablation.stops):
        if not start.on < end.on:
            continue
        added = end.on - start.on
        changes = [means[run | added] - means[run] for run in means if not run & added and run | added in means]
        before, after = start.row.printed.get(found.metric), end.row.printed.get(found.metric)
        alike = found.metric != OVERALL or start.suite.formula == end.suite.formula
        comparable = before is not None and after is not None and start.row.split == end.row.split and alike
        made.append(
            Step(
                start=start,
                end=end,
                factors=tuple(name for name in taken.ablation.names if name in added),
                printed=after - before if comparable and after is not None and before is not None else None,
                low=min(changes, default=None),
                high=max(changes, default=None),
            )
        )
    return tuple(made)


def stepped(told: Sequence[Step], found: Scores) -> Iterator[tuple[Key, Array]]:
    """The contrasts of the steps, where both of their combinations were run."""
    for step in told:
        if step.start.on in found.runs and step.end.on in found.runs:
            contrast = np.zeros(len(found.runs))
            contrast[found.runs.index(step.end.on)], contrast[found.runs.index(step.start.on)] = 1, -1
            yield ("step", step.factors), contrast


def corrected(every: Sequence[Of]) -> list[Of]:
    """With Holm's p, each kind over all metrics and terms; a single seed has none."""
    adjusted: dict[tuple[int, Key], float] = {}
    for kind in MEANING:
        tested = [
            (at, key, found.estimate)
            for at, each in enumerate(every)
            for key, found in each.found.items()
            if key[0] == kind and found.estimate is not None and found.seeds > 1
        ]
        ps = holm([cautious(estimate, collapsed=every[at].collapsed).p for at, _, estimate in tested])
        adjusted |= {(at, key): p for (at, key, _), p in zip(tested, ps, strict=True)}
    return [
        dataclasses.replace(
            each,
            found={key: dataclasses.replace(found, p=adjusted.get((at, key))) for key, found in each.found.items()},
        )
        for at, each in enumerate(every)
    ]
