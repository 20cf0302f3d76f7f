"""A row's result in a finished cell: the epoch its selection chose, and the figures there."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from experiments.suite import Row, Suite
from harness.cells.record import Record
from harness.cells.scores import comparable, with_overall
from model.digest import digest


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResultEntry:
    """An ended cell as one row reads it. ``tags`` identify the set-up."""

    suite: Suite
    row: Row
    name: str  # the row's, with its variant
    record: Record
    tags: Mapping[str, str]
    seed: int

    @property
    def label(self) -> str:
        """``paper/table/row``, with the set-up's variant."""
        return f"{self.suite.slug}/{self.name}"

    @property
    def part(self) -> str:
        """``seed N`` or ``trial N``: identifies it within its row and set-up."""
        return f"seed {self.seed}"

    @property
    def content(self) -> str:
        """A digest of what the training left: checksums of its files, and how it ended."""
        outcome = self.record.outcome
        return digest([self.record.id, outcome.get("checks", {}), outcome.get("status"), outcome.get("reason", "")])


@dataclasses.dataclass(frozen=True)
class RowResult:
    """A row's result of one seed: the epoch its selection chose and the metrics there."""

    epoch: int
    scores: Mapping[str, float | None]  # the row's split; overall included
    train: Mapping[str, float | None]


def row_result(suite: Suite, row: Row, record: Record) -> RowResult:
    """Read a row's result off its cell's trajectory. Scores are empty where the row's split has no labels."""
    epochs = record.epochs
    dev = comparable(suite.formula, [epoch["scores"].get("dev", {}) for epoch in epochs])
    chosen = epochs[suite.selection_of(row).choose(dev)]
    return RowResult(
        epoch=chosen["epoch"],
        scores=with_overall(suite.formula, chosen["scores"].get(row.split, {})),
        train=chosen["scores"].get("train", {}),
    )


def flat_scores(suite: Suite, epoch: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """An epoch's metrics by their tracking names: ``dev/sst_accuracy``, ``train/...``, ``health/...``."""
    for split, scores in epoch["scores"].items():
        for name, value in with_overall(suite.formula, scores).items():
            if value is not None:
                yield f"{split}/{name}", value
    for name, value in health_signals(epoch).items():
        yield f"health/{name}", value


def health_signals(epoch: Mapping[str, Any]) -> dict[str, float]:
    """An epoch's signals, with what follows from the rest: train minus dev score by metric, items a second."""
    train, dev = (epoch["scores"].get(split, {}) for split in ("train", "dev"))
    gaps = {
        f"gap/{name}": train[name] - dev[name]
        for name in train
        if train[name] is not None and dev.get(name) is not None
    }
    seconds = epoch["training_seconds"]
    return dict(epoch["signals"]) | gaps | ({"items_per_second": epoch["items"] / seconds} if seconds else {})


def describe_collapse(record: Record, number: int) -> str:
    """The tasks that have one answer for everything at the reported epoch, in words."""
    signals = next(epoch["signals"] for epoch in record.epochs if epoch["epoch"] == number)
    tasks = [
        name.removeprefix("collapsed/") for name, value in signals.items() if name.startswith("collapsed/") and value
    ]
    return f"one answer for everything: {', '.join(tasks)}" if tasks else ""


def start_milliseconds(record: Record) -> int | None:
    """When the cell's training began, in milliseconds since 1970; None where it is not known."""
    started = record.metadata.get("started")
    return round(1000 * datetime.datetime.fromisoformat(started).timestamp()) if started else None
