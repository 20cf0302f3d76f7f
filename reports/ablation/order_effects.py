"""The audit of the paper's path: what a factor appears to do depends on what was on before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.ablation import Stop
from reports.ablation.analysis import ContrastEstimate, Kind, MetricAnalysis, Step
from reports.ablation.labels import CORRECTED, estimate_cell, factor_label, format_interval, metric_title
from reports.ablation.results import AblationResults
from reports.document.blocks import Block, Cell, Grid, Words
from reports.number_format import format_p, format_signed
from reports.statistics.shapley import Apparent
from reports.suite_table.symbols import SIGNS

OFF = SIGNS["confounded"][0]
NOISE = "the ends were chosen for being the ends, so noise alone parts them: a wide range is not yet an interaction"


def order_blocks(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> list[Block]:
    """Nothing where no order of adding the factors was run."""
    ordered = [each for each in analyses if each.apparent]
    if not ordered:
        return []
    blocks: list[Block] = [ranges_grid(results, ordered)]
    if results.ablation.path and any(each.steps for each in ordered):
        blocks.append(steps_grid(results, ordered))
    return [*blocks, *(Words(text) for text in sentences(results, ordered[-1]))]


def ranges_grid(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> Grid:
    """By factor and metric, over all orders."""
    named = bool(results.ablation.path)
    notes = [
        "the change from adding the factor, from its lowest to its highest over all orders, with the median",
        NOISE,
    ]
    if named:
        notes.append("small print: where the paper adds it, and the share of orders that give less (ties half)")
    return Grid(
        name=f"{results.name}-paths",
        caption="What each factor appears to do, over all orders of adding the factors",
        head=((Cell("factor"), *(Cell(metric_title(each.metric)) for each in analyses)),),
        body=tuple(
            (Cell(factor_label(results, name)), *(range_cell(each.apparent[name]) for each in analyses))
            for name in results.ablation.names
        ),
        widths=(1.9, *(1.5 for _ in analyses)),
        notes=tuple(notes),
        records=tuple(
            record(results, each, name, apparent) for each in analyses for name, apparent in each.apparent.items()
        ),
    )


def range_cell(apparent: Apparent) -> Cell:
    below = ""
    if apparent.stated is not None and apparent.place is not None:
        below = f"paper's place {format_signed(apparent.stated)}, above {apparent.place:.0%}"
    return Cell(
        f"{format_signed(apparent.low)} to {format_signed(apparent.high)}, {format_signed(apparent.median)}",
        below=below,
        value=apparent.median,
    )


def record(results: AblationResults, analysis: MetricAnalysis, name: str, apparent: Apparent) -> dict[str, Any]:
    """One factor and metric as data."""
    names = results.ablation.names
    kinds: tuple[Kind, ...] = ("alone", "last", "shapley", "stated", "flattery")
    return {
        "ablation": results.ablation.slug,
        "metric": analysis.metric,
        "factor": name,
        "lowest": apparent.low,
        "median": apparent.median,
        "highest": apparent.high,
        "lowest_after": results.ablation.name(frozenset(names[at] for at in apparent.low_after)),
        "highest_after": results.ablation.name(frozenset(names[at] for at in apparent.high_after)),
        "place": apparent.place,
        "orders": analysis.orders,
        **{key: value for kind in kinds for key, value in estimate_columns(kind, analysis.get(kind, name)).items()},
        **results.setup.facts,
    }


def estimate_columns(kind: str, contrast: ContrastEstimate | None) -> dict[str, float | None]:
    """An estimate as columns that begin with ``kind``."""
    low, high = (contrast.ends if contrast else None) or (None, None)
    return {
        kind: contrast.mean if contrast else None,
        f"{kind}_low": low,
        f"{kind}_high": high,
        f"{kind}_p_holm": contrast.p if contrast else None,
    }


def steps_grid(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> Grid:
    """The paper's own steps beside what is printed of them."""
    steps = analyses[0].steps
    body = []
    for at, step in enumerate(steps):
        label = f"{stop_label(step.start)} → {stop_label(step.end)}"
        body.append(
            (Cell(label, below=f"+ {', '.join(step.factors)}"), *(step_cell(each, each.steps[at]) for each in analyses))
        )
    off = [
        f"{OFF} {stop.row.name} differs from the combination in {', '.join(stop.off)}, and so do its printed figures"
        for stop in results.ablation.stops
        if stop.off
    ]
    return Grid(
        name=f"{results.name}-steps",
        caption="The paper's steps, measured and printed",
        head=((Cell("from row to row"), *(Cell(metric_title(each.metric)) for each in analyses)),),
        body=tuple(body),
        widths=(1.9, *(1.5 for _ in analyses)),
        notes=("difference [95% interval over seeds and items]", CORRECTED, *off),
        records=tuple(
            {
                "ablation": results.ablation.slug,
                "metric": each.metric,
                "start": f"{step.start.suite.slug}/{step.start.row.name}",
                "end": f"{step.end.suite.slug}/{step.end.row.name}",
                "factors": "+".join(step.factors),
                "off": " ".join(step.off),
                "printed": step.printed,
                **estimate_columns("measured", each.get("step", *step.factors)),
                "lowest": step.low,
                "highest": step.high,
                **results.setup.facts,
            }
            for each in analyses
            for step in each.steps
        ),
    )


def stop_label(stop: Stop) -> str:
    return stop.row.name + (OFF if stop.off else "")


def step_cell(analysis: MetricAnalysis, step: Step) -> Cell:
    below = "" if step.printed is None else f"printed {format_signed(step.printed)}{OFF if step.off else ''}"
    return estimate_cell(analysis.get("step", *step.factors), below)


def sentences(results: AblationResults, analysis: MetricAnalysis) -> list[str]:
    """What the audit says of one metric, factor by factor."""
    texts = []
    for name, apparent in analysis.apparent.items():
        average, flattery = analysis.get("shapley", name), analysis.get("flattery", name)
        text = f"{factor_label(results, name)}, {metric_title(analysis.metric)}: "
        text += f"{format_signed(apparent.low)} to {format_signed(apparent.high)} over all orders"
        if apparent.low < 0 < apparent.high:
            text += ", so that the order alone gives it either sign"
        text += f"; on average {format_interval(average)}" if average else ""
        if apparent.stated is not None and flattery is not None:
            p = flattery.reason or ("one seed" if flattery.p is None else f"p {format_p(flattery.p)}")
            there = f"{format_signed(apparent.stated)}, {format_signed(flattery.mean)} off the average ({p})"
            text += f". Where the paper adds it: {there}"
        texts.append(f"{text}.")
    return texts
