"""The body of a table on a screen, in the widest of three layouts that fits.

``wide`` puts printed and ours side by side, ``stacked`` puts ours under printed, ``narrow`` gives every figure a line.
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator

from rich.text import Text

from reports.number_format import format_number
from reports.suite_table.baselines import Reference
from reports.suite_table.labels import (
    NUMBER_WIDTH,
    format_count,
    format_half_width,
    format_ours,
    format_printed,
    label,
    reference_label,
    signs,
)
from reports.suite_table.model import Column, Entry, Table
from reports.suite_table.sparkline import PRINTED, Strip
from reports.suite_table.symbols import format_score

GAP = 2
NAME_LEAST = 16
STRIP_LEAST, STRIP_MOST = 20, 40
Piece = tuple[int, str, str]  # position, text, style


@dataclasses.dataclass(frozen=True)
class Block:
    """One column's widths: the printed figure, the mean before its interval, and the whole of ours."""

    column: Column
    at: int  # the column's place in a line's entries
    printed: int
    mean: int
    ours: int

    @property
    def side_by_side(self) -> int:
        return self.printed + 1 + self.ours

    @property
    def stacked(self) -> int:
        return max(self.printed, self.ours, len(self.column.subject), len(self.column.measure))


def blocks(table: Table) -> list[Block]:
    """The widths that the table's figures need."""
    widths = []
    for at, column in enumerate(table.columns):
        entries = [line.entries[at] for line in table.lines]
        floor = [format_score(line.values[column.key]) for line in table.references if column.key in line.values]
        numbers = [format_number(entry.mean) for entry in entries if entry.mean is not None]
        mean = max((len(text) for text in (*numbers, *floor)), default=4)
        width = max(len(text) for text in (*(format_ours(entry, mean) for entry in entries), *floor, "ours"))
        widths.append(Block(column, at, max(5, *(len(format_printed(entry)) for entry in entries)), mean, width))
    return widths


def paint(pieces: list[Piece], width: int) -> Text:
    """The pieces at their places in one line; a piece gives way to the next, and the last to the edge."""
    line = Text(no_wrap=True, overflow="crop")
    pieces = sorted((piece for piece in pieces if piece[1]), key=lambda piece: piece[0])
    ends = [*(piece[0] for piece in pieces[1:]), width]
    for (start, text, style), end in zip(pieces, ends, strict=True):
        line.append(" " * max(0, start - len(line)))
        line.append(text[: max(0, end - start)].replace("\N{NO-BREAK SPACE}", " "), style)
    line.rstrip()
    return line


def entry_pieces(x: int, entry: Entry, mean: int) -> list[Piece]:
    """Ours at ``x``: the mean stands out, words for what is missing stand back."""
    if entry.mean is None:
        return [(x, format_ours(entry, mean), "bold red" if entry.state == "failed" else "dim italic")]
    after, half = x + mean, format_half_width(entry)
    return [
        (x, format_number(entry.mean).rjust(mean), "bold"),
        (after, half, ""),
        (after + len(half), signs(entry.marks), "bold yellow"),
    ]


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """The text in lines of at most ``width``, all but the first indented; one empty line for no text."""
    return textwrap.wrap(text, max(width, 1), subsequent_indent=indent) or [""]


def body(table: Table, width: int) -> Iterator[Text]:
    """The lines between the table's heading and its legend."""
    widths = blocks(table)
    names = max(len(text) for text in (*map(label, table.lines), *map(reference_label, table.references)))
    counts = max(len(format_count(line)) for line in table.lines) + GAP
    room = width - counts - sum(GAP + block.side_by_side for block in widths)
    if room >= min(names, NAME_LEAST):
        yield from wide(table, widths, min(room, names), width)
        return
    room = width - counts - sum(GAP + block.stacked for block in widths)
    if room >= min(names, NAME_LEAST):
        yield from stacked(table, widths, min(room, max(names, *(2 + len(line.title) for line in table.lines))), counts)
        return
    yield from narrow(table, widths, width)


def wide(table: Table, widths: list[Block], names: int, width: int) -> Iterator[Text]:
    """Printed and ours side by side, and where the screen leaves room a drawing of the last column."""
    starts, x = [], names
    for block in widths:
        starts.append(x + GAP)
        x += GAP + block.side_by_side
    end = x + GAP + max(len(format_count(line)) for line in table.lines)
    strip = Strip.of(table, min(STRIP_MOST, width - end - GAP)) if width - end - GAP >= STRIP_LEAST else None
    total = end + GAP + strip.width if strip else end
    head: list[Piece] = [(0, "row", "dim"), (end - 1, "n", "dim")]
    roomy = all(len(block.column.title) + 4 <= block.side_by_side for block in widths)
    groups: list[Piece] = []
    for block, start in zip(widths, starts, strict=True):
        title = block.column.title if roomy else block.column.short
        groups.append((start, f" {title} ".center(block.side_by_side, "─"), "bold"))
        right = start + block.printed
        head += [(right - 7, "printed", "dim"), (right + 1 + block.mean - NUMBER_WIDTH, "ours", "dim")]
    if strip:
        groups.append((end + GAP, f" {strip.title} ".center(strip.width, "─"), "bold"))
        head.append((end + GAP, strip.scale(), "dim"))
    yield from (paint(groups, total), paint(head, total), Text("─" * total, "dim"))
    for line in table.lines:
        pieces: list[Piece] = [(end - len(format_count(line)), format_count(line), "")]
        for block, start, entry in zip(widths, starts, line.entries, strict=True):
            pieces.append((start + block.printed - len(format_printed(entry)), format_printed(entry), "cyan"))
            pieces += entry_pieces(start + block.printed + 1, entry, block.mean)
        if strip:
            pieces.append((end + GAP, strip.draw(line), "bold"))
        first, *rest = wrapped(label(line), names, "  ")
        painted = paint([(0, first, ""), *pieces], total)
        painted.highlight_words([PRINTED], "cyan")
        yield painted
        yield from (paint([(0, more, "")], names) for more in rest)
    if table.references:
        yield Text("─" * total, "dim")
    for reference in table.references:
        places = [start + block.printed + 1 for block, start in zip(widths, starts, strict=True)]
        yield reference_line(reference, widths, places, names, total)
    yield Text("━" * total)


def reference_line(reference: Reference, widths: list[Block], places: list[int], names: int, width: int) -> Text:
    pieces: list[Piece] = [(0, reference_label(reference)[:names], "italic")]
    for block, place in zip(widths, places, strict=True):
        if block.column.key in reference.values:
            pieces.append((place, format_score(reference.values[block.column.key]).rjust(block.mean), "italic"))
    return paint(pieces, width)


def stacked(table: Table, widths: list[Block], names: int, counts: int) -> Iterator[Text]:
    """Two lines a row: its name and the printed figures, then what it is and ours."""
    starts, x = [], names
    for block in widths:
        starts.append(x + GAP)
        x += GAP + block.stacked
    end = x + counts
    subjects: list[Piece] = [(0, "row", "dim"), (names - len("printed"), "printed", "cyan")]
    measures: list[Piece] = [(2, "what", "dim"), (names - len("ours"), "ours", "bold"), (end - 1, "n", "dim")]
    for block, start in zip(widths, starts, strict=True):
        subjects.append((start, block.column.subject, "bold"))
        measures.append((start, block.column.measure, "bold"))
    yield from (paint(subjects, end), paint(measures, end), Text("─" * end, "dim"))
    for line in table.lines:
        upper: list[Piece] = []
        lower: list[Piece] = [(end - len(format_count(line)), format_count(line), "")]
        for block, start, entry in zip(widths, starts, line.entries, strict=True):
            upper.append((start, format_printed(entry).rjust(block.mean), "cyan"))
            lower += entry_pieces(start, entry, block.mean)
        first, *rest = wrapped(label(line), names, "  ")
        title = "  " + textwrap.shorten(line.title, names - 2, placeholder="…")
        second = (rest[0], "") if rest else (title, "dim")
        yield paint([(0, first, ""), *upper], end)
        yield paint([(0, *second), *lower], end)
        yield from (paint([(0, more, "")], end) for more in rest[1:])
    if table.references:
        yield Text("─" * end, "dim")
    for reference in table.references:
        yield reference_line(reference, widths, starts, names, end)
    yield Text("━" * end)


def narrow(table: Table, widths: list[Block], width: int) -> Iterator[Text]:
    """A line for every figure, under the row's name."""
    title = min(max(len(block.column.title) for block in widths) + 4, max(8, width - 20))
    left = max(block.printed for block in widths)
    yield paint([(0, "row", "dim"), (title + left - 7, "printed", "dim"), (title + left + 1, "ours", "dim")], width)
    yield Text("─" * width, "dim")
    for line in table.lines:
        yield paint([(0, f"{label(line)}, n {format_count(line)}", "")], width)
        for block, entry in zip(widths, line.entries, strict=True):
            pieces = entry_pieces(title + left + 1, entry, block.mean)
            at = title + left - len(format_printed(entry))
            yield paint([(2, block.column.title, "dim"), (at, format_printed(entry), "cyan"), *pieces], width)
    if table.references:
        yield Text("─" * width, "dim")
    for reference in table.references:
        yield paint([(0, reference_label(reference), "italic")], width)
        for block in widths:
            if block.column.key in reference.values:
                value = format_score(reference.values[block.column.key]).rjust(block.mean)
                yield paint([(2, block.column.title, "dim"), (title + left + 1, value, "italic")], width)
    yield Text("━" * width)
