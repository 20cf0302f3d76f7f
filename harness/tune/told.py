"""Trials in the tracking store: an experiment a study, a parent run an arm, a child a trial. What is told is kept in
the home's readers, so that it can be told again to any store."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.studies import STUDIES
from experiments.study import settings
from experiments.variant import RegistryError, Row, Suite
from harness.catalogue import find
from harness.cell import Record, journal, read_sealed
from harness.declared import declaration
from harness.durable import Damaged, sealed, write_aside
from harness.holding import Holding, Point, Unreadable, holding
from harness.reading import Entry, flat_scores
from harness.seed import TOTALS, listed
from harness.shown import values_check
from harness.tune.arm import SEED, Arm
from harness.tune.trial import Trial
from model.recipe import digest

PAPER = "tuning"  # under which studies stand where suites do
STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tried(Entry):
    """An ended trial; ``about`` says of which arm, as tags."""

    trial: Trial
    about: Mapping[str, str]

    @property
    def part(self) -> str:
        return f"trial {self.trial.number}"

    @property
    def content(self) -> str:
        return digest([dataclasses.asdict(self.trial), dict(self.about)])


def about(arm: Arm, unit: str) -> dict[str, str]:
    """What a trial's run says of its arm."""
    space = {name: dataclasses.asdict(within) for name, within in arm.study.space().items()}
    return {
        "study": arm.study.name,
        "arm": arm.id,
        "repeats": arm.repeats,
        "base": f"{arm.suite.slug}/{arm.row.name}",
        "sampler": arm.method.sampler,
        "pruner": arm.method.pruner,
        "sampler_seed": str(arm.method.seed),
        "epochs": str(arm.epochs),
        "unit": unit,
        "space": json.dumps(space),
    }


def noted(arm: Arm, unit: str, trial: Trial, tags: Mapping[str, str]) -> dict[str, Any]:
    """What is kept of an ended trial."""
    return {"tags": dict(tags), "about": about(arm, unit), "name": arm.name, "trial": dataclasses.asdict(trial)}


def note(home: Path, kept: Mapping[str, Any]) -> None:
    """Keep it among the readers of its cell."""
    path = file_of(home, kept["about"]["arm"], kept["tags"]["setup"], kept["trial"]["number"])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, sealed(kept))


def is_noted(home: Path, kept: Mapping[str, Any]) -> bool:
    path = file_of(home, kept["about"]["arm"], kept["tags"]["setup"], kept["trial"]["number"])
    try:
        return read_sealed(path) is not None
    except Damaged:
        return False


def file_of(home: Path, arm: str, setup: str, number: int) -> Path:
    return home / "readers" / f"trial-{digest([arm, setup, number])}.json"


def entry(told: Mapping[str, Any], cells: Path) -> Tried | None:
    """A kept trial with what its cell's folder holds; None where the registry no longer has the study or the row.
    ``Damaged`` where the folder is."""
    kept = told["trial"]
    trial = Trial(**(kept | {"curve": {int(epoch): value for epoch, value in kept["curve"].items()}}))
    suite = suite_of(told["about"])
    if suite is None:
        return None
    folder = cells / trial.cell
    outcome = {"status": trial.state, "ended": trial.ended, "reason": trial.reason}
    record = Record(folder, read_sealed(folder / "cell.json") or {}, outcome, journal(folder / "journal.jsonl"))
    return Tried(
        suite=suite,
        row=Row(name=told["name"], title=suite.title),
        name=told["name"],
        record=record,
        tags=told["tags"],
        seed=SEED,
        trial=trial,
        about=told["about"],
    )


def suite_of(about: Mapping[str, str]) -> Suite | None:
    """The study in the place of a suite, if it and its row are still there."""
    study = STUDIES.get(about["study"])
    try:
        suite, row = find(about["base"])
    except RegistryError:
        return None
    if study is None:
        return None
    title = f"Study {study.name} on {about['base']}: {study.says}"
    starts = tuple(f"{start.name}: {settings(start.params)}. {start.says}" for start in study.starts)
    return dataclasses.replace(
        suite,
        paper=PAPER,
        table=study.name,
        title=title,
        source="",
        rows=(row,),
        claims=(),
        notes=starts,
        origin="ours",
    )


@holding.register
def _(entry: Tried) -> Holding:
    """``Unreadable`` where the cell's folder does not hold the trial's epochs any more."""
    trial, record = entry.trial, entry.record
    if trial.curve and len(record.epochs) < len(trial.curve):
        raise Unreadable(f"{record.folder} holds {len(record.epochs)} of the trial's {len(trial.curve)} epochs")
    end = round(1000 * datetime.datetime.fromisoformat(trial.ended).timestamp())
    metrics = list(points(entry))
    told = tags(entry)
    check = values_check(told, {name: value for name, value, _ in metrics})
    return Holding(
        tags=told | {"check": check},
        params={name: str(value) for name, value in record.about.get("settings", {}).items()}
        | {name: repr(value) for name, value in trial.params.items()},
        metrics=metrics,
        data=record.about.get("data", {}),
        source=str(record.about.get("source", "")),
        answered=None,
        start=end - round(1000 * sum(total(entry, name) for name in TOTALS[1:2])),
        end=end,
        status=STATUS[trial.state],
    )


def tags(entry: Tried) -> dict[str, str]:
    trial, about = entry.trial, entry.record.about
    return {
        **entry.tags,
        **entry.about,
        "kind": "trial",
        "content": entry.content,
        "training": str(entry.record.training),
        "declared": declaration(entry.suite, entry.row),
        "row": entry.name,
        "trial": str(trial.number),
        "state": trial.state,
        "start": trial.start,
        "reused": str(trial.reused).lower(),
        "reason": trial.reason,
        "cell": trial.cell,
        "digest": str(about.get("key", "")),
        "trained": entry.record.trained,
        "params": json.dumps(dict(trial.params)),
        "threads": str(about.get("threads", "")),
        "device": str(about.get("device", "")),
        "torch": str(about.get("torch", "")),
        "warnings": listed([]),
        **{name: str(value) for name, value in about.get("code", {}).items()},
    }


def points(entry: Tried) -> Iterator[Point]:
    """Every metric of the epochs that count, what the trial came to and what it cost."""
    trial = entry.trial
    for epoch in entry.record.epochs[: len(trial.curve)]:
        for name, value in flat_scores(entry.suite, epoch):
            yield name, value, epoch["epoch"]
    for name, score in trial.scores.items():
        yield f"reported/{name}", score, trial.epoch
    if trial.curve:
        yield "reported/epoch", trial.epoch, 0
    for name in TOTALS[1:3]:
        yield name, total(entry, name), 0
    yield "cost", trial.cost, 0
    yield "epochs", len(trial.curve), 0


def total(entry: Tried, name: str) -> float:
    """Of the epochs that count."""
    return sum(float(epoch[name]) for epoch in entry.record.epochs[: len(entry.trial.curve)])
