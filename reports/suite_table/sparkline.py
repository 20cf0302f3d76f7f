"""A drawing of one column in characters: every row's printed figure, ours and its interval on one scale."""

from __future__ import annotations

import dataclasses
import math

from reports.number_format import format_number
from reports.suite_table.baselines import RANDOM, Reference
from reports.suite_table.model import Line, Table

OURS, PRINTED, BOTH, FLOOR, REACH = "●", "○", "◉", "┊", "─"


@dataclasses.dataclass(frozen=True)
class Strip:
    """``low`` and ``high`` are the scores at the first and last of ``width`` characters."""

    title: str
    at: int  # the column's place in a line's entries
    low: float
    high: float
    width: int
    floor: float | None  # what a random answer scores

    @classmethod
    def of(cls, table: Table, width: int) -> Strip | None:
        """The strip of the table's last column (the overall score where there is one), or None where no row has
        both a figure and a different one to compare it with."""
        at = len(table.columns) - 1
        column, entries = table.columns[at], [line.entries[at] for line in table.lines]
        floor = _floor(table.references, column.key)
        means = [entry.mean for entry in entries if entry.mean is not None]
        marks = means + [entry.printed for entry in entries if entry.printed is not None]
        marks += [floor] if floor is not None else []
        if not means or max(marks) == min(marks):
            return None
        low, high = math.floor(min(marks) * 20) / 20, math.ceil(max(marks) * 20) / 20
        return cls(column.title, at, low, high, width, floor)

    def place(self, value: float) -> int:
        """The character that a score falls on; scores outside the scale fall on its ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(min(1.0, max(0.0, share)) * (self.width - 1))

    def scale(self) -> str:
        left, right = format_number(self.low), format_number(self.high)
        return left + right.rjust(self.width - len(left))

    def draw(self, line: Line) -> str:
        entry = line.entries[self.at]
        cells = [" "] * self.width
        if self.floor is not None:
            cells[self.place(self.floor)] = FLOOR
        if entry.ends is not None:
            first, last = map(self.place, entry.ends)
            cells[first : last + 1] = REACH * (last + 1 - first)
        if entry.printed is not None:
            cells[self.place(entry.printed)] = PRINTED
        if entry.mean is not None:
            middle = self.place(entry.mean)
            cells[middle] = BOTH if cells[middle] == PRINTED else OURS
        return "".join(cells)


def _floor(references: tuple[Reference, ...], key: str) -> float | None:
    return next((line.values.get(key) for line in references if line.name == RANDOM), None)
