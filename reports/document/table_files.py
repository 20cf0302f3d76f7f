"""A report's grids as files: CSV to compute with, Markdown to read, LaTeX for a paper."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

from reports.document.blocks import Cell, Grid
from reports.document.latex import latex
from reports.document.text import plain

FORMULA = ("=", "+", "-", "@")
MARKDOWN = re.compile(r"([\\`*<>|~&#]|(?<![^\W_])_|_(?![^\W_])|!(?=\[)|(?<=\])[(:]|(?<=\[)\^)")
OPENING = re.compile(r"^([+=-]|\d+(?=[.)]))")


def tables(block: Grid) -> dict[str, str]:
    """The grid by file name."""
    files = {f"{block.name}.md": markdown(block), f"{block.name}.tex": latex(block)}
    return files | {f"{block.name}.csv": comma_separated(block)}


def comma_separated(block: Grid) -> str:
    """Its records; where it has none, its cells as they are shown. Text that a spreadsheet would take for a formula
    gets an apostrophe before it; numbers stay numbers."""
    stream = io.StringIO()
    lines = csv.writer(stream, lineterminator="\n")
    if block.records:
        names = list(block.records[0])
        lines.writerow(map(safe, names))
        lines.writerows([safe(record[name]) for name in names] for record in block.records)
    else:
        lines.writerow(map(safe, names_of(block)))
        lines.writerows([safe(cell.text) for cell in row] for row in block.body)
    return stream.getvalue()


def safe(value: Any) -> Any:
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.startswith(FORMULA) and not number(text) else text


def number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text


def expand_spans(cells: Sequence[Cell]) -> list[str]:
    """A line of the head with one text a column."""
    return [cell.text for cell in cells for _ in range(cell.span)]


def names_of(block: Grid) -> list[str]:
    """One name a column, with the name of its group where a head of several lines has one."""
    *over, last = map(expand_spans, block.head)
    return [" ".join(filter(None, (*(line[at] for line in over), name))) for at, name in enumerate(last)]


def markdown(block: Grid) -> str:
    rows = [list(map(escape, names_of(block))), *([format_cell(cell) for cell in row] for row in block.body)]
    widths = column_widths(rows)
    sides = [str.ljust if at in block.left else str.rjust for at in range(len(widths))]
    lines = aligned_rows(rows, sides)
    rule = [
        f" {'-' * width} " if side is str.ljust else f" {'-' * (width - 1)}: "
        for side, width in zip(sides, widths, strict=True)
    ]
    lines.insert(1, f"|{'|'.join(rule)}|")
    notes = [f"- {escape_opening(note)}" for note in block.notes]
    return "\n".join([f"### {escape(block.caption)}", "", *lines, "", *notes]).rstrip() + "\n"


def column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """The longest text of each column of a Markdown table, at least three characters."""
    return [max(3, *map(len, column)) for column in zip(*rows, strict=True)]


def aligned_rows(rows: Sequence[Sequence[str]], sides: Sequence[Callable[[str, int], str]]) -> list[str]:
    """Lines of a Markdown table, with its columns aligned in the source too."""
    widths = column_widths(rows)
    return [
        "| " + " | ".join(side(text, width) for side, text, width in zip(sides, row, widths, strict=True)) + " |"
        for row in rows
    ]


def escape(text: str) -> str:
    """Text that Markdown shows as it is, inside a line."""
    return MARKDOWN.sub(r"\\\1", plain(text).strip(" "))


def escape_opening(text: str) -> str:
    """The same at the begin of a line."""
    return OPENING.sub(lambda match: f"\\{match[0]}" if not match[0].isdigit() else f"{match[0]}\\", escape(text))


def format_cell(cell: Cell) -> str:
    text = escape(cell.text)
    below = f" ({escape(cell.below)})" if cell.below else ""
    return f"**{text}**{below}" if cell.strong and text else f"{text}{below}"
