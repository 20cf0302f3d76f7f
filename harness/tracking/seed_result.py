"""One training as reports read it: typed, from its cell's folder, or back from what a tracking store has of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from harness.cells.row_result import ResultEntry, describe_collapse, health_signals, row_result
from harness.planning.setup_tags import texts_tag
from model.digest import digest
from reports.results import Seed

TOTALS = ("seconds", "training_seconds", "items", "peak_memory_bytes")
MACHINE = ("threads", "device", "torch")
ABOUT = ("digest", "trained", "alarm", *MACHINE, "warnings", "fresh", "version", "revision", "dirty", "split")
SETUP_TAGS = (  # tags that say of which row and set-up a training is, and of which declaration
    *("row", "suite", "setup", "profile", "data_source", "encoder", "variant", "options", "data_notes"),
    *("declared", "training", "encoder_identity", "starts", "curves", "answers"),
)
REPORTED, TRAIN, HEALTH = "reported/", "reported_train/", "health/"


def seed_of(entry: ResultEntry, run: str) -> Seed:
    """The cell as its row reads it. Raises whatever a cell that does not hold what its row reads leads to."""
    record, outcome = entry.record, entry.record.outcome
    result = row_result(entry.suite, entry.row, record) if record.done else None
    signals: dict[str, float] = {}
    for epoch in record.epochs if result else ():
        signals |= {name: float(value) for name, value in health_signals(epoch).items()}
    return Seed(
        seed=entry.seed,
        run=run,
        cell=record.id,
        done=record.done,
        content=entry.content,
        reason=str(outcome.get("reason", "")),
        epoch=result.epoch if result else 0,
        scores=drop_missing(result.scores) if result else {},
        train=drop_missing(result.train) if result else {},
        totals={name: float(outcome[name]) for name in TOTALS} if result else {},
        health=signals,
        about={
            name: text
            for name, text in describe_training(
                entry, describe_collapse(record, result.epoch) if result else ""
            ).items()
            if text
        },
        data=dict(record.metadata.get("data", {})),
    )


def drop_missing(scores: Mapping[str, float | None]) -> dict[str, float]:
    """Without those that do not exist."""
    return {name: float(value) for name, value in scores.items() if value is not None}


def describe_training(entry: ResultEntry, alarm: str) -> dict[str, str]:
    """What reports say of a training beside its figures."""
    cell, outcome = entry.record.metadata, entry.record.outcome
    return (
        {
            "digest": str(cell.get("key", "")),
            "trained": entry.record.trained,
            "alarm": alarm,
            "warnings": json.dumps(outcome.get("warnings", []), ensure_ascii=False),
            "fresh": json.dumps(describe_fresh(outcome.get("fresh", [])), ensure_ascii=False),
            "split": entry.row.split,
        }
        | {name: str(cell.get(name, "")) for name in MACHINE}
        | {name: str(value) for name, value in cell.get("code", {}).items()}
        | {f"package/{name}": str(value) for name, value in cell.get("packages", {}).items()}
    )


def truncate_texts(seed: Seed) -> Seed:
    """The same with no more texts, and no longer ones, than tags have room for."""
    cut = {name: texts_tag(json.loads(seed.about[name])) for name in ("warnings", "fresh") if name in seed.about}
    return dataclasses.replace(seed, about={**seed.about, **cut})


def describe_fresh(names: list[str]) -> list[str]:
    """Encoder parameters that no checkpoint gave, in a sentence."""
    few = ", ".join(names[:2]) + ", ..." * (len(names) > 2)
    return [f"{len(names)} encoder tensors start fresh ({few})"] if names else []


def seed_check(seed: Seed, tags: Mapping[str, str]) -> str:
    """A digest of all that reports read of a training, wherever they read it."""
    values = {name: value for name, value in dataclasses.asdict(seed).items() if name != "run"}
    return digest([values, {name: tags.get(name, "") for name in SETUP_TAGS}])


def stored_seed(
    run: str, tags: Mapping[str, str], metrics: Mapping[str, float], done: bool, data: Mapping[str, str]
) -> Seed:
    """The training that a tracking store's run tells of; ``metrics`` have their last values."""

    def under(prefix: str) -> dict[str, float]:
        return {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}

    scores = under(REPORTED)
    return Seed(
        seed=int(tags["seed"]),
        run=run,
        cell=tags["cell"],
        done=done,
        content=tags.get("content", ""),
        reason=tags.get("reason", ""),
        epoch=int(scores.pop("epoch", 0)),
        scores=scores,
        train=under(TRAIN),
        totals={name: metrics[name] for name in TOTALS if name in metrics},
        health=under(HEALTH),
        about={name: tags[name] for name in ABOUT if tags.get(name)}
        | {name: value for name, value in tags.items() if name.startswith("package/")},
        data=dict(data),
    )
