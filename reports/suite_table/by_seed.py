"""What was measured for each row of a suite, seed by seed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pandas

COLUMNS = ("suite", "row", "seed", "cell", "split", "metric", "value", "epoch", "status", "reason")


@dataclasses.dataclass
class Measured:
    """One row's results. ``scores`` go by split, then seed, then metric; NaN is a Pearson r that does not exist."""

    scores: dict[str, dict[int, dict[str, float]]] = dataclasses.field(default_factory=dict)
    constant: set[tuple[str, str]] = dataclasses.field(default_factory=set)  # (split, metric)
    failures: dict[int, str] = dataclasses.field(default_factory=dict)  # by seed, the reason
    running: bool = False

    def seeds(self, split: str) -> list[int]:
        return sorted(self.scores.get(split, {}))

    def values(self, split: str, metric: str) -> list[float]:
        """The metric of every seed that has it, seeds in order."""
        by_seed = self.scores.get(split, {})
        return [by_seed[seed][metric] for seed in sorted(by_seed) if metric in by_seed[seed]]


def measured(suite: str, results: pandas.DataFrame) -> dict[str, Measured]:
    """The suite's results by row name. A cell that two runs share counts once; a failed seed that a later run
    finished counts as finished.

    Raises:
        ValueError: a column is missing, or one seed of a row has results of two different cells.
    """
    if results.empty:
        return {}
    absent = [column for column in COLUMNS if column not in results.columns]
    if absent:
        raise ValueError(f"the results have no column {', '.join(absent)}")
    own = results[results["suite"] == suite]
    return {str(name): _read(f"{suite}/{name}", frame) for name, frame in own.groupby("row", sort=False)}


def cell_counts(suite: str, results: pandas.DataFrame) -> tuple[int, int]:
    """Distinct cells of the suite that are done, and that failed and are not done."""
    if results.empty:
        return 0, 0
    own = results[results["suite"] == suite]
    done = set(own[own["status"] == "done"]["cell"])
    return len(done), len(set(own[own["status"] == "failed"]["cell"]) - done)


def _read(where: str, frame: pandas.DataFrame) -> Measured:
    measurements = Measured()
    cells: dict[int, str] = {}
    for record in _records(frame):
        seed = int(record["seed"])
        if record["status"] == "done":
            cell = str(record["cell"])
            if cells.setdefault(seed, cell) != cell:
                raise ValueError(f"{where} seed {seed} has results of two cells, {cells[seed]} and {cell}; pass one")
            split, metric = str(record["split"]), str(record["metric"])
            value = math.nan if pandas.isna(record["value"]) else float(record["value"])
            measurements.scores.setdefault(split, {}).setdefault(seed, {})[metric] = value
            if not pandas.isna(record.get("constant")) and record["constant"]:
                measurements.constant.add((split, metric))
        elif record["status"] == "failed":
            measurements.failures[seed] = "" if pandas.isna(record["reason"]) else str(record["reason"])
        else:
            measurements.running = True
    measurements.failures = {seed: why for seed, why in measurements.failures.items() if seed not in cells}
    return measurements


def _records(frame: pandas.DataFrame) -> Iterator[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    for values in frame.itertuples(index=False, name=None):
        yield dict(zip(names, values, strict=True))
