"""The sentences under a table: why a row is missing, what a confounded row changes, what the data repeats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from experiments.suite import Row, Suite, axes_changed
from model.task import TASKS
from reports.suite_table.by_seed import Measured
from reports.suite_table.labels import format_printed
from reports.suite_table.model import Header, Line
from reports.suite_table.symbols import SIGNS, State


def confounding(suite: Suite, row: Row) -> tuple[str, ...]:
    """The axes on which a row differs from the row it stands on, if these are several or include the data size;
    else none. Split and selection count as axes."""
    base = None if row.on is None else suite.row(row.on)
    axes = list(axes_changed(suite.recipe(base) if base else suite.base, suite.recipe(row)))
    if base and base.split != row.split:
        axes.append("split")
    if suite.selection_of(row) != (suite.selection_of(base) if base else suite.selection):
        axes.append("selection")
    return tuple(axes) if len(axes) > 1 or "data" in axes else ()


def footnotes(
    rows: Sequence[Row],
    lines: Sequence[Line],
    reasons: Mapping[tuple[State, str], Sequence[str]],
    by_row: Mapping[str, Measured],
    header: Header,
) -> Iterator[str]:
    """Each one sentence or list, about these rows and their lines. ``reasons`` maps a missing row's state and reason to
    the names it holds for."""
    for (state, reason), names in reasons.items():
        yield f"{', '.join(names)} {state}: {reason}"
    for line in lines:
        failures = by_row[line.name].failures if line.name in by_row else {}
        if line.state == "done" and failures:
            yield f"{line.name}: " + "; ".join(_failure(seed, why) for seed, why in failures.items())
    by_axes: dict[tuple[str, ...], list[str]] = {}
    for line in lines:
        by_axes.setdefault(line.axes, []).append(line.name)
    confounded = [f"{' + '.join(axes)}: {', '.join(same)}" for axes, same in by_axes.items() if axes]
    if confounded:
        yield f"{SIGNS['confounded'][0]} {'; '.join(confounded)}"
    for row, line in zip(rows, lines, strict=True):
        if row.printed_words and format_printed(line.entries[-1]) != row.printed_words:
            yield f"{row.name}: the paper says \u201c{row.printed_words}\u201d"
    if any(header.duplicates.values()):
        counts = [f"{TASKS[task].short} {count:,}" for task, count in header.duplicates.items()]
        yield f"dev rows that also stand in train: {', '.join(counts)}"
    yield from header.notes


def _failure(seed: int, why: str) -> str:
    return f"seed {seed} failed" + (f" ({why})" if why else "")
