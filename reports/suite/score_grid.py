"""A suite's figures as a grid: printed beside ours."""

from __future__ import annotations

from typing import Any

from reports.document.blocks import Cell, Grid
from reports.figure_ids import figure_id
from reports.suite.analysis import Section
from reports.suite_table.baselines import Reference
from reports.suite_table.labels import format_count, format_ours, format_printed, label, legend, reference_label
from reports.suite_table.model import Line, Table
from reports.suite_table.symbols import format_score

BEST = "★"


def scores(section: Section) -> Grid:
    """Printed beside ours."""
    table = section.table
    head = (
        (Cell(""), *(Cell(column.title, span=2) for column in table.columns), Cell("")),
        (Cell("row"), *(Cell(text) for _ in table.columns for text in ("printed", "ours")), Cell("n")),
    )
    body = [row_cells(section, line) for line in table.lines]
    body += [reference_cells(table, line) for line in table.references]
    notes = [f"{sign} {meaning}" for sign, meaning in legend(table)]
    if section.best:
        notes.append(f"{BEST} higher than every other row of its split (paired, p < .05 after Holm)")
    notes.append("small print: the figure's name in harness explain")
    return Grid(
        name=f"{section.name}-scores",
        caption="Printed and ours: means over seeds and the half-width of their 95% intervals",
        head=head,
        body=tuple(body),
        widths=(2.7, *(width for _ in table.columns for width in (1.3, 1.85)), 0.45),
        left=(0, *range(2, 2 * len(table.columns) + 1, 2)),
        notes=tuple(notes),
        records=tuple(score_record(section, line, at) for line in table.lines for at in range(len(table.columns))),
    )


def score_record(section: Section, line: Line, at: int) -> dict[str, Any]:
    """One figure as data."""
    column, entry = section.table.columns[at], line.entries[at]
    row = section.setup.suite(section.suite).get(line.name)
    low, high = entry.ends or (None, None)
    return {
        "suite": section.suite.slug,
        "row": line.name,
        "split": line.split,
        "metric": column.key,
        "printed": entry.printed,
        "mean": entry.mean,
        "low": low,
        "high": high,
        "seeds": entry.n,
        "failed": line.failed,
        "state": entry.state,
        "marks": " ".join(entry.marks),
        "best": (line.name, column.key) in section.best,
        "name": figure_id(section.setup.name, row, column.key) if row is not None and entry.mean is not None else "",
        **section.setup.facts,
    }


def row_cells(section: Section, line: Line) -> tuple[Cell, ...]:
    row = section.setup.suite(section.suite).get(line.name)
    cells = [Cell(label(line), tone="muted" if line.state != "done" else "")]
    for column, entry in zip(section.table.columns, line.entries, strict=True):
        name = figure_id(section.setup.name, row, column.key) if row is not None and entry.mean is not None else ""
        top = (line.name, column.key) in section.best
        cells.append(Cell(format_printed(entry), value=entry.printed, tone="muted" if entry.printed is None else ""))
        cells.append(
            Cell(
                format_ours(entry) + (BEST if top else ""),
                below=name,
                strong=top,
                tone="muted" if entry.mean is None else "",
                value=entry.mean,
            )
        )
    return (*cells, Cell(format_count(line), value=line.n))


def reference_cells(table: Table, line: Reference) -> tuple[Cell, ...]:
    cells = [Cell(reference_label(line), tone="muted")]
    for column in table.columns:
        present = column.key in line.values
        cells += [Cell(""), Cell(format_score(line.values[column.key]) if present else "", tone="muted")]
    return (*cells, Cell(""))
