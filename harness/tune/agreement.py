"""A study's storage against the cells: a trial's parameters and value must be those of the cell that trained it,
whose files have checksums, so that an entry that was changed or damaged is never used."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.cells.atomic import Damaged
from harness.cells.record import journal, read_checksummed
from harness.cells.trial import Trial, reached
from harness.tune.study_run import StudyRun
from model.errors import InputError
from model.settings import flatten


def check_agreement(study_run: StudyRun, trials: Iterable[Trial], home: Path, storage: str) -> None:
    """``InputError`` names the first complete trial whose cell, if it is here, says anything else."""
    for trial in trials:
        wrong = disagreement(study_run, trial, home) if trial.state == "complete" else ""
        if wrong:
            raise InputError(
                f"trial {trial.number} of {study_run.name} in {storage}: {wrong}; the storage was changed or damaged. "
                "Delete it, or that study in it: the same command makes it again from the cells, without training"
            )


def disagreement(study_run: StudyRun, trial: Trial, home: Path) -> str:
    """A difference between a complete trial's entry and its cell, or nothing."""
    folder = home / "cells" / trial.cell
    try:
        about, epochs = read_checksummed(folder / "cell.json"), journal(folder / "journal.jsonl")
    except Damaged:  # it is trained again
        return ""
    if not about or not epochs:
        return ""
    trained, declared = about.get("settings", {}), flatten(study_run.recipe(trial.params))
    for name, value in settings(declared).items():
        if name in trained and value != trained[name]:
            return f"it has {name} {value}, and its cell was trained with {trained[name]}"
    computed = reached(study_run.suite, study_run.row, epochs).value
    if computed is None or trial.value is None or not math.isclose(computed, trial.value, rel_tol=1e-9, abs_tol=1e-12):
        return f"it has the value {trial.value}, and its cell {computed}"
    return ""


def settings(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's fields but for the encoder's, which may lie elsewhere by now."""
    fields = {name: value for name, value in recipe.items() if not name.startswith("encoder")}
    plain: dict[str, Any] = json.loads(json.dumps(fields))  # as cell.json has them
    return plain
