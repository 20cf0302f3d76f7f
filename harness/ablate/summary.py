"""An ablation on a screen of 80 columns: main effects, interactions that are there, and the paper's path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reports.ablation.analysis import Found, Kind, Of
from reports.ablation.labels import interval, lettered, letters, titled
from reports.ablation.order_effects import stood
from reports.ablation.results import AblationResults
from reports.suite_table.symbols import number, signed

SUPPORTED = "*"
EFFECTS: dict[str, tuple[Kind, str]] = {
    "leave one out": ("last", "Each factor added to all others"),
    "add one": ("alone", "Each factor added to none"),
}


def summary(taken: AblationResults, every: Sequence[Of]) -> Iterator[RenderableType]:
    known = [each for each in every if each.scores]
    for each in every:
        if each.reason:
            yield Text(f"{titled(each.metric)}: {each.reason}", "yellow")
    if not known:
        return
    kind, title = EFFECTS.get(taken.design.kind, ("main", "Main effects: on minus off over all combinations"))
    yield Text()
    yield effects(taken, known, kind, title)
    yield from interactions(taken, known)
    if known[-1].apparent:
        yield paths(taken, known[-1])
    yield from steps(taken, known[-1])
    seeds = len(known[-1].scores.seeds) if known[-1].scores else 0
    told = f"{len(taken.trained)} combinations, {seeds} seed{'s' * (seeds > 1)}; ± half the 95% interval over seeds and"
    yield Text(f"{told} items; {SUPPORTED} p < .05 after Holm over the table", "dim")


def table(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, collapse_padding=True)


def effects(taken: AblationResults, every: Sequence[Of], kind: Kind, title: str) -> Table:
    made = table(title)
    made.add_column("factor", no_wrap=True)
    for each in every:
        made.add_column(titled(each.metric).partition(" ")[0], justify="right", no_wrap=True)
    for name in taken.ablation.names:
        made.add_row(lettered(taken, name), *(figure(each.get(kind, name)) for each in every))
    made.add_row("all minus none", *(figure(each.get("total")) for each in every))
    return made


def figure(found: Found | None) -> str:
    if found is None:
        return "·"
    half = f" ±{number(found.ends[1] - found.mean)}" if found.ends and found.seeds > 1 else ""
    return f"{signed(found.mean)}{half}{SUPPORTED if found.supported else ''}"


def interactions(taken: AblationResults, every: Sequence[Of]) -> Iterator[Text]:
    """Those that are supported, and how many are not."""
    pairs = [(each, key[1], found) for each in every for key, found in each.found.items() if key[0] == "interaction"]
    if not pairs:
        return
    there = [each for each in pairs if each[2].supported]
    yield Text(f"Two-way interactions: {len(there)} of {len(pairs)} supported")
    for of, term, found in there:
        yield Text(f"  {letters(taken, term).replace('+', ':')}  {titled(of.metric)}  {interval(found)}")


def paths(taken: AblationResults, of: Of) -> Table:
    """One metric over all orders."""
    made = table(f"{titled(of.metric)}, over all orders of adding the factors")
    for name in ("factor", "Shapley value", "from", "to", *(("paper's place", "above") if taken.ablation.path else ())):
        made.add_column(name, justify="left" if name == "factor" else "right")
    for name, found in of.apparent.items():
        line = [lettered(taken, name), figure(of.get("shapley", name)), signed(found.low), signed(found.high)]
        if found.stated is not None and found.place is not None:
            line += [signed(found.stated), f"{found.place:.0%}"]
        made.add_row(*line)
    return made


def steps(taken: AblationResults, of: Of) -> Iterator[Text]:
    """The paper's own steps."""
    if not taken.ablation.path:
        return
    yield Text(f"{titled(of.metric)}, the paper's steps")
    for step in of.steps:
        found = of.get("step", *step.factors)
        printed = "not printed" if step.printed is None else f"printed {signed(step.printed)}"
        ours = interval(found) if found else "not run"
        yield Text(f"  {stood(step.start)} → {stood(step.end)}: {printed}, ours {ours}")
    for stop in taken.ablation.stops:
        if stop.off:
            yield Text(f"  {stood(stop)} differs from the combination in {', '.join(stop.off)}", "dim")
