"""An ablation on a screen of 80 columns: main effects, interactions that are there, and the paper's path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reports.ablation.analysis import ContrastEstimate, Kind, MetricAnalysis
from reports.ablation.labels import factor_label, factor_letters, format_interval, metric_title
from reports.ablation.order_effects import stop_label
from reports.ablation.results import AblationResults
from reports.number_format import format_number, format_signed

SUPPORTED = "*"
EFFECTS: dict[str, tuple[Kind, str]] = {
    "leave one out": ("last", "Each factor added to all others"),
    "add one": ("alone", "Each factor added to none"),
}


def summary(results: AblationResults, every: Sequence[MetricAnalysis]) -> Iterator[RenderableType]:
    measured = [each for each in every if each.scores]
    for each in every:
        if each.reason:
            yield Text(f"{metric_title(each.metric)}: {each.reason}", "yellow")
    if not measured:
        return
    kind, title = EFFECTS.get(results.design.kind, ("main", "Main effects: on minus off over all combinations"))
    yield Text()
    yield effects(results, measured, kind, title)
    yield from interactions(results, measured)
    if measured[-1].apparent:
        yield paths(results, measured[-1])
    yield from steps(results, measured[-1])
    seeds = len(measured[-1].scores.seeds) if measured[-1].scores else 0
    basis = f"{len(results.trained)} combinations, {seeds} seed{'s' * (seeds > 1)}"
    yield Text(
        f"{basis}; ± half the 95% interval over seeds and items; {SUPPORTED} p < .05 after Holm over the table", "dim"
    )


def table(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, collapse_padding=True)


def effects(results: AblationResults, every: Sequence[MetricAnalysis], kind: Kind, title: str) -> Table:
    grid = table(title)
    grid.add_column("factor", no_wrap=True)
    for each in every:
        grid.add_column(metric_title(each.metric).partition(" ")[0], justify="right", no_wrap=True)
    for name in results.ablation.names:
        grid.add_row(factor_label(results, name), *(figure(each.get(kind, name)) for each in every))
    grid.add_row("all minus none", *(figure(each.get("total")) for each in every))
    return grid


def figure(effect: ContrastEstimate | None) -> str:
    if effect is None:
        return "·"
    half = f" ±{format_number(effect.ends[1] - effect.mean)}" if effect.ends and effect.seeds > 1 else ""
    return f"{format_signed(effect.mean)}{half}{SUPPORTED if effect.supported else ''}"


def interactions(results: AblationResults, every: Sequence[MetricAnalysis]) -> Iterator[Text]:
    """The interactions that are supported, and how many are not."""
    pairs = [
        (each, key[1], effect) for each in every for key, effect in each.estimates.items() if key[0] == "interaction"
    ]
    if not pairs:
        return
    supported = [each for each in pairs if each[2].supported]
    yield Text(f"Two-way interactions: {len(supported)} of {len(pairs)} supported")
    for of, term, effect in supported:
        yield Text(
            f"  {factor_letters(results, term).replace('+', ':')}  {metric_title(of.metric)}  {format_interval(effect)}"
        )


def paths(results: AblationResults, of: MetricAnalysis) -> Table:
    """One metric over all orders."""
    grid = table(f"{metric_title(of.metric)}, over all orders of adding the factors")
    of_paper = ("paper's place", "above") if results.ablation.path else ()
    for name in ("factor", "Shapley value", "from", "to", *of_paper):
        grid.add_column(name, justify="left" if name == "factor" else "right")
    for name, effect in of.apparent.items():
        line = [
            factor_label(results, name),
            figure(of.get("shapley", name)),
            format_signed(effect.low),
            format_signed(effect.high),
        ]
        if effect.stated is not None and effect.place is not None:
            line += [format_signed(effect.stated), f"{effect.place:.0%}"]
        grid.add_row(*line)
    return grid


def steps(results: AblationResults, of: MetricAnalysis) -> Iterator[Text]:
    """The paper's own steps."""
    if not results.ablation.path:
        return
    yield Text(f"{metric_title(of.metric)}, the paper's steps")
    for step in of.steps:
        effect = of.get("step", *step.factors)
        paper_text = "not printed" if step.printed is None else f"printed {format_signed(step.printed)}"
        ours = format_interval(effect) if effect else "not run"
        yield Text(f"  {stop_label(step.start)} → {stop_label(step.end)}: {paper_text}, ours {ours}")
    for stop in results.ablation.stops:
        if stop.off:
            yield Text(f"  {stop_label(stop)} differs from the combination in {', '.join(stop.off)}", "dim")
