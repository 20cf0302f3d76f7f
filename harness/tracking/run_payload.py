"""What the tracking store holds of a cell as a row reads it: made whole before the store is touched."""

from __future__ import annotations

import dataclasses
import datetime
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

from harness.cells.record import Record
from harness.cells.row_result import ResultEntry, flat_scores, start_milliseconds
from harness.planning.matching import reading_digest
from harness.tracking.seed_result import REPORTED, TRAIN, seed_of, truncate_texts
from model.answers import Answers
from model.digest import digest
from model.settings import describe
from reports.results import Seed

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 5000  # characters of a tag
PLOTTED = ("dev/", "train/", "health/conflict", "health/cosine/")  # the curves that reports draw

Point = tuple[str, float, int]  # a metric's name, value and epoch


class Unreadable(Exception):
    """A cell does not hold what its row reads; the message says why, the store has nothing to do with it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunPayload:
    """``data`` maps each task to its fingerprint; ``answered`` is the epoch of which answers are kept, if any are;
    ``seed`` is what reports read of it, of a trial nothing."""

    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Sequence[Point]
    data: Mapping[str, str]
    source: str
    answered: int | None
    start: int  # milliseconds since 1970
    end: int
    status: str  # FINISHED, FAILED or KILLED
    seed: Seed | None = None


@singledispatch
def run_payload(entry: ResultEntry) -> RunPayload:
    """Read all of it off the cell. ``Unreadable``."""
    about, outcome = entry.record.metadata, entry.record.outcome
    try:
        start = start_milliseconds(entry.record) or round(
            1000 * datetime.datetime.fromisoformat(outcome["ended"]).timestamp()
        )
        seed = truncate_texts(seed_of(entry, ""))
        metrics = list(seed_points(entry, seed)) if seed.done else []
        return RunPayload(
            tags=seed_tags(entry, seed) | {"curves": curve_checks(metrics)},
            seed=seed,
            params={name: str(value) for name, value in about.get("settings", {}).items()},
            metrics=metrics,
            data=seed.data,
            source=str(about.get("source", "")),
            answered=seed.epoch if seed.done else None,
            start=start,
            end=start + round(1000 * outcome.get("seconds", 0.0)),
            status="FINISHED" if seed.done else "FAILED",
        )
    except Exception as error:  # a damaged file, or a row that has come to read what its cell never measured
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def seed_tags(entry: ResultEntry, seed: Seed) -> dict[str, str]:
    """``declared`` is a digest of how the row reads its training; ``encoder_identity`` and ``starts`` are of the
    encoder in the cell's name."""
    about = entry.record.metadata
    return (
        dict(entry.tags)
        | {
            "kind": "seed",
            "paper": entry.suite.paper,
            "suite": entry.suite.slug,
            "row": entry.name,
            "seed": str(entry.seed),
            "cell": seed.cell,
            "content": seed.content,
            "training": str(entry.record.training),
            "declared": reading_digest(entry.suite, entry.row),
            "versions": json.dumps(about.get("versions", {})),
            "encoder_identity": str(about.get("encoder", "")),
            "encoder_revision": str(about.get("revision", "")),
            "starts": json.dumps(about.get("recipe", {}).get("encoder", {})),
            "reason": seed.reason,
            "alarm": "",
        }
        | dict(seed.about)
        | factor_tags(entry)
    )


def curve_checks(metrics: Sequence[Point]) -> str:
    """Checksums of the curves that reports draw, by name, as far as a tag has room for them."""
    by_name: dict[str, dict[int, float]] = {}
    for name, value, epoch in metrics:
        if name.startswith(PLOTTED):
            by_name.setdefault(name, {})[epoch] = float(value)
    checks = {name: curve_check(points) for name, points in by_name.items()}
    while len(text := json.dumps(checks)) > LONGEST:
        checks.popitem()
    return text


def curve_check(points: Mapping[int, float]) -> str:
    """A checksum of a metric's values by epoch."""
    return f"{zlib.crc32(json.dumps(sorted(points.items())).encode()):08x}"


def factor_tags(entry: ResultEntry) -> dict[str, str]:
    """Which factors of an ablation are on in the row, as ``factor/NAME``."""
    return {f"factor/{name}": "on" if on else "off" for name, on in entry.row.levels.items()}


def row_check(entry: ResultEntry) -> str:
    """A digest of what a row's own run says of it: what is printed, and all that its page tells."""
    suite, row = entry.suite, entry.row
    texts = [row.title, dict(row.printed), row.printed_words, row.notes, row.split, suite.title, suite.source]
    return digest([texts, describe(suite.selection_of(row)), suite.formula, suite.columns, factor_tags(entry)])


def seed_points(entry: ResultEntry, seed: Seed) -> Iterator[Point]:
    """What is reported, every metric of every epoch, and what the cell took: pages list them so."""
    for prefix, scores in ((REPORTED, seed.scores), (TRAIN, seed.train)):
        for name, score in scores.items():
            yield f"{prefix}{name}", score, seed.epoch
    yield f"{REPORTED}epoch", seed.epoch, 0
    for epoch in entry.record.epochs:
        for name, value in flat_scores(entry.suite, epoch):
            yield name, value, epoch["epoch"]
    for name, value in seed.totals.items():
        yield name, value, 0


def answers_table(answers: Mapping[tuple[str, str], Answers]) -> pd.DataFrame:
    """Answers as a file's table: id, label, answer, split and task of every item."""
    import pandas as pd

    parts = [
        pd.DataFrame({"id": read.names, "label": read.labels, "answer": read.answers, "split": split, "task": task})
        for (split, task), read in answers.items()
    ]
    return pd.concat(parts) if parts else pd.DataFrame()


def answers_of_table(frame: pd.DataFrame) -> dict[tuple[str, str], Answers]:
    """The same, back from a table."""
    return {
        (str(split), str(task)): Answers(
            part["id"].to_numpy(str), part["answer"].to_numpy(float), part["label"].to_numpy(float)
        )
        for (split, task), part in (frame.groupby(["split", "task"], sort=False) if len(frame) else ())
    }


def read_answers(record: Record, epoch: int | None) -> dict[tuple[str, str], Answers]:
    """The answers after an epoch, by split and task; empty where none are kept. ``Unreadable``."""
    if epoch is None:
        return {}
    try:
        return record.answers(epoch)
    except Exception as error:  # a damaged file, in whatever way
        raise Unreadable(f"{type(error).__name__}: {error}") from error
