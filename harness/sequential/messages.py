"""Texts about comparisons that seeds are added for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich import box
from rich.table import Table

from harness.sequential.comparisons import Comparison
from harness.sequential.policy import ComparisonState
from reports.number_format import format_signed
from reports.statistics.sequential import SKEWED

NAME, DECISION = 25, 20  # characters: of the longest row and a comma; what 80 columns leave
BASIS = (
    "this rests on seeds that scatter symmetrically about their centre, as where both rows scatter alike, in whatever "
    f"way; {SKEWED}"
)


def sentence(comparison: Comparison, state: ComparisonState) -> str:
    """The result of one comparison, in a sentence."""
    if state.failure:
        return f"{comparison.name}: failed at seed {state.seeds}: {state.failure}"
    return f"{comparison.name}: {decision(comparison, state)} after {state.seeds} seeds"


def decision(comparison: Comparison, state: ComparisonState) -> str:
    """The decision in a few words."""
    if state.status == "failed":
        return f"failed at seed {state.seeds}"
    if state.status == "equivalent":
        return f"equivalent within {format_signed(comparison.margin)[1:]}"
    if state.status == "items forbid":
        return "undecided; too few items"
    if state.status == "undecided":
        return f"undecided{missing_seeds(state)}"
    return state.status


def missing_seeds(state: ComparisonState) -> str:
    """About how many seeds more would decide."""
    if state.seeds < 2 or not state.missing_seeds:
        return ""
    beyond = state.seeds + state.missing_seeds >= 1000  # where the guess ends
    return "; 1,000 seeds would not do" if beyond else f"; about {state.missing_seeds} seeds more"


def table(comparisons: Sequence[Comparison], states: Sequence[ComparisonState], most: int) -> Table:
    """All comparisons with their intervals, which hold simultaneously, however often one looks."""
    papers = list(dict.fromkeys(comparison.better.suite.paper for comparison in comparisons))
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    grid.add_column("better vs worse, metric", min_width=NAME)
    grid.add_column("seeds", justify="right", no_wrap=True)
    grid.add_column("difference", no_wrap=True)
    grid.add_column("decision", max_width=DECISION)
    for paper in papers:
        if len(papers) > 1:
            grid.add_row(f"[bold]{paper}[/bold]")
        for comparison, state in zip(comparisons, states, strict=True):
            if comparison.better.suite.paper == paper:
                grid.add_row(
                    comparison.name, f"{state.seeds}/{most}", interval_text(state), decision(comparison, state)
                )
    return grid


def interval_text(state: ComparisonState) -> str:
    """The mean difference and its interval, if there is one."""
    if not state.seeds:
        return ""
    mean = format_signed(math.fsum(state.comparison.differences) / state.seeds)
    low, high = state.interval()
    return (
        f"{mean} [{format_signed(low)}, {format_signed(high)}]" if math.isfinite(low) and math.isfinite(high) else mean
    )


def opening(comparisons: int, rows: int, states: Sequence[ComparisonState], most: int) -> str:
    """The number of comparisons, and the seeds that they get."""
    seeds = " or ".join(map(str, sorted({each.first_seeds for each in states})))
    plural = "s" if comparisons > 1 else ""
    together = " for all of them together" if comparisons > 1 else ""
    if most < max(each.min_seeds for each in states):
        plan = f"{most} seeds each, but nothing can be decided before {max(each.min_seeds for each in states)}"
    else:
        plan = f"{seeds} seeds each, as nothing can be decided with fewer, then up to {most} while it is not"
    return f"{comparisons} comparison{plural} of {rows} rows at 5%{together}: {plan}"


def cells_trained(ended: int, rows: int, seeds: int, planned: int, finished: bool) -> str:
    """The number of cells trained, and the number that a fixed number of seeds would take."""
    each = f"{seeds} seeds for each of {rows} rows" + ("" if planned == rows * seeds else ", equal cells once")
    if not finished:
        return f"{ended} cells so far of {planned} at most ({each})"
    return f"{ended} cells instead of {planned} ({each}): {planned - ended} saved"
