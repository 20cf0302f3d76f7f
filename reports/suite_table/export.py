"""A table as Markdown to read and as CSV to compute with. ``reports.suite_table.terminal`` draws it for a screen."""

from __future__ import annotations

import csv as comma_separated
import io
from collections.abc import Iterator, Sequence

from reports.document.table_files import aligned_rows, column_widths
from reports.document.text import plain
from reports.suite_table.baselines import Reference
from reports.suite_table.labels import format_count, format_ours, format_printed, label, legend, reference_label
from reports.suite_table.model import Column, Line, Table
from reports.suite_table.symbols import format_score
from reports.suite_table.terminal import terminal

__all__ = ["csv", "markdown", "terminal"]

CSV_COLUMNS = (
    *("suite", "row", "title", "origin", "split", "metric", "printed", "printed_words"),
    *("mean", "low", "high", "n", "train", "state", "marks", "confounded_axes"),
    *("profile", "data", "fingerprint", "encoder"),
)


def markdown(table: Table) -> str:
    """The table as a Markdown section, columns aligned in the source too."""
    facts = [f"- {name}: {_escape(value)}" for name, value in table.facts]
    header = ["row", *(text for column in table.columns for text in _headings(column)), "n"]
    body = [_row(line) for line in table.lines]
    body += [_reference_row(table, line) for line in table.references]
    notes = [f"- `{sign}` {_escape(meaning)}" for sign, meaning in legend(table)]
    notes += [f"- {_escape(note)}" for note in table.footnotes]
    blocks = [[f"## {table.title}"], facts, _grid(header, body), notes]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _headings(column: Column) -> tuple[str, str]:
    return f"{column.short} printed", f"{column.short} ours"


def _row(line: Line) -> list[str]:
    return [
        label(line),
        *(text for entry in line.entries for text in (format_printed(entry), format_ours(entry))),
        format_count(line),
    ]


def _reference_row(table: Table, line: Reference) -> list[str]:
    cells = [format_score(line.values[column.key]) if column.key in line.values else "" for column in table.columns]
    return [f"*{reference_label(line)}*", *(text for cell in cells for text in ("", cell)), ""]


def _grid(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    rows = [[_escape(cell) for cell in row] for row in (header, *body)]
    head, *lines = aligned_rows(rows, [str.ljust for _ in header])
    return [head, "|" + "|".join("-" * (width + 2) for width in column_widths(rows)) + "|", *lines]


def _escape(text: str) -> str:
    return plain(text).replace("|", "\\|").replace("\N{NO-BREAK SPACE}", " ")


def csv(table: Table) -> str:
    """One record per row and column, then the reference lines; figures unrounded, unknown ones empty. ``low`` and
    ``high`` are the ends of the 95% interval."""
    stream = io.StringIO()
    writer = comma_separated.DictWriter(stream, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    header = table.header
    shared = {
        "suite": table.suite,
        "profile": header.profile,
        "data": header.data,
        "fingerprint": header.fingerprint,
        "encoder": header.encoder,
    }
    for record in _records(table):
        writer.writerow(shared | record)
    return stream.getvalue()


def _records(table: Table) -> Iterator[dict[str, object]]:
    for line in table.lines:
        row = {"row": line.name, "title": line.title, "origin": line.origin, "split": line.split}
        for column, entry in zip(table.columns, line.entries, strict=True):
            low, high = entry.ends or (None, None)
            yield row | {
                "metric": column.key,
                "printed": entry.printed,
                "printed_words": entry.words,
                "mean": entry.mean,
                "low": low,
                "high": high,
                "n": entry.n,
                "train": entry.train,
                "state": entry.state,
                "marks": " ".join((*line.marks, *entry.marks)),
                "confounded_axes": " ".join(line.axes),
            }
    for reference in table.references:
        for key, value in reference.values.items():
            state = "undefined" if value is None else "done"
            row = {"row": reference.name, "origin": "reference", "split": reference.split}
            yield row | {"metric": key, "mean": value, "state": state}
