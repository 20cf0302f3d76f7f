"""What a row says of a finished cell: the epoch its selection chose, and the figures there."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from experiments.variant import Row, Suite
from harness.cell import Record, comparable, with_overall


@dataclasses.dataclass(frozen=True)
class Reported:
    """What a row says of one seed: the epoch its selection chose and the metrics there."""

    epoch: int
    scores: Mapping[str, float | None]  # the row's split; overall included
    train: Mapping[str, float | None]


def reported(suite: Suite, row: Row, record: Record) -> Reported:
    """Read a row's result off its cell's trajectory. Scores are empty where the row's split has no labels."""
    epochs = record.epochs
    dev = comparable(suite.formula, [epoch["scores"].get("dev", {}) for epoch in epochs])
    chosen = epochs[suite.selection_of(row).choose(dev)]
    return Reported(
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
    for name, value in epoch["signals"].items():
        yield f"health/{name}", value


def began(record: Record) -> int | None:
    """When the cell's training began, in milliseconds since 1970; None where it is not known."""
    told = record.about.get("started")
    return round(1000 * datetime.datetime.fromisoformat(told).timestamp()) if told else None


def finished(record: Record) -> str:
    """What tells one training of a cell from a later one."""
    return f"{record.about.get('started', '')} {record.outcome.get('status')}"
