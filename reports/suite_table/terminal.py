"""A table drawn for a screen. Colour only repeats what the characters say."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.text import Text

from reports.suite_table.labels import legend
from reports.suite_table.model import Table
from reports.suite_table.sparkline import BOTH, FLOOR, OURS, PRINTED
from reports.suite_table.terminal_body import body, wrapped

NARROWEST = 40
PROSE = 76  # the least that header and notes may use under a narrow table


def terminal(table: Table, width: int) -> Text:
    """The table for a screen of ``width`` characters, at least 40; no line is longer."""
    width = max(width, NARROWEST)
    grid = list(body(table, width))
    drawn = any(sign in line.plain for line in grid for sign in (OURS, BOTH))
    span = min(width, max(PROSE, *(len(line) for line in grid)))
    return Text("\n", no_wrap=True, overflow="crop").join([*_head(table, span), *grid, *_foot(table, span, drawn)])


def _head(table: Table, width: int) -> Iterator[Text]:
    titles = wrapped(table.title, width)
    room = width - len(titles[-1])
    inline = room >= len(table.suite) + 2
    for title in titles[:-1]:
        yield Text(title, "bold")
    yield Text.assemble((titles[-1], "bold"), (table.suite.rjust(room) if inline else "", "cyan"))
    if not inline:
        yield Text(table.suite[:width], "cyan")
    facts = [(name, value) for name, value in table.facts if name != "suite"]
    longest = max(len(name) for name, _ in facts)
    for name, value in facts:
        yield from _hanging(name, longest, value, width)
    yield Text()


def _hanging(name: str, longest: int, value: str, width: int) -> Iterator[Text]:
    """``name`` in a margin, ``value`` wrapped beside it."""
    for at, part in enumerate(wrapped(value, width - longest - 2)):
        yield Text.assemble(((name if at == 0 else "").ljust(longest + 2)[:width], "dim"), part)


def _foot(table: Table, width: int, drawn: bool) -> Iterator[Text]:
    items = list(legend(table))
    if drawn:
        items += [(OURS, "ours with its interval"), (PRINTED, "printed"), (BOTH, "both"), (FLOOR, "random answer")]
    yield from _flow(items, width)
    for note in table.footnotes:
        for part in textwrap.wrap(note, width, subsequent_indent="  "):
            yield Text(part, "dim")


def _flow(items: Sequence[tuple[str, str]], width: int) -> Iterator[Text]:
    """Sign and meaning, as many in a line as fit; one that fills more than a line is wrapped."""
    line = Text()
    for sign, meaning in items:
        sign += ":" if sign.isascii() and len(sign) > 1 else ""
        size = len(sign) + 1 + len(meaning)
        if line and len(line) + 3 + size > width:
            yield line
            line = Text()
        if size > width:
            yield from (Text(part) for part in textwrap.wrap(f"{sign} {meaning}", width, subsequent_indent="  "))
            continue
        line.append("   " if line else "").append(sign, "bold yellow").append(f" {meaning}", "dim")
    if line:
        yield line
