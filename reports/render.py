"""A table as Markdown to read and as CSV to compute with. ``reports.terminal`` draws it for a screen."""

from __future__ import annotations

import csv as comma_separated
import io
from collections.abc import Iterator, Sequence

from reports.document.plain import plain
from reports.marks import score
from reports.reference_lines import Reference
from reports.shape import Column, Line, Table
from reports.terminal import overview, terminal
from reports.words import count, label, legend, ours, printed, reference_label

__all__ = ["csv", "markdown", "overview", "terminal"]

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
    return [label(line), *(text for entry in line.entries for text in (printed(entry), ours(entry))), count(line)]


def _reference_row(table: Table, line: Reference) -> list[str]:
    cells = [score(line.values[column.key]) if column.key in line.values else "" for column in table.columns]
    return [f"*{reference_label(line)}*", *(text for cell in cells for text in ("", cell)), ""]


def _grid(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    rows = [[_escape(cell) for cell in row] for row in (header, *body)]
    widths = [max(3, *(len(row[at]) for row in rows)) for at in range(len(header))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


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
