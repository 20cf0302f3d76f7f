"""Which rows and trials read which cells, kept in the home under ``<home>/readers``: one file a command and its set-up,
one a trial. With it whatever is shown of a home, in MLflow or elsewhere, can be made again from the home alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.variant import RegistryError, Row, Suite
from harness.catalogue import find
from harness.cell import Record
from harness.durable import Damaged, sealed, unsealed, write_aside
from harness.plan import Planned
from harness.reading import Entry
from harness.tune import told
from harness.tune.told import Tried
from model.recipe import digest


class Tags(dict[str, str]):
    """Tags that can be looked up by."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


@dataclasses.dataclass(frozen=True)
class Reader:
    """A row in a set-up: ``name`` is the row's with its variant, ``tags`` tell set-ups
    apart, ``seed`` is the cell's."""

    suite: str
    row: str
    name: str
    tags: Tags
    seed: int

    @property
    def slug(self) -> str:
        """``paper/table/row``, and the variant."""
        return f"{self.suite}/{self.name}"

    def declared(self) -> tuple[Suite, Row] | None:
        """The registry's row, if it is still there."""
        try:
            return find(f"{self.suite}/{self.row}")
        except RegistryError:
            return None


def note(home: Path, rows: Iterable[Planned], tags: Mapping[str, str]) -> None:
    """Keep which rows of this set-up read which cells."""
    read = [
        {"suite": row.suite.slug, "row": row.row.name, "name": row.name, "cells": {c.id: c.seed for c in row.cells}}
        for row in rows
        if row.cells
    ]
    if not read:
        return
    entry = {"tags": dict(tags), "rows": read}
    path = home / "readers" / f"{digest(entry)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != sealed(entry).encode():  # damaged
        write_aside(path, sealed(entry))


def readers(home: Path, damaged: list[str] | None = None) -> dict[str, list[Reader]]:
    """The rows that read each cell, by cell id; names of damaged files are added to ``damaged``."""
    found: dict[str, dict[Reader, None]] = {}
    for entry in noted(home, damaged):
        for row in entry.get("rows", ()):
            for cell, seed in row["cells"].items():
                reader = Reader(row["suite"], row["row"], row["name"], Tags(entry["tags"]), seed)
                found.setdefault(cell, {})[reader] = None
    return {cell: list(rows) for cell, rows in found.items()}


def trials(home: Path, gone: set[str], damaged: list[str]) -> list[Tried]:
    """The ended trials of a home's studies, in the order in which they ended; studies that are not in the registry any
    more are added to ``gone``, what cannot be read to ``damaged``."""
    found = []
    for each in noted(home, None):
        if "trial" not in each:
            continue
        try:
            entry = told.entry(each, home / "cells")
        except Damaged as damage:
            damaged.append(str(damage))
            continue
        if entry is None:
            gone.add(f"{told.PAPER}/{each['about']['study']}")
        else:
            found.append(entry)
    return sorted(found, key=lambda entry: entry.trial.ended)


def noted(home: Path, damaged: list[str] | None) -> Iterator[dict[str, Any]]:
    """What commands have noted."""
    for path in sorted((home / "readers").glob("*.json")):
        try:
            yield unsealed(path.read_text(encoding="utf-8"), str(path))
        except (OSError, ValueError, Damaged):
            if damaged is not None:
                damaged.append(f"{path} is damaged")


def names(rows: Iterable[Reader]) -> list[str]:
    """Slugs, each once."""
    return sorted({reader.slug for reader in rows})


def entry_of(reader: Reader, record: Record) -> Entry | None:
    """The cell as the row reads it; None if the registry no longer has the row."""
    found = reader.declared()
    if found is None:
        return None
    return Entry(suite=found[0], row=found[1], name=reader.name, seed=reader.seed, record=record, tags=reader.tags)
