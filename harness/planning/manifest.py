"""Which rows and trials read which cells, in ``<home>/readers``: one file a command and its set-up, one a trial. With
it whatever is shown of a results folder, in MLflow or elsewhere, can be made again from that folder alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.suite import RegistryError, Row, Suite
from harness.cells.atomic import Damaged, checksummed, verified, write_atomic
from harness.cells.home import readers_folder
from harness.planning.plan import PlannedRow
from harness.registry.selectors import find
from model.digest import digest


def find_row(suite: str, row: str) -> tuple[Suite, Row] | None:
    """The registry's row, if it is there."""
    try:
        return find(f"{suite}/{row}")
    except RegistryError:
        return None


def write_manifest(home: Path, rows: Iterable[PlannedRow], tags: Mapping[str, str]) -> None:
    """Write which rows of this set-up read which cells."""
    cells_by_row = [
        {"suite": row.suite.slug, "row": row.row.name, "name": row.name, "cells": {c.id: c.seed for c in row.cells}}
        for row in rows
        if row.cells
    ]
    if not cells_by_row:
        return
    entry = {"tags": dict(tags), "rows": cells_by_row}
    path = readers_folder(home) / f"{digest(entry)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != checksummed(entry).encode():  # damaged
        write_atomic(path, checksummed(entry))


def read_manifests(home: Path, damaged: list[str] | None) -> Iterator[dict[str, Any]]:
    """What commands have written."""
    for path in sorted(readers_folder(home).glob("*.json")):
        try:
            yield verified(path.read_text(encoding="utf-8"), str(path))
        except (OSError, ValueError, Damaged):
            if damaged is not None:
                damaged.append(f"{path} is damaged")


@dataclasses.dataclass
class SetupManifest:
    """A set-up in which commands have planned rows: by suite and row, the cells that were planned and their seeds.
    Which of these a row has now is another question (``harness.planning.matching``)."""

    tags: Mapping[str, str]
    rows: dict[tuple[str, str], dict[str, int]] = dataclasses.field(default_factory=dict)


def setup_manifests(home: Path, damaged: list[str] | None = None) -> list[SetupManifest]:
    """All set-ups of a results folder; names of damaged files are added to ``damaged``."""
    manifests: dict[str, SetupManifest] = {}
    for entry in read_manifests(home, damaged):
        if "rows" not in entry:
            continue
        setup = manifests.setdefault(entry["tags"]["setup"], SetupManifest(entry["tags"]))
        if "options" in entry["tags"]:  # as a newer command writes it
            setup.tags = entry["tags"]
        for row in entry["rows"]:
            setup.rows.setdefault((row["suite"], row["row"]), {}).update(row["cells"])
    return list(manifests.values())
