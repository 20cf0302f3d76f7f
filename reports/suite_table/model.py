"""What a table is before anyone draws it: facts, columns, and one line a row with everything missing in its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from experiments.suite import Origin, Split
from reports.suite_table.baselines import Reference
from reports.suite_table.symbols import Mark, State

SHORT = {"accuracy": "acc", "Pearson r": "r"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Header:
    """What the results were made with. ``cells`` counts the cells asked for; ``duplicates`` maps a task to its dev
    rows that also stand in train; ``notes`` become footnotes."""

    profile: str
    caveat: str = ""
    data: str
    fingerprint: str
    encoder: str
    seeds: tuple[int, ...]
    variant: str = ""  # what --with and --set changed in every row
    cells: int | None = None
    duplicates: Mapping[str, int] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Column:
    """A metric: its key in results (``sst_accuracy``), and its name in two parts for narrow and wide headers."""

    key: str
    subject: str
    measure: str = ""

    @property
    def title(self) -> str:
        return f"{self.subject} {self.measure}".strip()

    @property
    def short(self) -> str:
        return f"{self.subject} {SHORT.get(self.measure, self.measure)}".strip()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One row's figures in one column. ``mean`` and ``half`` (of the 95% interval) are over ``n`` seeds; ``half`` is
    None for a single one and where all are the same, ``mean`` for every state but ``done``."""

    printed: float | None = None
    words: str = ""
    state: State = "done"
    mean: float | None = None
    half: float | None = None
    n: int = 0
    train: float | None = None
    marks: tuple[Mark, ...] = ()

    @property
    def ends(self) -> tuple[float, float] | None:
        """Of the interval."""
        return None if self.mean is None or self.half is None else (self.mean - self.half, self.mean + self.half)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """One row. ``n`` counts finished seeds, ``failed`` those that failed; ``axes`` are what it changes of its base
    row, where that confounds the comparison."""

    name: str
    title: str
    split: Split
    origin: Origin
    state: State
    n: int
    failed: int
    axes: tuple[str, ...]
    marks: tuple[Mark, ...]
    entries: tuple[Entry, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """Everything a renderer needs, in the order it is read."""

    suite: str
    title: str
    header: Header
    facts: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    references: tuple[Reference, ...]
    footnotes: tuple[str, ...]

    @property
    def splits(self) -> tuple[Split, ...]:
        return tuple(dict.fromkeys(line.split for line in self.lines))
