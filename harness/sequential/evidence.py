"""The differences of two rows by seed, read off their cells one seed after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harness.cells.record import Record
from harness.planning.cell_index import CellIndex
from harness.planning.plan import PlannedRow
from harness.sequential.comparisons import Comparison
from harness.tracking.from_cells import measured_setup
from harness.tracking.run_payload import Unreadable
from reports.comparison import Differences, differences, nothing
from reports.results import Mismatch, Runs
from reports.statistics.sequential import Items, items_of

CACHE_SIZE = 32  # cells that were read last, with their items


class Missing(Exception):
    """A seed has no difference; the message says why."""


class SeedCache:
    """Single seeds of rows, as reports read them. The last ones stay, as a row may be in several comparisons."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        self.facts = facts
        self._runs: dict[tuple[str, int], Runs] = {}

    def __call__(self, row: PlannedRow, seed: int, record: Record) -> Runs:
        """``Unreadable``."""
        key = (row.slug, seed)
        runs = self._runs.pop(key, None)
        if runs is None:
            single_seed = dataclasses.replace(row, cells=(row.cells[seed],))
            runs = measured_setup([single_seed], self.facts, CellIndex({record.id: record}, {})).rows[row.slug]
        self._runs[key] = runs
        if len(self._runs) > CACHE_SIZE:
            del self._runs[next(iter(self._runs))]
        return runs


class Evidence:
    """The differences of one comparison so far. Of each seed it has the items' differences, as many in every seed,
    as a cell's name holds the data that it is scored on."""

    def __init__(self, comparison: Comparison, cache: SeedCache) -> None:
        self.comparison, self.cache = comparison, cache
        self.values: list[float] = []
        self.blocks: list[tuple[NDArray[np.float64], ...]] = []  # by seed and task: [1, items]
        self.first: Differences | None = None  # of one seed: its weights and items are those of all

    def add(self, seed: int, ended: Mapping[str, Record]) -> float:
        """The seed's difference; its cells have ended. ``Missing``."""
        for row in (self.comparison.better, self.comparison.worse):
            record = ended[row.cells[seed].id]
            if not record.done:
                raise Missing(f"training failed: {record.outcome.get('reason', '')}")
        differences_of_seed = self.read(seed, ended)
        self.values += differences_of_seed.by_seed
        self.blocks.append(differences_of_seed.by_item)
        self.first = differences_of_seed
        return differences_of_seed.by_seed[0]

    def read(self, seed: int, ended: Mapping[str, Record]) -> Differences:
        rows = (self.comparison.better, self.comparison.worse)
        try:
            better, worse = (self.cache(row, seed, ended[row.cells[seed].id]) for row in rows)
            differences_of_seed = differences(better, worse, self.comparison.metric)
        except (Mismatch, Unreadable) as error:
            raise Missing(str(error)) from None
        single = [task for task, count in differences_of_seed.items.items() if count < 2]
        if single:
            raise Missing(f"{single[0]} has a single scored row, and no interval over items")
        if not differences_of_seed.seeds:
            raise Missing(nothing(better, worse, self.comparison.metric))
        return differences_of_seed

    def items(self) -> Items | None:
        """The items' part of the uncertainty of the mean over all seeds so far."""
        if self.first is None or not self.first.by_item:
            return None
        blocks = [np.concatenate(of_task) for of_task in zip(*self.blocks, strict=True)]
        pooled = dataclasses.replace(self.first, by_item=tuple(blocks), by_seed=tuple(self.values))
        return items_of(pooled.crossed())

    def forget(self) -> None:
        """Drop the items, once no seed will be added."""
        self.blocks = []
