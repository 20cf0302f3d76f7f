"""Files whose cells commas, semicolons or tabs part: every one that is read with ``csv`` is read here.

To ``csv``, a quotation mark at the begin of a cell opens a quotation, which ends at the next mark, be it lines below.
Where that mark happens to end a cell, the rows between are one cell of one row, and nothing complains.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from model.data.examples import DataError

DELIMITERS = ",\t;"
LARGEST = 2**31 - 1  # characters of a cell: texts are cut to ``max_tokens`` later, so that long ones do no harm


class Line(NamedTuple):
    """A row's cells and where it stands: its first and last line in the file, from 1. ``opens`` is the line of a
    quotation that seems to hold other rows."""

    first: int
    last: int
    cells: list[str]
    opens: int | None


def anything(cells: Sequence[str]) -> bool:
    return True


def lines(
    name: str, text: str, delimiter: str, *, strict: bool = False, like: Callable[[Sequence[str]], bool] = anything
) -> Iterator[Line]:
    """The rows of a file's text, the header first; empty ones below it are left out. ``\\r`` and ``\\r\\n`` end a line
    as ``\\n`` does. ``strict`` refuses a quotation that goes on after its closing mark or never closes. ``like`` says
    whether cells may be a row, which a quotation is searched for. ``DataError`` with the line."""
    csv.field_size_limit(max(csv.field_size_limit(), LARGEST))
    reader = csv.reader(io.StringIO(re.sub("\r\n?", "\n", text), newline=""), delimiter=delimiter, strict=strict)
    last, count = 0, 0
    try:
        for cells in reader:
            if last == 0 and reader.line_num > 1:
                raise DataError(
                    f"{name}:{last + 1}: a quotation in the header runs over several lines; mend the header"
                )
            first, last, count = last + 1, reader.line_num, count or len(cells)
            below = swallowing(cells, delimiter, count, like) if last > first and count else None
            if cells or first == 1:
                yield Line(first, last, cells, None if below is None else first + below)
    except csv.Error as error:
        raise DataError(f"{name}:{last + 1}: the row cannot be read ({error}); mend its quotation marks") from None


def swallowing(
    cells: Sequence[str], delimiter: str, count: int, like: Callable[[Sequence[str]], bool] = anything
) -> int | None:
    """How many lines below its first a row of ``count`` columns opens a quotation that seems to hold other rows.

    It holds a line end and, up to the same column of a later line, the delimiter as often as a row has it; what is cut
    there are ``like`` rows. A tab and a line end in one cell are enough, as no sentence has a tab.
    """
    below = 0
    for at, cell in enumerate(cells):
        start, *more = cell.split("\n")
        if more and ((delimiter == "\t" and "\t" in cell) or cut(cells, at, start, more[-1], delimiter, count, like)):
            return below
        below += len(more)
    return None


def cut(
    cells: Sequence[str],
    at: int,
    start: str,
    end: str,
    delimiter: str,
    count: int,
    like: Callable[[Sequence[str]], bool],
) -> bool:
    """Whether a cell's first line ends a row and its last line begins one."""
    rows = [*cells[:at], *start.split(delimiter)], [*end.split(delimiter), *cells[at + 1 :]]
    return all(len(row) == count and like(row) for row in rows)


def header_of(text: str, delimiter: str = "") -> list[str]:
    """The names of a file's columns; none where its first line cannot be read."""
    try:
        parted = csv.reader([first_line(text)], delimiter=delimiter or delimiter_of(text))
        return [cell.strip() for cell in next(parted, [])]
    except csv.Error:
        return []


def places(name: str, header: Sequence[str], columns: Collection[str]) -> dict[str, int]:
    """Where each of these columns stands, of those that are there. ``DataError`` for one that is there twice."""
    for column in columns:
        if header.count(column) > 1:
            raise DataError(f"{name}:1: {header.count(column)} columns are called {column}; rename all but one")
    return {column: header.index(column) for column in columns if column in header}


def delimiter_of(text: str) -> str:
    """The one that the header has most of."""
    return max(DELIMITERS, key=first_line(text).count)


def first_line(text: str) -> str:
    return re.split("[\r\n]", text, maxsplit=1)[0]
