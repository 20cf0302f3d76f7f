"""What a table says in each cell, the same in every rendering."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reports.number_format import format_number
from reports.suite_table.baselines import Reference
from reports.suite_table.model import Entry, Line, Table
from reports.suite_table.symbols import NOT_PRINTED, SIGNS, WORDS, Mark

LONGEST_WORD = 8
NUMBER_WIDTH = 4  # of .516
SPLIT_TEST = "(test)"


def signs(marks: Iterable[Mark]) -> str:
    return "".join(SIGNS[mark][0] for mark in marks)


def label(line: Line) -> str:
    """The row's name with its signs. The space inside does not break."""
    parts = [line.name, signs(line.marks), SPLIT_TEST if line.split == "test" else ""]
    return "\N{NO-BREAK SPACE}".join(part for part in parts if part)


def format_printed(entry: Entry) -> str:
    if entry.printed is not None:
        return format_number(entry.printed)
    if entry.words:
        return entry.words if len(entry.words) <= LONGEST_WORD else "in words"
    return NOT_PRINTED


def format_half_width(entry: Entry) -> str:
    return "" if entry.half is None else f" ±{format_number(entry.half)}"


def format_ours(entry: Entry, mean_width: int = 0) -> str:
    """The mean, padded on the left to ``mean_width`` so that decimal points align, its interval and its signs."""
    if entry.mean is None:
        return " " * (mean_width - NUMBER_WIDTH) + WORDS[entry.state][0] + signs(entry.marks)
    return format_number(entry.mean).rjust(mean_width) + format_half_width(entry) + signs(entry.marks)


def format_count(line: Line) -> str:
    """Finished seeds, with a sign where others failed."""
    return f"{line.n}{SIGNS['some-failed'][0] if line.n and line.failed else ''}"


def reference_label(line: Reference) -> str:
    """The line's name, with the split where it is not dev."""
    if line.split == "dev":
        return line.name
    return f"{line.name.removesuffix(' class').removesuffix(' answer')} {SPLIT_TEST}"  # short: columns are narrow


def legend(table: Table) -> Iterator[tuple[str, str]]:
    """Every sign that the table uses, and what it means."""
    entries = [entry for line in table.lines for entry in line.entries]
    if any(entry.half is not None for entry in entries):
        yield "±", "half of the 95% t-interval over seeds"
    if any(format_printed(entry) == NOT_PRINTED for entry in entries):
        yield NOT_PRINTED, "not printed in the text at hand"
    used = {mark for line in table.lines for mark in line.marks} | {mark for entry in entries for mark in entry.marks}
    if any(line.n and line.failed for line in table.lines):
        used.add("some-failed")
    yield from (explained for mark, explained in SIGNS.items() if mark in used)
    states = {entry.state for entry in entries}
    if any(value is None for line in table.references for value in line.values.values()):
        states.add("undefined")
    yield from (explained for state, explained in WORDS.items() if state in states)
    if "test" in table.splits:
        yield SPLIT_TEST, "scored on the test split; the other rows on dev"
