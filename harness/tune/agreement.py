"""A study's storage against its results folder: a trial's entry must follow from its parameters, from the cell that
trained it and from the record of its end. Both files have checksums, so that an entry that was changed or damaged is
never used."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.suite import RegistryError
from harness.cells.atomic import Damaged
from harness.cells.home import cell_folder
from harness.cells.record import read_checksummed, read_journal
from harness.cells.trial import Trial, trial_outcome
from harness.tracking.trial_payload import trial_file
from harness.tune.storage import AGAIN
from harness.tune.study_run import StudyRun
from model.errors import InputError
from model.settings import flatten


def check_agreement(study_run: StudyRun, trials: Iterable[Trial], home: Path, setup: str, storage: str) -> None:
    """``InputError`` names the first trial of which cell or note, if they are here, say anything else."""
    for trial in trials:
        if trial.ours and (wrong := disagreement(study_run, trial, home, setup)):
            raise InputError(f"trial {trial.number} of {study_run.name} in {storage}: {wrong}; {AGAIN}")


def disagreement(study_run: StudyRun, trial: Trial, home: Path, setup: str) -> str:
    """What a trial's entry says that is not so."""
    try:
        recipe, cell, start = (
            study_run.recipe(trial.params),
            study_run.cell(trial.params),
            study_run.start(trial.params),
        )
    except (RegistryError, KeyError) as error:
        return f"its parameters are none of the study's ({error})"
    folder = cell_folder(home, trial.cell)
    if trial.state == "complete" and (wrong := compare_cell(study_run, trial, flatten(recipe), folder)):
        return wrong
    if cell.id != trial.cell:
        return f"its parameters are those of the cell {cell.id}, and it names {trial.cell}"
    if trial.start != (start.name if start else ""):
        return f"it has the start {trial.start or '(none)'}, and its parameters are not those"
    return "" if trial.running else compare_note(trial, trial_file(home, study_run.id, setup, trial.number))


def compare_cell(study_run: StudyRun, trial: Trial, declared: Mapping[str, Any], folder: Path) -> str:
    """What a complete trial's entry says and its cell does not."""
    try:
        about, epochs = read_checksummed(folder / "cell.json"), read_journal(folder / "journal.jsonl")
    except Damaged:  # it is trained again
        return ""
    if not about or not epochs:
        return ""
    trained = about.get("settings", {})
    for name, value in settings(declared).items():
        if name in trained and value != trained[name]:
            return f"it has {name} {value}, and its cell was trained with {trained[name]}"
    computed = trial_outcome(study_run.suite, study_run.row, epochs).value
    if computed is None or trial.value is None or not math.isclose(computed, trial.value, rel_tol=1e-9, abs_tol=1e-12):
        return f"it has the value {trial.value}, and its cell {computed}"
    return ""


def compare_note(trial: Trial, note: Path) -> str:
    """What an ended trial's entry says and was not kept of it when it ended."""
    try:
        kept = (read_checksummed(note) or {}).get("trial", {})
    except Damaged:  # reports say so
        return ""
    entry = json.loads(json.dumps(dataclasses.asdict(trial)))
    if kept.get("value") is None:  # Optuna may have one of its own
        entry["value"] = None
    for name, value in kept.items():
        if json.dumps(entry.get(name), sort_keys=True) != json.dumps(value, sort_keys=True):  # NaN is not itself
            return f"it has {name} {entry.get(name)}, and {value} was kept when it ended"
    return ""


def settings(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's fields but for the encoder's, which may lie elsewhere by now."""
    fields = {name: value for name, value in recipe.items() if not name.startswith("encoder")}
    plain: dict[str, Any] = json.loads(json.dumps(fields))  # as cell.json has them
    return plain
