"""The audit of the paper's path: what a factor appears to do depends on what was on before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.ablation import Stop
from reports.ablation.analysis import Found, Kind, Of, Step
from reports.ablation.labels import CORRECTED, estimate, interval, lettered, titled
from reports.ablation.results import AblationResults
from reports.document.blocks import Block, Cell, Grid, Words
from reports.statistics.shapley import Apparent
from reports.suite_table.symbols import SIGNS, p_text, signed

OFF = SIGNS["confounded"][0]
NOISE = "the ends were chosen for being the ends, so noise alone parts them: a wide range is not yet an interaction"


def audited(taken: AblationResults, every: Sequence[Of]) -> list[Block]:
    """Nothing where no order of adding the factors was run."""
    known = [each for each in every if each.apparent]
    if not known:
        return []
    made: list[Block] = [ranges(taken, known)]
    if taken.ablation.path and any(each.steps for each in known):
        made.append(printed(taken, known))
    return [*made, *(Words(text) for text in sentences(taken, known[-1]))]


def ranges(taken: AblationResults, every: Sequence[Of]) -> Grid:
    """By factor and metric, over all orders."""
    named = bool(taken.ablation.path)
    notes = [
        "the change from adding the factor, from its lowest to its highest over all orders, with the median",
        NOISE,
    ]
    if named:
        notes.append("small print: where the paper adds it, and the share of orders that give less (ties half)")
    return Grid(
        name=f"{taken.name}-paths",
        caption="What each factor appears to do, over all orders of adding the factors",
        head=((Cell("factor"), *(Cell(titled(each.metric)) for each in every)),),
        body=tuple(
            (Cell(lettered(taken, name)), *(span(each.apparent[name]) for each in every))
            for name in taken.ablation.names
        ),
        widths=(1.9, *(1.5 for _ in every)),
        notes=tuple(notes),
        records=tuple(record(taken, each, name, found) for each in every for name, found in each.apparent.items()),
    )


def span(found: Apparent) -> Cell:
    below = ""
    if found.stated is not None and found.place is not None:
        below = f"paper's place {signed(found.stated)}, above {found.place:.0%}"
    return Cell(f"{signed(found.low)} to {signed(found.high)}, {signed(found.median)}", below=below, value=found.median)


def record(taken: AblationResults, of: Of, name: str, found: Apparent) -> dict[str, Any]:
    """One factor and metric as data."""
    names = taken.ablation.names
    kinds: tuple[Kind, ...] = ("alone", "last", "shapley", "stated", "flattery")
    return {
        "ablation": taken.ablation.slug,
        "metric": of.metric,
        "factor": name,
        "lowest": found.low,
        "median": found.median,
        "highest": found.high,
        "lowest_after": taken.ablation.name(frozenset(names[at] for at in found.low_after)),
        "highest_after": taken.ablation.name(frozenset(names[at] for at in found.high_after)),
        "place": found.place,
        "orders": of.orders,
        **{key: value for kind in kinds for key, value in parts(kind, of.get(kind, name)).items()},
        **taken.setup.facts,
    }


def parts(kind: str, found: Found | None) -> dict[str, float | None]:
    """An estimate as columns that begin with ``kind``."""
    low, high = (found.ends if found else None) or (None, None)
    return {
        kind: found.mean if found else None,
        f"{kind}_low": low,
        f"{kind}_high": high,
        f"{kind}_p_holm": found.p if found else None,
    }


def printed(taken: AblationResults, every: Sequence[Of]) -> Grid:
    """The paper's own steps beside what is printed of them."""
    steps = every[0].steps
    body = []
    for at, step in enumerate(steps):
        label = f"{stood(step.start)} → {stood(step.end)}"
        body.append(
            (Cell(label, below=f"+ {', '.join(step.factors)}"), *(stepped(each, each.steps[at]) for each in every))
        )
    off = [
        f"{OFF} {stop.row.name} differs from the combination in {', '.join(stop.off)}, and so do its printed figures"
        for stop in taken.ablation.stops
        if stop.off
    ]
    return Grid(
        name=f"{taken.name}-steps",
        caption="The paper's steps, measured and printed",
        head=((Cell("from row to row"), *(Cell(titled(each.metric)) for each in every)),),
        body=tuple(body),
        widths=(1.9, *(1.5 for _ in every)),
        notes=("difference [95% interval over seeds and items]", CORRECTED, *off),
        records=tuple(
            {
                "ablation": taken.ablation.slug,
                "metric": each.metric,
                "start": f"{step.start.suite.slug}/{step.start.row.name}",
                "end": f"{step.end.suite.slug}/{step.end.row.name}",
                "factors": "+".join(step.factors),
                "off": " ".join(step.off),
                "printed": step.printed,
                **parts("measured", each.get("step", *step.factors)),
                "lowest": step.low,
                "highest": step.high,
                **taken.setup.facts,
            }
            for each in every
            for step in each.steps
        ),
    )


def stood(stop: Stop) -> str:
    return stop.row.name + (OFF if stop.off else "")


def stepped(of: Of, step: Step) -> Cell:
    told = "" if step.printed is None else f"printed {signed(step.printed)}{OFF if step.off else ''}"
    return estimate(of.get("step", *step.factors), told)


def sentences(taken: AblationResults, of: Of) -> list[str]:
    """What the audit says of one metric, factor by factor."""
    made = []
    for name, found in of.apparent.items():
        fair, flattery = of.get("shapley", name), of.get("flattery", name)
        told = (
            f"{lettered(taken, name)}, {titled(of.metric)}: {signed(found.low)} to {signed(found.high)} over all orders"
        )
        if found.low < 0 < found.high:
            told += ", so that the order alone gives it either sign"
        told += f"; on average {interval(fair)}" if fair else ""
        if found.stated is not None and flattery is not None:
            p = flattery.reason or ("one seed" if flattery.p is None else f"p {p_text(flattery.p)}")
            there = f"{signed(found.stated)}, {signed(flattery.mean)} off the average ({p})"
            told += f". Where the paper adds it: {there}"
        made.append(f"{told}.")
    return made
