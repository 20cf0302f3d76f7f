"""The figures of ablations: main effects, interactions, what a factor appears to do over all orders, and the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from experiments.factorial_designs import Run
from reports.ablation.analysis import ContrastEstimate, Kind, MetricAnalysis
from reports.ablation.labels import factor_label, metric_title
from reports.ablation.results import AblationResults
from reports.document.blocks import Picture
from reports.figures import forest, interactions, order_ranges, waterfall
from reports.figures.estimates import Estimate
from reports.named_figures import NamedFigure, number_figures, save_figures
from reports.statistics import mean_interval


def pictures(results: AblationResults, analyses: Sequence[MetricAnalysis], folder: Path) -> list[Picture]:
    """Draw and write an ablation's figures into the folder."""
    return save_figures(draw_figures(results, [each for each in analyses if each.scores]), folder)


def draw_figures(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> Iterator[NamedFigure]:
    if not analyses:
        return
    about = f"{results.ablation.row.name} against {results.ablation.against.name}"
    figures = forest.forest(main_effects(results, analyses), "on minus off, 95% interval")
    yield from number_figures(
        f"{results.name}-effects", figures, f"Main effects of {about}, with their intervals over seeds and items."
    )
    if any(key[0] == "interaction" for each in analyses for key in each.estimates):
        caption = f"Two-way interactions of {about}; main effects on the diagonal."
        yield from number_figures(
            f"{results.name}-interactions", interactions.interactions(list(pairs(results, analyses))), caption
        )
    if any(each.apparent for each in analyses):
        lines = order_ranges.paths(list(ranges(results, analyses)))
        caption = f"What each factor appears to do over all orders of adding them, {about}."
        yield from number_figures(f"{results.name}-paths", lines, caption)
    if results.ablation.path:
        caption = f"From {results.ablation.against.name} to {results.ablation.row.name}, one factor after another."
        yield from number_figures(
            f"{results.name}-waterfall", waterfall.waterfall(list(levels(results, analyses))), caption
        )


def figure_estimate(contrast: ContrastEstimate | None) -> Estimate:
    if contrast is None:
        return Estimate(None)
    return Estimate(contrast.mean, *(contrast.ends or ())) if contrast.seeds > 1 else Estimate(contrast.mean)


def main_effects(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> list[forest.Effect]:
    effects = []
    for each in analyses:
        for name in results.ablation.names:
            contrast = each.get("main", name)
            value = figure_estimate(contrast)
            effects.append(
                forest.Effect(
                    row=factor_label(results, name),
                    metric=metric_title(each.metric),
                    mean=value.mean,
                    low=value.low,
                    high=value.high,
                    n=contrast.seeds if contrast else 0,
                    supported=contrast is not None and contrast.supported,
                )
            )
    return effects


def pairs(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> Iterator[interactions.Cell]:
    names = results.ablation.names
    for each in analyses:
        for one, other in [*((name, name) for name in names), *combinations(names, 2)]:
            kind: Kind = "main" if one == other else "interaction"
            contrast = each.get(kind, one) if one == other else each.get(kind, one, other)
            value = figure_estimate(contrast)
            yield interactions.Cell(
                metric=metric_title(each.metric),
                one=one,
                other=other,
                mean=value.mean,
                low=value.low,
                high=value.high,
                supported=contrast is not None and contrast.supported,
            )


def ranges(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> Iterator[order_ranges.Apparent]:
    for each in analyses:
        alone = {step.factors[0]: step.printed for step in each.steps if len(step.factors) == 1 and not step.off}
        for name, apparent in each.apparent.items():
            yield order_ranges.Apparent(
                factor=factor_label(results, name),
                metric=metric_title(each.metric),
                low=apparent.low,
                median=apparent.median,
                high=apparent.high,
                shapley=figure_estimate(each.get("shapley", name)),
                stated=apparent.stated,
                printed=alone.get(name),
                n=len(each.scores.seeds) if each.scores else 0,
            )


def levels(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> Iterator[waterfall.Level]:
    """Where the way is after each factor."""
    ablation = results.ablation
    stops = {stop.on: stop for stop in ablation.stops}
    for each in analyses:
        for count in range(len(ablation.names) + 1):
            on = frozenset(ablation.names[:count])
            stop = stops.get(on)
            yield waterfall.Level(
                metric=metric_title(each.metric),
                name=factor_label(results, ablation.names[count - 1]) if count else ablation.against.name,
                score=score(each, on),
                printed=stop.row.printed.get(each.metric) if stop and stop.row.split == ablation.row.split else None,
                off=bool(stop and stop.off),
                n=len(each.scores.seeds) if each.scores else 0,
            )


def score(analysis: MetricAnalysis, on: Run) -> Estimate:
    """Of a combination over seeds."""
    assert analysis.scores is not None
    if on not in analysis.scores.runs:
        return Estimate(None)
    mean, half = mean_interval(analysis.scores.by_seed[analysis.scores.runs.index(on)].tolist())
    return Estimate(mean) if half is None else Estimate(mean, mean - half, mean + half)
