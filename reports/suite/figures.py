"""A section's figures: what each shows, taken from the evidence."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from model.metrics import pearson
from model.task import TASKS
from reports.document.blocks import Picture
from reports.figures import confusion, forest, generalization_gap, learning_curves, pareto, printed_vs_ours, scatter
from reports.figures.estimates import Band, Estimate
from reports.figures.gradient_conflict import Conflict, conflict
from reports.figures.save import save
from reports.results import OVERALL, Runs
from reports.statistics import mean_interval
from reports.suite.analysis import Section
from reports.suite.effects import metrics
from reports.suite_table.model import Entry

CLASSES = {2: ("no", "yes")}
CONFLICT, COSINE = "health/conflict", "health/cosine/"


class Drawn(NamedTuple):
    """A figure with its file's name and its caption."""

    name: str
    figure: Figure
    caption: str


def pictures(told: Section, folder: Path) -> list[Picture]:
    """Draw and write the section's figures into the folder."""
    made = []
    for name, figure, caption in drawn(told):
        save(figure, folder, name)
        width, height = figure.get_size_inches()
        made.append(Picture(name=name, caption=caption, width=float(width), height=float(height)))
    return made


def drawn(told: Section) -> Iterator[Drawn]:
    held = [each for each in told.setup.suite(told.suite).values() if each.done]
    if not held:
        return
    if any(each.found.estimate or each.found.alike for each in told.effects):
        made = forest.forest(effects(told))
        caption = "What each row changes against the row it stands on, with its interval over seeds and items."
        yield from numbered(told, "effects", made, caption)
    if any(cell.printed is not None and not cell.ours.word for cell in beside(told)):
        caption = "Ours against the printed figures: on the diagonal they agree."
        yield from numbered(told, "printed", printed_vs_ours.printed(beside(told), taus(told)), caption)
    points = [name for name in told.suite.columns if name != OVERALL][:2]
    if len(points) == 2 and any(row.values(points[0]) and row.values(points[1]) for row in held):
        x, y = points
        trade = pareto.pareto([point(told, each, x, y) for each in held], title(told, x), title(told, y))
        yield Drawn(
            f"{told.name}-pareto", trade, f"Who gains in {title(told, x)} and at what price in {title(told, y)}."
        )
    yield from numbered(
        told, "gap", generalization_gap.gap(gaps(told)), "How far training runs ahead of dev at the reported epoch."
    )
    yield from learning(told, held)
    yield from best_row(told, held)


def numbered(told: Section, kind: str, made: Sequence[Figure], caption: str) -> Iterator[Drawn]:
    """Figures of one kind, with their number where there are several."""
    for number, figure in enumerate(made, 1):
        several = len(made) > 1
        yield Drawn(
            f"{told.name}-{kind}" + (f"-{number}" if several else ""),
            figure,
            caption + (f" ({number} of {len(made)})" if several else ""),
        )


def title(told: Section, metric: str) -> str:
    return next((column.title for column in told.table.columns if column.key == metric), metric)


def effects(told: Section) -> list[forest.Effect]:
    made = []
    for each in told.effects:
        estimate = each.found.estimate
        undefined = estimate is None and "Pearson" in each.found.reason
        alike = each.found.alike
        if estimate is None and alike is None and not undefined:  # the table says why
            continue
        several = estimate is not None and estimate.seeds > 1
        made.append(
            forest.Effect(
                row=each.row.name,
                metric=title(told, each.metric),
                mean=estimate.mean if estimate else alike.mean if alike else math.nan,
                low=estimate.low if estimate and several else None,
                high=estimate.high if estimate and several else None,
                n=len(each.found.seeds),
                supported=each.supported,
                printed=each.printed,
                confounded=bool(each.confounded),
            )
        )
    return made


def entries(told: Section) -> Iterator[tuple[str, str, Entry]]:
    """(row, metric, entry) of the table's lines."""
    for line in told.table.lines:
        for column, entry in zip(told.table.columns, line.entries, strict=True):
            yield line.name, column.key, entry


def ours(entry: Entry) -> Estimate:
    if entry.mean is None:
        return Estimate(float("nan") if entry.state == "undefined" else None)
    return Estimate(entry.mean, *(entry.ends or (None, None)))


def beside(told: Section) -> list[printed_vs_ours.Printed]:
    return [
        printed_vs_ours.Printed(row=row, metric=title(told, metric), printed=entry.printed, ours=ours(entry))
        for row, metric, entry in entries(told)
    ]


def taus(told: Section) -> dict[str, printed_vs_ours.Tau]:
    return {
        title(told, each.metric): printed_vs_ours.Tau(
            value=each.tau,
            low=each.low if each.low == each.low else None,
            high=each.high if each.high == each.high else None,
        )
        for each in told.agreements
    }


def estimate(values: Sequence[float]) -> Estimate:
    if not values:
        return Estimate(None)
    mean, half = mean_interval(values)
    return Estimate(mean) if half is None else Estimate(mean, mean - half, mean + half)


def point(told: Section, row: Runs, x: str, y: str) -> pareto.Point:
    return pareto.Point(
        row=row.row.name, x=estimate(list(row.values(x).values())), y=estimate(list(row.values(y).values()))
    )


def gaps(told: Section) -> list[generalization_gap.Gap]:
    made = []
    for row in told.setup.suite(told.suite).values():
        for metric in told.suite.columns:
            train = [seed.train[metric] for seed in row.done if math.isfinite(seed.train.get(metric, math.nan))]
            score = list(row.values(metric).values())
            if row.row.split == "dev" and train:
                made.append(
                    generalization_gap.Gap(
                        row=row.row.name,
                        metric=title(told, metric),
                        train=estimate(train),
                        dev=estimate(score),
                        n=len(score),
                    )
                )
    return made


def learning(told: Section, held: Sequence[Runs]) -> Iterator[Drawn]:
    """Learning curves and gradient conflict: each run's history is read once."""
    wanted = [OVERALL] if OVERALL in metrics(told.suite) else [name for name in told.suite.columns if name != OVERALL]
    names = [f"{split}/{metric}" for metric in wanted for split in ("dev", "train")]
    signals = {f"health/{name}" for row in held for seed in row.done for name in seed.health}
    cosines = sorted(name for name in signals if name.startswith(COSINE))
    names += [*sorted(signals & {CONFLICT}), *cosines]
    history = {
        row.row.name: {seed.seed: row.reader.curves(seed.run, names) for seed in row.done}
        for row in held
        if row.row.split == "dev"
    }
    by_name = {row.row.name: row for row in held}
    for metric in wanted:
        lines = [
            learning_curves.Curve(
                row=name,
                dev=band(seeds, [f"dev/{metric}"]),
                train=band(seeds, [f"train/{metric}"]),
                selected=tuple(sorted({float(seed.epoch) for seed in by_name[name].done})),
                n=len(seeds),
            )
            for name, seeds in history.items()
        ]
        caption = f"Learning curves: {title(told, metric)}, mean of the seeds, and their range."
        base = next((row.name for row in told.suite.rows if row.on is None and row.name in history), "")
        yield from numbered(told, f"curves-{metric}", learning_curves.curves(title(told, metric), lines, base), caption)
    told_of = [
        Conflict(row=name, share=band(seeds, [CONFLICT]), cosine=band(seeds, cosines), n=len(seeds))
        for name, seeds in history.items()
        if any({CONFLICT, *cosines} & set(found) for found in seeds.values())
    ]
    yield from numbered(told, "conflict", conflict(told_of) or [], "Gradient conflict between the tasks over training.")


def band(seeds: Mapping[int, Mapping[str, Mapping[int, float]]], names: Sequence[str]) -> Band | None:
    """The mean and the range over seeds at the epochs that all of them have, of the metrics' mean."""
    held = [mean_of([found[name] for name in names if name in found]) for found in seeds.values()]
    held = [found for found in held if found]
    if not held:
        return None
    epochs = sorted(set.intersection(*(set(found) for found in held)))
    values = [[found[epoch] for found in held] for epoch in epochs]
    middle = tuple(statistics.fmean(each) for each in values)
    several = len(held) > 1
    return Band(
        tuple(map(float, epochs)),
        middle,
        tuple(map(min, values)) if several else None,
        tuple(map(max, values)) if several else None,
    )


def mean_of(curves: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """By epoch, where all of them have it."""
    epochs = set.intersection(*(set(each) for each in curves)) if curves else set()
    return {epoch: statistics.fmean(each[epoch] for each in curves) for epoch in epochs}


def best_row(told: Section, held: Sequence[Runs]) -> Iterator[Drawn]:
    """What the row with the highest mean answered, on its first seed: a confusion matrix or a scatter a task."""
    ranked = metrics(told.suite)[-1]
    scored = [row for row in held if row.row.split == "dev" and row.values(ranked)]
    if not scored:
        return
    top = max(scored, key=lambda row: statistics.fmean(row.values(ranked).values()))
    seed = top.done[0]
    answers = top.reader.answers(seed.run)
    for task in TASKS.values():
        own = answers.get(("dev", task.name))
        if task.metric_name not in told.suite.columns or own is None:
            continue
        gold, given = own.labels, own.answers
        name = f"{told.name}-answers-{task.name}"
        which = f"{top.row.name}, seed {seed.seed}: the row with the highest {title(told, ranked)}."
        if task.classes:
            counts = np.zeros((task.classes, task.classes), dtype=int)
            np.add.at(counts, (gold.astype(int), given.astype(int)), 1)
            matrix = confusion.Confusion(
                row=top.row.name,
                task=task.title,
                classes=CLASSES.get(task.classes, tuple(map(str, range(task.classes)))),
                counts=tuple(tuple(map(int, line)) for line in counts),
            )
            yield Drawn(name, confusion.confusion(matrix), f"Answers of {which}")
        else:
            r = pearson(given, gold)
            pairs = scatter.Pairs(row=top.row.name, gold=tuple(gold), predicted=tuple(given), r=r)
            yield Drawn(name, scatter.scatter(pairs), f"{task.title}: predicted against gold, {which}")
