"""A study's storage against the home: what a trial's entry says follows from its parameters, from the cell that trained
it and from what was kept when it ended. Both are sealed, so that an entry that was changed or damaged is never
believed."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.variant import RegistryError
from harness.cell import journal, read_sealed
from harness.durable import Damaged
from harness.tune.arm import Arm
from harness.tune.storage import AGAIN
from harness.tune.told import file_of
from harness.tune.trial import Trial, reached
from model.errors import InputError
from model.technique import flatten


def agree(arm: Arm, trials: Iterable[Trial], home: Path, setup: str, storage: str) -> None:
    """``InputError`` names the first trial of which cell or note, if they are here, say anything else."""
    for trial in trials:
        if trial.ours and (wrong := disagreement(arm, trial, home, setup)):
            raise InputError(f"trial {trial.number} of {arm.name} in {storage}: {wrong}; {AGAIN}")


def disagreement(arm: Arm, trial: Trial, home: Path, setup: str) -> str:
    """What a trial's entry says that is not so."""
    try:
        recipe, cell, start = arm.recipe(trial.params), arm.cell(trial.params), arm.start(trial.params)
    except (RegistryError, KeyError) as error:
        return f"its parameters are none of the study's ({error})"
    if trial.state == "complete" and (wrong := beside_cell(arm, trial, flatten(recipe), home / "cells" / trial.cell)):
        return wrong
    if cell.id != trial.cell:
        return f"its parameters are those of the cell {cell.id}, and it names {trial.cell}"
    if trial.start != (start.name if start else ""):
        return f"it has the start {trial.start or '(none)'}, and its parameters are not those"
    return "" if trial.running else beside_note(trial, file_of(home, arm.id, setup, trial.number))


def beside_cell(arm: Arm, trial: Trial, declared: Mapping[str, Any], folder: Path) -> str:
    """What a complete trial's entry says and its cell does not."""
    try:
        about, epochs = read_sealed(folder / "cell.json"), journal(folder / "journal.jsonl")
    except Damaged:  # it is trained again
        return ""
    if not about or not epochs:
        return ""
    trained = about.get("settings", {})
    for name, value in settings(declared).items():
        if name in trained and value != trained[name]:
            return f"it has {name} {value}, and its cell was trained with {trained[name]}"
    told = reached(arm.suite, arm.row, epochs).value
    if told is None or trial.value is None or not math.isclose(told, trial.value, rel_tol=1e-9, abs_tol=1e-12):
        return f"it has the value {trial.value}, and its cell {told}"
    return ""


def beside_note(trial: Trial, note: Path) -> str:
    """What an ended trial's entry says and was not kept of it when it ended."""
    try:
        kept = (read_sealed(note) or {}).get("trial", {})
    except Damaged:  # reports say so
        return ""
    told = json.loads(json.dumps(dataclasses.asdict(trial)))
    if kept.get("value") is None:  # Optuna may have one of its own
        told["value"] = None
    for name, value in kept.items():
        if json.dumps(told.get(name), sort_keys=True) != json.dumps(value, sort_keys=True):  # NaN is not itself
            return f"it has {name} {told.get(name)}, and {value} was kept when it ended"
    return ""


def settings(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's fields but for the encoder's, which may lie elsewhere by now."""
    kept = {name: value for name, value in recipe.items() if not name.startswith("encoder")}
    found: dict[str, Any] = json.loads(json.dumps(kept))  # as cell.json has them
    return found
