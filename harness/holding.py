"""What the tracking store holds of a cell as a row reads it: made whole before the store is touched."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

from harness.cell import Record
from harness.reading import Entry, Reported, alarm, began, flat_scores, reported

if TYPE_CHECKING:
    import pandas as pd

MOST = 20  # texts in a tag, which may have 5,000 characters
LONGEST = 200  # characters of one
TOTALS = ("seconds", "training_seconds", "items", "peak_memory_bytes")

Point = tuple[str, float, int]  # a metric's name, value and epoch


class Unreadable(Exception):
    """A cell does not hold what its row reads; the message says why, the store has nothing to do with it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Holding:
    """``data`` maps each task to its fingerprint; ``answered`` is the epoch of which answers are kept, if any are."""

    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Sequence[Point]
    data: Mapping[str, str]
    source: str
    answered: int | None
    start: int  # milliseconds since 1970
    end: int
    status: str  # FINISHED, FAILED or KILLED


@singledispatch
def holding(entry: Entry) -> Holding:
    """Read all of it off the cell. ``Unreadable``."""
    about, outcome = entry.record.about, entry.record.outcome
    try:
        start = began(entry.record) or round(1000 * datetime.datetime.fromisoformat(outcome["ended"]).timestamp())
        told = reported(entry.suite, entry.row, entry.record) if entry.record.done else None
        return Holding(
            tags=tags(entry),
            params={name: str(value) for name, value in about.get("settings", {}).items()},
            metrics=list(points(entry, told)) if told else (),
            data=about.get("data", {}),
            source=str(about.get("source", "")),
            answered=told.epoch if told else None,
            start=start,
            end=start + round(1000 * outcome.get("seconds", 0.0)),
            status="FINISHED" if entry.record.done else "FAILED",
        )
    except Exception as error:  # a damaged file, or a row that has come to read what its cell never measured
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def tags(entry: Entry) -> dict[str, str]:
    about = entry.record.about
    return (
        dict(entry.tags)
        | {
            "kind": "seed",
            "paper": entry.suite.paper,
            "suite": entry.suite.slug,
            "row": entry.name,
            "seed": str(entry.seed),
            "cell": entry.record.id,
            "digest": about.get("key", ""),
            "versions": json.dumps(about.get("versions", {})),
            "split": entry.row.split,
            "trained": entry.record.trained,
            "alarm": alarm(entry),
            "reason": str(entry.record.outcome.get("reason", "")),
            "threads": str(about.get("threads", "")),
            "device": str(about.get("device", "")),
            "torch": str(about.get("torch", "")),
            "warnings": listed(entry.record.outcome.get("warnings", [])),
            "fresh": listed(started_fresh(entry.record.outcome.get("fresh", []))),
        }
        | levels(entry)
        | {name: str(value) for name, value in about.get("code", {}).items()}
        | {f"package/{name}": value for name, value in about.get("packages", {}).items()}
    )


def levels(entry: Entry) -> dict[str, str]:
    """Which factors of an ablation are on in the row, as ``factor/NAME``."""
    return {f"factor/{name}": "on" if on else "off" for name, on in entry.row.levels.items()}


def listed(texts: Sequence[str]) -> str:
    """Texts as a tag's value."""
    return json.dumps(few(texts), ensure_ascii=False)


def few(texts: Sequence[str]) -> list[str]:
    """As many as a tag has room for, each cut to size."""
    return [text[:LONGEST] for text in texts[:MOST]]


def started_fresh(names: Sequence[str]) -> list[str]:
    """Encoder parameters that no checkpoint gave, in a sentence."""
    few = ", ".join(names[:2]) + ", ..." * (len(names) > 2)
    return [f"{len(names)} encoder tensors start fresh ({few})"] if names else []


def points(entry: Entry, told: Reported) -> Iterator[Point]:
    """What is reported, every metric of every epoch, and what the cell took: pages list them so."""
    for prefix, scores in (("reported", told.scores), ("reported_train", told.train)):
        for name, score in scores.items():
            if score is not None:
                yield f"{prefix}/{name}", score, told.epoch
    yield "reported/epoch", told.epoch, 0
    for epoch in entry.record.epochs:
        for name, value in flat_scores(entry.suite, epoch):
            yield name, value, epoch["epoch"]
    for name in TOTALS:
        yield name, entry.record.outcome[name], 0


def answers(record: Record, epoch: int | None) -> pd.DataFrame | None:
    """The answers on dev and test after an epoch: id, label, answer, split, task. None where none are kept.
    ``Unreadable``."""
    import pandas as pd

    if epoch is None:
        return None
    try:
        told = [
            pd.DataFrame(found | {"split": split, "task": task})
            for task in record.about["data"]
            for split in ("dev", "test")
            if (found := record.predictions(split, task, epoch)) is not None
        ]
        return pd.concat(told).astype({"label": float, "answer": float}) if told else None
    except Exception as error:  # a damaged file, in whatever way
        raise Unreadable(f"{type(error).__name__}: {error}") from error
