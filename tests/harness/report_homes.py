"""Homes made by hand whose answers mean something: every score follows from the answers that are kept beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.suite import Row, Suite, overall
from harness.cells.atomic import checksummed
from harness.cells.cell import Cell, describe_cell
from harness.cells.record import file_checksums
from harness.registry.selectors import find
from harness.tracking.store import Store
from harness.tracking.sync import Count, Delivery
from model.digest import digest
from tests.harness.homes import METRICS, TAGS, TASKS, declared, moment

ITEMS = {"sst": 40, "quora": 50, "sts": 30}
SPLITS = ("dev", "test")
EPOCHS = 2

Array = NDArray[np.float64]
Answers = dict[tuple[str, str, int], Array]  # by split, task and epoch


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """One cell; its name is what a test calls it, or that of its folder. ``skill`` is the chance of a right answer;
    ``ended`` the minute it ended in; ``constant`` names tasks with one answer for every item; ``splits`` those that
    have labels; ``data`` decides labels and fingerprints. Answers are drawn by ``stream``, the name if there is none.
    """

    name: str
    row: str  # full slug
    stream: str = ""
    seed: int = 0
    skill: float = 0.6
    ended: int = 1
    constant: tuple[str, ...] = ()
    splits: tuple[str, ...] = SPLITS
    data: str = "d1"
    ids: str = ""  # before each item's id
    failure: str = ""
    warnings: tuple[str, ...] = ()
    profile: str = "demo"
    variant: str = ""
    cell: Cell | None = None  # as it was planned, if it was

    @property
    def pair(self) -> tuple[Suite, Row]:
        return find(self.row)


def cell_of(training: Training) -> Cell:
    """The cell that the row has of such data."""
    if training.cell is not None:
        return training.cell
    data = {task: digest([training.data, task]) for task in TASKS}
    return declared(training.row, training.seed, data, profile=training.profile, variant=training.variant)


def id_of(training: Training) -> str:
    """The cell's name: given, or as it follows from what is declared."""
    return training.name if re.fullmatch("[0-9a-f]{24}", training.name) else cell_of(training).id


def drawn(*names: object) -> np.random.Generator:
    """A stream of this name."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(names).encode()).digest()[:8], "big"))


def labels(training: Training, split: str, task: str) -> Array:
    random, size = drawn(training.data, split, task), ITEMS[task]
    if task == "sts":
        return random.uniform(0, 5, size).round(1)
    return random.integers(5 if task == "sst" else 2, size=size).astype(float)


def answers(training: Training) -> Answers:
    result = {}
    for split in training.splits:
        for task in TASKS:
            gold = labels(training, split, task)
            for epoch in range(1, EPOCHS + 1):
                random = drawn(training.stream or training.name, split, task, epoch)
                if task in training.constant:
                    result[split, task, epoch] = np.full(len(gold), 2.5 if task == "sts" else 1.0)
                elif task == "sts":
                    noise = random.uniform(0, 5, len(gold))
                    result[split, task, epoch] = training.skill * gold + (1 - training.skill) * noise
                else:
                    classes = 5 if task == "sst" else 2
                    wrong = (gold + random.integers(1, classes, len(gold))) % classes
                    right = random.uniform(size=len(gold)) < training.skill
                    result[split, task, epoch] = np.where(right, gold, wrong)
    return result


def score(task: str, predicted: Array, gold: Array) -> float:
    """Accuracy, or Pearson's r by NumPy; NaN for constant answers."""
    if task != "sts":
        return float(np.mean(predicted == gold))
    return math.nan if np.ptp(predicted) == 0 else float(np.corrcoef(predicted, gold)[0, 1])


def scores(training: Training, split: str, epoch: int) -> dict[str, float]:
    """The metrics of one split and epoch, without overall."""
    kept = answers(training)
    return {
        METRICS[task]: score(task, kept[split, task, epoch], labels(training, split, task))
        for task in TASKS
        if split in training.splits
    }


def expected(training: Training) -> tuple[int, dict[str, float]]:
    """The epoch that the row's selection reads, and what it reports there on its split; with overall where it is."""
    suite, row = training.pair
    dev = [with_overall(suite, scores(training, "dev", epoch)) for epoch in range(1, EPOCHS + 1)]
    chosen = 1 + suite.selection_of(row).choose(dev)
    values = scores(training, row.split, chosen)
    return chosen, {name: value for name, value in with_overall(suite, values).items() if math.isfinite(value)}


def with_overall(suite: Suite, values: Mapping[str, float]) -> dict[str, float]:
    total = overall(suite.formula, values)
    return dict(values) | ({} if total is None else {"overall": total})


def train(home: Path, training: Training) -> str:
    """Leave the training's cell in the results folder, as the executor does; its name."""
    folder = home / "cells" / id_of(training)
    folder.mkdir(parents=True, exist_ok=True)
    ended = moment(training.ended)
    if training.failure:
        (folder / "cell.json").write_text(checksummed(describe_cell(cell_of(training))))
        (folder / "outcome.json").write_text(
            checksummed({"status": "failed", "reason": training.failure, "ended": ended})
        )
        return folder.name
    journal = [checksummed(epoch(training, number)) for number in range(1, EPOCHS + 1)]
    (folder / "journal.jsonl").write_text("".join(f"{line}\n" for line in journal))
    (folder / "cell.json").write_text(checksummed(about(training)))
    (folder / "predictions.npz").write_bytes(predictions(training))
    spent = {"seconds": 60.25, "training_seconds": 50.5, "items": 960, "peak_memory_bytes": 10**9}
    outcome = {"status": "done", "epochs": EPOCHS, "checks": file_checksums(folder), "ended": ended}
    outcome["warnings"] = list(training.warnings)
    (folder / "outcome.json").write_text(checksummed(outcome | spent))
    return folder.name


def about(training: Training) -> dict[str, Any]:
    return {
        **describe_cell(cell_of(training)),
        "id": id_of(training),
        "threads": 1,
        "device": "cpu",
        "torch": "2",
        "code": {"version": "0", "revision": "abc"},
        "started": moment(training.ended - 1),
    }


def epoch(training: Training, number: int) -> dict[str, Any]:
    values = {split: scores(training, split, number) for split in training.splits}
    collapsed = {f"collapsed/{task}": float(task in training.constant) for task in TASKS}
    signals = {f"loss/{task}": 1 / number for task in TASKS} | collapsed | {"conflict": 0.25 * number}
    return {
        "epoch": number,
        "scores": {"train": values["dev"]} | values,
        "signals": signals,
        "training_seconds": 16.5,
        "items": 320,
    }


def predictions(training: Training) -> bytes:
    arrays: dict[str, Any] = {}
    for (split, task, number), predicted in answers(training).items():
        gold = labels(training, split, task)
        ids = [f"{training.ids}{split}-{task}-{at}" for at in range(len(gold))]
        arrays[f"{split}/{task}/ids"] = np.array(ids, dtype=np.str_)
        arrays[f"{split}/{task}/labels"] = gold
        arrays[f"{split}/{task}/{number}"] = predicted
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def reads(home: Path, row: str, trainings: Iterable[Training], **tags: str) -> None:
    """Note that a row (its full slug) reads these cells in the set-up of these tags."""
    suite, _, name = row.rpartition("/")
    all_tags = TAGS | {"data_notes": json.dumps({"notes": [], "duplicates": {}})} | tags
    cells = {id_of(each): each.seed for each in trainings}
    entry = {
        "tags": all_tags,
        "rows": [{"suite": suite, "row": name, "name": name + all_tags["variant"], "cells": cells}],
    }
    path = home / "readers" / f"{digest(entry)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(checksummed(entry))


def furnish(home: Path, trainings: Iterable[Training], **tags: str) -> list[Training]:
    """Train them all, each read by its own row, in one set-up."""
    furnished = list(trainings)
    for each in furnished:
        train(home, each)
    for row in dict.fromkeys(each.row for each in furnished):
        reads(home, row, [each for each in furnished if each.row == row], **tags)
    return furnished


def seeds(row: str, count: int, **more: Any) -> list[Training]:
    """Trainings of a row on seeds from 0."""
    stem = row.replace("/", "-") + more.pop("suffix", "")
    return [Training(name=f"{stem}-{seed}", row=row, seed=seed, ended=seed + 1, **more) for seed in range(count)]


def deliver(home: Path, uri: str | None = None) -> Count:
    """Every cell of the results folder into its store, or another."""
    with Delivery(Store(home, uri), print) as delivery:
        return delivery.deliver_all(home)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
