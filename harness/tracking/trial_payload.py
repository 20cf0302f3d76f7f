"""Trials in the tracking store: an experiment a study, a parent run an arm, a child a trial. All of it is also written
to the results folder, so that it can be delivered again to any store."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.studies import STUDIES
from experiments.study import format_params
from experiments.suite import RegistryError, Row, Suite
from harness.cells.atomic import Damaged, checksummed, write_atomic
from harness.cells.home import cells_folder, readers_folder
from harness.cells.record import Record, read_checksummed, read_journal
from harness.cells.row_result import ResultEntry, flat_scores
from harness.cells.trial import SEED, Trial
from harness.planning.manifest import read_manifests
from harness.planning.matching import reading_digest
from harness.planning.setup_tags import texts_tag
from harness.registry.selectors import find
from harness.tracking.current_runs import values_check
from harness.tracking.run_payload import Point, RunPayload, Unreadable, run_payload
from harness.tracking.seed_result import TOTALS
from model.digest import digest

PAPER = "tuning"  # of every study, where suites have their paper
STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrialEntry(ResultEntry):
    """An ended trial; ``arm_tags`` are those of its arm."""

    trial: Trial
    arm_tags: Mapping[str, str]

    @property
    def part(self) -> str:
        return f"trial {self.trial.number}"

    @property
    def content(self) -> str:
        return digest([dataclasses.asdict(self.trial), dict(self.arm_tags)])


def write_trial(home: Path, record: Mapping[str, Any]) -> None:
    """Write an ended trial's record among the readers of its cell."""
    path = trial_file(home, record["about"]["arm"], record["tags"]["setup"], record["trial"]["number"])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, checksummed(record))


def is_written(home: Path, record: Mapping[str, Any]) -> bool:
    """Whether a trial's record is there, undamaged."""
    path = trial_file(home, record["about"]["arm"], record["tags"]["setup"], record["trial"]["number"])
    try:
        return read_checksummed(path) is not None
    except Damaged:
        return False


def trial_file(home: Path, arm: str, setup: str, number: int) -> Path:
    return readers_folder(home) / f"trial-{digest([arm, setup, number])}.json"


def trial_entry(stored: Mapping[str, Any], cells: Path) -> TrialEntry | None:
    """A kept trial with what its cell's folder holds; None where the registry no longer has the study or the row.
    ``Damaged`` where the folder is."""
    values = stored["trial"]
    trial = Trial(**(values | {"curve": {int(epoch): value for epoch, value in values["curve"].items()}}))
    suite = study_suite(stored["about"])
    if suite is None:
        return None
    folder = cells / trial.cell
    outcome = {"status": trial.state, "ended": trial.ended, "reason": trial.reason}
    record = Record(
        folder, read_checksummed(folder / "cell.json") or {}, outcome, read_journal(folder / "journal.jsonl")
    )
    return TrialEntry(
        suite=suite,
        row=Row(name=stored["name"], title=suite.title),
        name=stored["name"],
        record=record,
        tags=stored["tags"],
        seed=SEED,
        trial=trial,
        arm_tags=stored["about"],
    )


def study_suite(about: Mapping[str, str]) -> Suite | None:
    """The study as a suite, if it and its row are still there."""
    study = STUDIES.get(about["study"])
    try:
        suite, row = find(about["base"])
    except RegistryError:
        return None
    if study is None:
        return None
    title = f"Study {study.name} on {about['base']}: {study.says}"
    starts = tuple(f"{start.name}: {format_params(start.params)}. {start.says}" for start in study.starts)
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


@run_payload.register
def _(entry: TrialEntry) -> RunPayload:
    """``Unreadable`` where the cell's folder does not hold the trial's epochs any more."""
    trial, record = entry.trial, entry.record
    if trial.curve and len(record.epochs) < len(trial.curve):
        raise Unreadable(f"{record.folder} holds {len(record.epochs)} of the trial's {len(trial.curve)} epochs")
    end = round(1000 * datetime.datetime.fromisoformat(trial.ended).timestamp())
    metrics = list(trial_points(entry))
    tags = trial_tags(entry)
    check = values_check(tags, {name: value for name, value, _ in metrics})
    return RunPayload(
        tags=tags | {"check": check},
        params={name: str(value) for name, value in record.metadata.get("settings", {}).items()}
        | {name: repr(value) for name, value in trial.params.items()},
        metrics=metrics,
        data=record.metadata.get("data", {}),
        source=str(record.metadata.get("source", "")),
        answered=None,
        start=end - round(1000 * sum(sum_epochs(entry, name) for name in TOTALS[1:2])),
        end=end,
        status=STATUS[trial.state],
    )


def trial_tags(entry: TrialEntry) -> dict[str, str]:
    trial, about = entry.trial, entry.record.metadata
    return {
        **entry.tags,
        **entry.arm_tags,
        "kind": "trial",
        "content": entry.content,
        "training": str(entry.record.training),
        "declared": reading_digest(entry.suite, entry.row),
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
        "warnings": texts_tag([]),
        **{name: str(value) for name, value in about.get("code", {}).items()},
    }


def trial_points(entry: TrialEntry) -> Iterator[Point]:
    """Every metric of the epochs that count, the trial's scores and its cost."""
    trial = entry.trial
    for epoch in entry.record.epochs[: len(trial.curve)]:
        for name, value in flat_scores(entry.suite, epoch):
            yield name, value, epoch["epoch"]
    for name, score in trial.scores.items():
        yield f"reported/{name}", score, trial.epoch
    if trial.curve:
        yield "reported/epoch", trial.epoch, 0
    for name in TOTALS[1:3]:
        yield name, sum_epochs(entry, name), 0
    yield "cost", trial.cost, 0
    yield "epochs", len(trial.curve), 0


def sum_epochs(entry: TrialEntry, name: str) -> float:
    """The sum of a figure over the epochs that count."""
    return sum(float(epoch[name]) for epoch in entry.record.epochs[: len(entry.trial.curve)])


def read_trials(home: Path, gone: set[str], damaged: list[str]) -> list[TrialEntry]:
    """The ended trials of a results folder, in the order in which they ended; studies that are not in the registry any
    more are added to ``gone``, what cannot be read to ``damaged``."""
    entries = []
    for record in read_manifests(home, None):
        if "trial" not in record:
            continue
        try:
            entry = trial_entry(record, cells_folder(home))
        except Damaged as damage:
            damaged.append(str(damage))
            continue
        if entry is None:
            gone.add(f"{PAPER}/{record['about']['study']}")
        else:
            entries.append(entry)
    return sorted(entries, key=lambda entry: entry.trial.ended)
