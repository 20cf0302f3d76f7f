"""Short forms in which the paper files write rows, controls and claims, so that a table reads as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

from experiments.suite import Change, Claim, Contrast, Mark, Row, Split, Suite
from model.selection import Selection


def scores(
    sst: float | None = None, quora: float | None = None, sts: float | None = None, overall: float | None = None
) -> dict[str, float]:
    """Printed figures by metric name, without those that are not printed."""
    named = {"sst_accuracy": sst, "quora_accuracy": quora, "sts_pearson": sts, "overall": overall}
    return {metric: figure for metric, figure in named.items() if figure is not None}


def row(
    name: str,
    title: str,
    on: str | None,
    *changes: Change,
    printed: Mapping[str, float] | None = None,
    words: str = "",
    split: Split = "dev",
    selection: Selection | None = None,
    notes: tuple[str, ...] = (),
    marks: Mapping[str, Mark] | None = None,
) -> Row:
    """A row of the paper: its name and title, the row it stands on, what it changes."""
    return Row(
        name=name,
        title=title,
        on=on,
        changes=changes,
        printed=printed or {},
        printed_words=words,
        split=split,
        selection=selection,
        notes=notes,
        marks=marks or {},
    )


def control(
    name: str,
    title: str,
    on: str | None,
    *changes: Change,
    split: Split = "dev",
    selection: Selection | None = None,
    notes: tuple[str, ...] = (),
    fixes_encoder: bool = False,
) -> Row:
    """A row of ours."""
    plain = row(name, title, on, *changes, split=split, selection=selection, notes=notes)
    return dataclasses.replace(plain, origin="ours", fixes_encoder=fixes_encoder)


def controls(table: Suite, rows: tuple[Row, ...], *notes: str) -> Suite:
    """A suite of ours whose rows stand on those of a paper's table."""
    return dataclasses.replace(
        table,
        table="controls",
        title=f"{table.title}: our controls",
        source="",
        rows=rows,
        claims=(),
        notes=notes,
        origin="ours",
        extends=table,
    )


def beats(
    better: str, worse: str, *metrics: str, split: Split = "dev", sign: Literal[-1, 0, 1] = 1
) -> tuple[Contrast, ...]:
    """One contrast for each metric."""
    return tuple(Contrast(better=better, worse=worse, metric=metric, split=split, sign=sign) for metric in metrics)


def claim(name: str, says: str, source: str, *contrasts: tuple[Contrast, ...]) -> Claim:
    """What the paper says and where, and the groups of contrasts that decide it."""
    return Claim(name=name, says=says, source=source, contrasts=tuple(one for group in contrasts for one in group))
