"""What is said of comparisons that seeds were added for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich import box
from rich.table import Table

from harness.sequential.comparisons import Comparison
from harness.sequential.policy import ComparisonState
from reports.statistics.sequential import SKEWED
from reports.suite_table.symbols import signed

NAME, DECISION = 25, 20  # characters: of the longest row and a comma; what 80 columns leave
BASIS = (
    "this rests on seeds that scatter symmetrically about their centre, as where both rows scatter alike, in whatever "
    f"way; {SKEWED}"
)


def sentence(duel: Comparison, standing: ComparisonState) -> str:
    """What has become of one comparison."""
    if standing.failure:
        return f"{duel.name}: failed at seed {standing.seeds}: {standing.failure}"
    return f"{duel.name}: {decision(duel, standing)} after {standing.seeds} seeds"


def decision(duel: Comparison, standing: ComparisonState) -> str:
    """In a few words."""
    if standing.state == "failed":
        return f"failed at seed {standing.seeds}"
    if standing.state == "equivalent":
        return f"equivalent within {signed(duel.margin)[1:]}"
    if standing.state == "items forbid":
        return "undecided; too few items"
    if standing.state == "undecided":
        return f"undecided{missing_seeds(standing)}"
    return standing.state


def missing_seeds(standing: ComparisonState) -> str:
    """About how many seeds more would decide."""
    if standing.seeds < 2 or not standing.more:
        return ""
    beyond = standing.seeds + standing.more >= 1000  # where the guess ends
    return "; 1,000 seeds would not do" if beyond else f"; about {standing.more} seeds more"


def table(duels: Sequence[Comparison], standings: Sequence[ComparisonState], most: int) -> Table:
    """All comparisons with their intervals, which hold together however often one looked."""
    papers = list(dict.fromkeys(duel.better.suite.paper for duel in duels))
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    made.add_column("better vs worse, metric", min_width=NAME)
    made.add_column("seeds", justify="right", no_wrap=True)
    made.add_column("difference", no_wrap=True)
    made.add_column("decision", max_width=DECISION)
    for paper in papers:
        if len(papers) > 1:
            made.add_row(f"[bold]{paper}[/bold]")
        for duel, standing in zip(duels, standings, strict=True):
            if duel.better.suite.paper == paper:
                made.add_row(duel.name, f"{standing.seeds}/{most}", interval_text(standing), decision(duel, standing))
    return made


def interval_text(standing: ComparisonState) -> str:
    """The mean difference and its interval, if there is one."""
    if not standing.seeds:
        return ""
    mean = signed(math.fsum(standing.comparison.differences) / standing.seeds)
    low, high = standing.interval()
    return f"{mean} [{signed(low)}, {signed(high)}]" if math.isfinite(low) and math.isfinite(high) else mean


def opening(comparisons: int, rows: int, standings: Sequence[ComparisonState], most: int) -> str:
    """What is to be decided, and when it can be."""
    seeds = " or ".join(map(str, sorted({each.first for each in standings})))
    plural = "s" if comparisons > 1 else ""
    together = " for all of them together" if comparisons > 1 else ""
    if most < max(each.least for each in standings):
        plan = f"{most} seeds each, but nothing can be decided before {max(each.least for each in standings)}"
    else:
        plan = f"{seeds} seeds each, as nothing can be decided with fewer, then up to {most} while it is not"
    return f"{comparisons} comparison{plural} of {rows} rows at 5%{together}: {plan}"


def cells_trained(ended: int, rows: int, seeds: int, planned: int, finished: bool) -> str:
    """What was trained beside a number of seeds fixed beforehand."""
    each = f"{seeds} seeds for each of {rows} rows" + ("" if planned == rows * seeds else ", equal cells once")
    if not finished:
        return f"{ended} cells so far of {planned} at most ({each})"
    return f"{ended} cells instead of {planned} ({each}): {planned - ended} saved"
