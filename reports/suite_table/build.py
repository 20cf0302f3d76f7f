"""A suite's table as data: printed beside ours, with everything that is missing still in its place."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Container, Mapping, Sequence

import pandas

from experiments.suite import Formula, Row, Suite, overall
from model.heads.constant import AlwaysAnswer, RandomAnswer
from model.task import of_metric
from reports.statistics import mean_interval
from reports.suite_table.baselines import MAJORITY, Reference
from reports.suite_table.by_seed import Measured, cell_counts, measured
from reports.suite_table.footnotes import confounding, footnotes
from reports.suite_table.model import Column, Entry, Header, Line, Table
from reports.suite_table.symbols import Mark, State, parse_state

__all__ = ["Header", "Table", "build"]

OVERALL = "overall"
FORMULAS: dict[Formula, str] = {
    "plain": "plain = (sst + quora + sts) / 3",
    "normalised": "normalised = (sst + quora + (sts + 1) / 2) / 3",
    "none": "none printed",
}


def build(
    suite: Suite,
    results: pandas.DataFrame,
    states: Mapping[tuple[str, str], str],
    references: Sequence[Reference],
    header: Header,
    rows: Container[str] | None = None,
) -> Table:
    """The table of one suite.

    Args:
        suite: rows, columns, printed numbers and formula; rows keep its order.
        results: one record per suite, row, seed, split and metric at the row's selected epoch, with the columns of
            ``reports.suite_table.by_seed.COLUMNS`` and, where known, a bool ``constant`` (one answer for every item).
        states: for (suite, row) without results, a state of ``reports.suite_table.symbols``, with a reason
            after a colon.
        references: lines of the data's splits; those of a split that no row uses are left out.
        header: what the results were made with.
        rows: names of the rows to show; None shows all.

    Raises:
        ValueError: a result column is missing, a state is unknown, or a seed of a row has two cells.
    """
    by_row = measured(suite.slug, results)
    columns = _columns(suite)
    majority = {line.split: line.values for line in references if line.name == MAJORITY}
    lines: list[Line] = []
    reasons: dict[tuple[State, str], list[str]] = {}
    shown = [row for row in suite.rows if rows is None or row.name in rows]
    for row in shown:
        measurements = by_row.get(row.name, Measured())
        state, reason = _state(row, measurements, states.get((suite.slug, row.name)))
        if reason:
            reasons.setdefault((state, reason), []).append(row.name)
        lines.append(_line(suite, row, measurements, columns, state, majority.get(row.split, {})))
    used = {line.split for line in lines}
    return Table(
        suite=suite.slug,
        title=suite.title,
        header=header,
        facts=_facts(suite, header, results),
        columns=columns,
        lines=tuple(lines),
        references=tuple(_with_overall(suite, line) for line in references if line.split in used),
        footnotes=tuple(footnotes(shown, lines, reasons, by_row, header)),
    )


def _columns(suite: Suite) -> tuple[Column, ...]:
    keys = [key for key in suite.columns if key != OVERALL]
    if suite.formula != "none" or any(OVERALL in row.printed for row in suite.rows):
        keys.append(OVERALL)
    return tuple(_column(key) for key in keys)


def _column(key: str) -> Column:
    task = of_metric(key)
    if task is None:
        return Column(key, key)
    return Column(key, task.short, {"accuracy": "accuracy", "pearson": "Pearson r"}[task.metric])


def _state(row: Row, measurements: Measured, declared: str | None) -> tuple[State, str]:
    """What the row is, where nothing was measured on its split."""
    if measurements.scores.get(row.split):
        return "done", ""
    if row.split == "test" and any(measurements.scores.values()):
        return "no test labels", ""
    if declared is not None:
        return parse_state(declared)
    if measurements.running:
        return "running", ""
    if measurements.failures:
        return "failed", next((why for why in measurements.failures.values() if why), "")
    return "not run", ""


def _line(
    suite: Suite,
    row: Row,
    measurements: Measured,
    columns: tuple[Column, ...],
    state: State,
    majority: Mapping[str, float | None],
) -> Line:
    axes = confounding(suite, row)
    marks: list[Mark] = []
    if row.origin == "ours" and suite.origin != "ours":
        marks.append("ours")
    if axes:
        marks.append("confounded")
    entries = [_entry(suite, row, measurements, column, state, majority.get(column.key)) for column in columns]
    if row.printed_words and row.printed.get(columns[-1].key) is None:
        entries[-1] = dataclasses.replace(entries[-1], words=row.printed_words)
    return Line(
        name=row.name,
        title=row.title,
        split=row.split,
        origin=row.origin,
        state=state,
        n=len(measurements.seeds(row.split)),
        failed=len(measurements.failures),
        axes=axes,
        marks=tuple(marks),
        entries=tuple(entries),
    )


def _entry(
    suite: Suite, row: Row, measurements: Measured, column: Column, state: State, majority: float | None
) -> Entry:
    printed = row.printed.get(column.key)
    values = _values(suite.formula, measurements, row.split, column.key)
    finite = [value for value in values if math.isfinite(value)]
    if state == "done" and not finite:
        unlabelled = row.split == "test" and _values(suite.formula, measurements, "train", column.key)
        state = "undefined" if values else "no test labels" if unlabelled else "not measured"
    untrained = _untrained(suite, row, column.key)
    if state != "done":
        return Entry(printed=printed, state=state, marks=("untrained",) if state == "undefined" and untrained else ())
    mean, half = mean_interval(finite)
    train = [value for value in _values(suite.formula, measurements, "train", column.key) if math.isfinite(value)]
    marks: dict[Mark, bool] = {
        "single-seed": len(finite) == 1,
        "alike": half is None and len(finite) > 1,
        "fewer-seeds": len(finite) < len(measurements.seeds(row.split)),
        "not-above-majority": majority is not None and mean <= majority + 1e-9,
        "collapsed": (row.split, column.key) in measurements.constant,
        "untrained": untrained,
    }
    return Entry(
        printed=printed,
        mean=mean,
        half=half,
        n=len(finite),
        train=mean_interval(train)[0] if train else None,
        marks=tuple(mark for mark, holds in marks.items() if holds),
    )


def _values(formula: Formula, measurements: Measured, split: str, key: str) -> list[float]:
    """A metric by seed; the overall score is computed for each seed from that seed's metrics."""
    if key != OVERALL:
        return measurements.values(split, key)
    scores = measurements.scores.get(split, {})
    values = (overall(formula, scores[seed]) for seed in sorted(scores))
    return [value for value in values if value is not None]


def _untrained(suite: Suite, row: Row, key: str) -> bool:
    """Whether the row's recipe never trains the head behind this metric. A fixed answer has nothing to train."""
    recipe = suite.recipe(row)
    task_of_key = of_metric(key)
    if task_of_key is None or (task := task_of_key.name) in recipe.schedule.tasks():
        return False
    return not any(
        branch.key == task and isinstance(branch.head, AlwaysAnswer | RandomAnswer) for branch in recipe.branches
    )


def _with_overall(suite: Suite, line: Reference) -> Reference:
    """The reference line with its overall score, where all three tasks have one."""
    values = {key: value for key, value in line.values.items() if key in suite.columns}
    defined = {key: value for key, value in values.items() if value is not None}
    total = overall(suite.formula, defined)
    return dataclasses.replace(line, values=values if total is None else {**values, OVERALL: total})


def _facts(suite: Suite, header: Header, results: pandas.DataFrame) -> tuple[tuple[str, str], ...]:
    done, failed = cell_counts(suite.slug, results)
    cells = f"{done} done" if header.cells is None else f"{done} of {header.cells} done"
    cells += f", {failed} failed" if failed else ""
    changed = (("every row with", header.variant),) if header.variant else ()
    return (
        ("suite", suite.slug),
        *changed,
        ("profile", f"{header.profile}: {header.caveat}" if header.caveat else header.profile),
        ("data", f"{header.data}, fingerprint {header.fingerprint}"),
        ("encoder", header.encoder),
        ("overall", FORMULAS[suite.formula]),
        ("seeds", ", ".join(map(str, header.seeds))),
        ("cells", cells),
    )
