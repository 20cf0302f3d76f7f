"""A section's figures: what each shows, taken from the evidence."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from model.metrics import pearson
from model.task import TASKS
from reports.document.blocks import Picture
from reports.figures import confusion, forest, generalization_gap, learning_curves, pareto, printed_vs_ours, scatter
from reports.figures.estimates import Band, Estimate
from reports.figures.gradient_conflict import Conflict, conflict
from reports.named_figures import NamedFigure, number_figures, save_figures
from reports.results import OVERALL, Runs
from reports.statistics import mean_interval
from reports.suite.analysis import Section
from reports.suite.effects import metrics
from reports.suite_table.model import Entry

CLASSES = {2: ("no", "yes")}
CONFLICT, COSINE = "health/conflict", "health/cosine/"


def pictures(section: Section, folder: Path) -> list[Picture]:
    """Draw and write the section's figures into the folder."""
    return save_figures(draw_figures(section), folder)


def draw_figures(section: Section) -> Iterator[NamedFigure]:
    rows = [each for each in section.setup.suite(section.suite).values() if each.done]
    if not rows:
        return
    if any(each.comparison.estimate or each.comparison.alike for each in section.effects):
        figures = forest.forest(effects(section))
        caption = "What each row changes against the row it stands on, with its interval over seeds and items."
        yield from number_figures(f"{section.name}-effects", figures, caption)
    if any(cell.printed is not None and not cell.ours.word for cell in printed_beside_ours(section)):
        caption = "Ours against the printed figures: on the diagonal they agree."
        yield from number_figures(
            f"{section.name}-printed", printed_vs_ours.printed(printed_beside_ours(section), taus(section)), caption
        )
    points = [name for name in section.suite.columns if name != OVERALL][:2]
    if len(points) == 2 and any(row.values(points[0]) and row.values(points[1]) for row in rows):
        x, y = points
        trade = pareto.pareto([point(section, each, x, y) for each in rows], title(section, x), title(section, y))
        yield NamedFigure(
            f"{section.name}-pareto",
            trade,
            f"Who gains in {title(section, x)} and at what price in {title(section, y)}.",
        )
    yield from number_figures(
        f"{section.name}-gap",
        generalization_gap.gap(gaps(section)),
        "How far training runs ahead of dev at the reported epoch.",
    )
    yield from learning(section, rows)
    yield from best_row(section, rows)


def title(section: Section, metric: str) -> str:
    return next((column.title for column in section.table.columns if column.key == metric), metric)


def effects(section: Section) -> list[forest.Effect]:
    drawn_effects = []
    for each in section.effects:
        estimate = each.comparison.estimate
        undefined = estimate is None and "Pearson" in each.comparison.reason
        alike = each.comparison.alike
        if estimate is None and alike is None and not undefined:  # the table says why
            continue
        several = estimate is not None and estimate.seeds > 1
        drawn_effects.append(
            forest.Effect(
                row=each.row.name,
                metric=title(section, each.metric),
                mean=estimate.mean if estimate else alike.mean if alike else math.nan,
                low=estimate.low if estimate and several else None,
                high=estimate.high if estimate and several else None,
                n=len(each.comparison.seeds),
                supported=each.supported,
                printed=each.printed,
                confounded=bool(each.confounded),
            )
        )
    return drawn_effects


def entries(section: Section) -> Iterator[tuple[str, str, Entry]]:
    """(row, metric, entry) of the table's lines."""
    for line in section.table.lines:
        for column, entry in zip(section.table.columns, line.entries, strict=True):
            yield line.name, column.key, entry


def ours(entry: Entry) -> Estimate:
    if entry.mean is None:
        return Estimate(float("nan") if entry.state == "undefined" else None)
    return Estimate(entry.mean, *(entry.ends or (None, None)))


def printed_beside_ours(section: Section) -> list[printed_vs_ours.Printed]:
    return [
        printed_vs_ours.Printed(row=row, metric=title(section, metric), printed=entry.printed, ours=ours(entry))
        for row, metric, entry in entries(section)
    ]


def taus(section: Section) -> dict[str, printed_vs_ours.Tau]:
    return {
        title(section, each.metric): printed_vs_ours.Tau(
            value=each.tau,
            low=each.low if each.low == each.low else None,
            high=each.high if each.high == each.high else None,
        )
        for each in section.agreements
    }


def estimate(values: Sequence[float]) -> Estimate:
    if not values:
        return Estimate(None)
    mean, half = mean_interval(values)
    return Estimate(mean) if half is None else Estimate(mean, mean - half, mean + half)


def point(section: Section, row: Runs, x: str, y: str) -> pareto.Point:
    return pareto.Point(
        row=row.row.name, x=estimate(list(row.values(x).values())), y=estimate(list(row.values(y).values()))
    )


def gaps(section: Section) -> list[generalization_gap.Gap]:
    drawn_gaps = []
    for row in section.setup.suite(section.suite).values():
        for metric in section.suite.columns:
            train = [seed.train[metric] for seed in row.done if math.isfinite(seed.train.get(metric, math.nan))]
            score = list(row.values(metric).values())
            if row.row.split == "dev" and train:
                drawn_gaps.append(
                    generalization_gap.Gap(
                        row=row.row.name,
                        metric=title(section, metric),
                        train=estimate(train),
                        dev=estimate(score),
                        n=len(score),
                    )
                )
    return drawn_gaps


def learning(section: Section, rows: Sequence[Runs]) -> Iterator[NamedFigure]:
    """Learning curves and gradient conflict: each run's history is read once."""
    wanted = (
        [OVERALL] if OVERALL in metrics(section.suite) else [name for name in section.suite.columns if name != OVERALL]
    )
    names = [f"{split}/{metric}" for metric in wanted for split in ("dev", "train")]
    signals = {f"health/{name}" for row in rows for seed in row.done for name in seed.health}
    cosines = sorted(name for name in signals if name.startswith(COSINE))
    names += [*sorted(signals & {CONFLICT}), *cosines]
    history = {
        row.row.name: {seed.seed: row.reader.curves(seed.run, names) for seed in row.done}
        for row in rows
        if row.row.split == "dev"
    }
    by_name = {row.row.name: row for row in rows}
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
        caption = f"Learning curves: {title(section, metric)}, mean of the seeds, and their range."
        base = next((row.name for row in section.suite.rows if row.on is None and row.name in history), "")
        yield from number_figures(
            f"{section.name}-curves-{metric}", learning_curves.curves(title(section, metric), lines, base), caption
        )
    conflicts = [
        Conflict(row=name, share=band(seeds, [CONFLICT]), cosine=band(seeds, cosines), n=len(seeds))
        for name, seeds in history.items()
        if any({CONFLICT, *cosines} & set(curves) for curves in seeds.values())
    ]
    yield from number_figures(
        f"{section.name}-conflict", conflict(conflicts) or [], "Gradient conflict between the tasks over training."
    )


def band(seeds: Mapping[int, Mapping[str, Mapping[int, float]]], names: Sequence[str]) -> Band | None:
    """The mean and the range over seeds at the epochs that all of them have, of the metrics' mean."""
    curves = [mean_of([by_epoch[name] for name in names if name in by_epoch]) for by_epoch in seeds.values()]
    curves = [by_epoch for by_epoch in curves if by_epoch]
    if not curves:
        return None
    epochs = sorted(set.intersection(*(set(by_epoch) for by_epoch in curves)))
    values = [[by_epoch[epoch] for by_epoch in curves] for epoch in epochs]
    middle = tuple(statistics.fmean(each) for each in values)
    several = len(curves) > 1
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


def best_row(section: Section, rows: Sequence[Runs]) -> Iterator[NamedFigure]:
    """What the row with the highest mean answered, on its first seed: a confusion matrix or a scatter a task."""
    ranked = metrics(section.suite)[-1]
    scored = [row for row in rows if row.row.split == "dev" and row.values(ranked)]
    if not scored:
        return
    top = max(scored, key=lambda row: statistics.fmean(row.values(ranked).values()))
    seed = top.done[0]
    answers = top.reader.answers(seed.run)
    for task in TASKS.values():
        own = answers.get(("dev", task.name))
        if task.metric_name not in section.suite.columns or own is None:
            continue
        gold, predicted = own.labels, own.answers
        name = f"{section.name}-answers-{task.name}"
        which = f"{top.row.name}, seed {seed.seed}: the row with the highest {title(section, ranked)}."
        if task.classes:
            counts = np.zeros((task.classes, task.classes), dtype=int)
            np.add.at(counts, (gold.astype(int), predicted.astype(int)), 1)
            matrix = confusion.Confusion(
                row=top.row.name,
                task=task.title,
                classes=CLASSES.get(task.classes, tuple(map(str, range(task.classes)))),
                counts=tuple(tuple(map(int, line)) for line in counts),
            )
            yield NamedFigure(name, confusion.confusion(matrix), f"Answers of {which}")
        else:
            r = pearson(predicted, gold)
            pairs = scatter.Pairs(row=top.row.name, gold=tuple(gold), predicted=tuple(predicted), r=r)
            yield NamedFigure(name, scatter.scatter(pairs), f"{task.title}: predicted against gold, {which}")
