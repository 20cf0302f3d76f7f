"""The figures of ablations: main effects, interactions, what a factor appears to do over all orders, and the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from matplotlib.figure import Figure

from experiments.factorial_designs import Run
from reports.ablation.analysis import Found, Kind, Of
from reports.ablation.labels import lettered, titled
from reports.ablation.results import AblationResults
from reports.document.blocks import Picture
from reports.figures import forest, interactions, order_ranges, waterfall
from reports.figures.estimates import Estimate
from reports.figures.save import save
from reports.statistics import mean_interval
from reports.suite.figures import Drawn


def pictures(taken: AblationResults, every: Sequence[Of], folder: Path) -> list[Picture]:
    """Draw and write an ablation's figures into the folder."""
    made = []
    for name, figure, caption in drawn(taken, [each for each in every if each.scores]):
        save(figure, folder, name)
        width, height = figure.get_size_inches()
        made.append(Picture(name=name, caption=caption, width=float(width), height=float(height)))
    return made


def drawn(taken: AblationResults, every: Sequence[Of]) -> Iterator[Drawn]:
    if not every:
        return
    about = f"{taken.ablation.row.name} against {taken.ablation.against.name}"
    made = forest.forest(mains(taken, every), "on minus off, 95% interval")
    yield from numbered(taken, "effects", made, f"Main effects of {about}, with their intervals over seeds and items.")
    if any(key[0] == "interaction" for each in every for key in each.found):
        caption = f"Two-way interactions of {about}; main effects on the diagonal."
        yield from numbered(taken, "interactions", interactions.interactions(list(pairs(taken, every))), caption)
    if any(each.apparent for each in every):
        lines = order_ranges.paths(list(ranges(taken, every)))
        caption = f"What each factor appears to do over all orders of adding them, {about}."
        yield from numbered(taken, "paths", lines, caption)
    if taken.ablation.path:
        caption = f"From {taken.ablation.against.name} to {taken.ablation.row.name}, one factor after another."
        yield from numbered(taken, "waterfall", waterfall.waterfall(list(levels(taken, every))), caption)


def numbered(taken: AblationResults, kind: str, made: Sequence[Figure], caption: str) -> Iterator[Drawn]:
    """Figures of one kind, with their number where there are several."""
    for number, figure in enumerate(made, 1):
        ending = (f"-{number}", f" ({number} of {len(made)})") if len(made) > 1 else ("", "")
        yield Drawn(f"{taken.name}-{kind}{ending[0]}", figure, caption + ending[1])


def shown(found: Found | None) -> Estimate:
    if found is None:
        return Estimate(None)
    return Estimate(found.mean, *(found.ends or ())) if found.seeds > 1 else Estimate(found.mean)


def mains(taken: AblationResults, every: Sequence[Of]) -> list[forest.Effect]:
    made = []
    for each in every:
        for name in taken.ablation.names:
            found = each.get("main", name)
            value = shown(found)
            made.append(
                forest.Effect(
                    row=lettered(taken, name),
                    metric=titled(each.metric),
                    mean=value.mean,
                    low=value.low,
                    high=value.high,
                    n=found.seeds if found else 0,
                    supported=found is not None and found.supported,
                )
            )
    return made


def pairs(taken: AblationResults, every: Sequence[Of]) -> Iterator[interactions.Cell]:
    names = taken.ablation.names
    for each in every:
        for one, other in [*((name, name) for name in names), *combinations(names, 2)]:
            kind: Kind = "main" if one == other else "interaction"
            found = each.get(kind, one) if one == other else each.get(kind, one, other)
            value = shown(found)
            yield interactions.Cell(
                metric=titled(each.metric),
                one=one,
                other=other,
                mean=value.mean,
                low=value.low,
                high=value.high,
                supported=found is not None and found.supported,
            )


def ranges(taken: AblationResults, every: Sequence[Of]) -> Iterator[order_ranges.Apparent]:
    for each in every:
        alone = {step.factors[0]: step.printed for step in each.steps if len(step.factors) == 1 and not step.off}
        for name, found in each.apparent.items():
            yield order_ranges.Apparent(
                factor=lettered(taken, name),
                metric=titled(each.metric),
                low=found.low,
                median=found.median,
                high=found.high,
                shapley=shown(each.get("shapley", name)),
                stated=found.stated,
                printed=alone.get(name),
                n=len(each.scores.seeds) if each.scores else 0,
            )


def levels(taken: AblationResults, every: Sequence[Of]) -> Iterator[waterfall.Level]:
    """Where the way is after each factor."""
    told = taken.ablation
    stops = {stop.on: stop for stop in told.stops}
    for each in every:
        for count in range(len(told.names) + 1):
            on = frozenset(told.names[:count])
            stop = stops.get(on)
            yield waterfall.Level(
                metric=titled(each.metric),
                name=lettered(taken, told.names[count - 1]) if count else told.against.name,
                score=score(each, on),
                printed=stop.row.printed.get(each.metric) if stop and stop.row.split == told.row.split else None,
                off=bool(stop and stop.off),
                n=len(each.scores.seeds) if each.scores else 0,
            )


def score(of: Of, on: Run) -> Estimate:
    """Of a combination over seeds."""
    assert of.scores is not None
    if on not in of.scores.runs:
        return Estimate(None)
    mean, half = mean_interval(of.scores.by_seed[of.scores.runs.index(on)].tolist())
    return Estimate(mean) if half is None else Estimate(mean, mean - half, mean + half)
