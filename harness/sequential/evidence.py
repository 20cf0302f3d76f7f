"""The differences of two rows by seed, read off their cells one seed after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harness.cells.record import Record
from harness.planning.ledger import CellIndex
from harness.planning.plan import Planned
from harness.sequential.comparisons import Comparison, row_slug
from harness.tracking.from_cells import measured_setup
from harness.tracking.run_payload import Unreadable
from reports.comparison import Differences, differences, nothing
from reports.results import Mismatch, Runs
from reports.statistics.sequential import Items, items_of

CACHE_SIZE = 32  # of the cells that were read last, with their items


class Missing(Exception):
    """A seed has no difference; the message says why."""


class SeedCache:
    """Single seeds of rows, as reports read them. The last ones stay, as a row may be in several comparisons."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        self.facts = facts
        self._kept: dict[tuple[str, int], Runs] = {}

    def __call__(self, row: Planned, seed: int, record: Record) -> Runs:
        """``Unreadable``."""
        key = (row_slug(row), seed)
        found = self._kept.pop(key, None)
        if found is None:
            alone = dataclasses.replace(row, cells=(row.cells[seed],))
            found = measured_setup([alone], self.facts, CellIndex({record.id: record}, {})).rows[row_slug(row)]
        self._kept[key] = found
        if len(self._kept) > CACHE_SIZE:
            del self._kept[next(iter(self._kept))]
        return found


class Evidence:
    """What is known of one comparison. Of each seed stay the items' differences, which are as many in every seed, as
    a cell's name holds the data that it is scored on."""

    def __init__(self, duel: Comparison, shelf: SeedCache) -> None:
        self.duel, self.shelf = duel, shelf
        self.values: list[float] = []
        self.blocks: list[tuple[NDArray[np.float64], ...]] = []  # by seed and task: [1, items]
        self.first: Differences | None = None  # of one seed: its weights and items are those of all

    def add(self, seed: int, ended: Mapping[str, Record]) -> float:
        """The seed's difference; its cells have ended. ``Missing``."""
        for row in (self.duel.better, self.duel.worse):
            record = ended[row.cells[seed].id]
            if not record.done:
                raise Missing(f"training failed: {record.outcome.get('reason', '')}")
        found = self.read(seed, ended)
        self.values += found.by_seed
        self.blocks.append(found.by_item)
        self.first = found
        return found.by_seed[0]

    def read(self, seed: int, ended: Mapping[str, Record]) -> Differences:
        rows = (self.duel.better, self.duel.worse)
        try:
            better, worse = (self.shelf(row, seed, ended[row.cells[seed].id]) for row in rows)
            found = differences(better, worse, self.duel.metric)
        except (Mismatch, Unreadable) as error:
            raise Missing(str(error)) from None
        single = [task for task, count in found.items.items() if count < 2]
        if single:
            raise Missing(f"{single[0]} has a single scored row, and no interval over items")
        if not found.seeds:
            raise Missing(nothing(better, worse, self.duel.metric))
        return found

    def items(self) -> Items | None:
        """What the items add to the uncertainty of the mean over all seeds so far."""
        if self.first is None or not self.first.by_item:
            return None
        blocks = [np.concatenate(of_task) for of_task in zip(*self.blocks, strict=True)]
        whole = dataclasses.replace(self.first, by_item=tuple(blocks), by_seed=tuple(self.values))
        return items_of(whole.crossed())

    def forget(self) -> None:
        """Let go of the items, once nothing more is asked."""
        self.blocks = []
