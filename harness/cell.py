"""A cell: one training, named by the hash of all that decides its result. The unit of work, resume and sharing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from experiments.variant import Formula, overall
from model.recipe import Recipe, digest, versions
from model.selection import Selection
from model.technique import describe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """``recipe`` is scaled and its encoder resolved; ``data`` maps each task to its fingerprint, ``encoder`` is the
    content identity of the weights (a folder's path is not hashed), ``scored`` the caps on the scored sets. Profile
    and names are not in the hash."""

    recipe: Recipe
    seed: int
    source: str  # how to open the data; not hashed
    data: Mapping[str, str]
    encoder: str
    scored: Mapping[str, int]
    training_sample: int

    @cached_property
    def key(self) -> str:
        """Identity apart from the code that trains: what a stale cell has in common with its successor."""
        return digest(
            {
                "recipe": {name: told for name, told in describe(self.recipe).items() if name != "encoder"},
                "seed": self.seed,
                "data": dict(self.data),
                "encoder": self.encoder,
                "scored": dict(self.scored),
                "training_sample": self.training_sample,
            },
            24,
        )

    @cached_property
    def id(self) -> str:
        """The folder's name under ``<home>/cells``."""
        return digest([self.key, versions(self.recipe)], 24)


@dataclasses.dataclass(frozen=True)
class Keep:
    """Which epochs' weights a worker leaves in the cell's folder: ``all``, or those that a selection chooses under a
    suite's formula for overall (none of them: no weights)."""

    all: bool = False
    choices: tuple[tuple[Selection, Formula], ...] = ()

    def epochs(self, dev: Sequence[Mapping[str, float | None]]) -> set[int]:
        """The positions to keep, seen from the dev scores so far."""
        if self.all:
            return set(range(len(dev)))
        return {selection.choose(comparable(formula, dev)) for selection, formula in self.choices}


def with_overall(formula: Formula, scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """Scores plus the overall by this formula, where all its parts exist."""
    known = {name: score for name, score in scores.items() if score is not None}
    total = overall(formula, known)
    return dict(scores) | ({} if total is None else {"overall": total})


def comparable(formula: Formula, dev: Sequence[Mapping[str, float | None]]) -> list[dict[str, float]]:
    """Dev scores of each epoch as a selection reads them: with overall, NaN where there is none."""
    return [
        {name: float("nan") if score is None else score for name, score in with_overall(formula, scores).items()}
        for scores in dev
    ]


@dataclasses.dataclass(frozen=True)
class Record:
    """What a finished or failed cell left in its folder."""

    folder: Path
    about: Mapping[str, Any]  # cell.json
    outcome: Mapping[str, Any]  # outcome.json: status, reason, seconds, items, peak memory

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def done(self) -> bool:
        return self.outcome.get("status") == "done"

    @cached_property
    def epochs(self) -> list[dict[str, Any]]:
        """The journal: one entry an epoch with scores by split, signals and seconds."""
        lines = (self.folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def predictions(self, split: str, task: str, epoch: int) -> dict[str, np.ndarray] | None:
        """ids, labels and answers of one split and task after an epoch (0 for an untrained cell), if it was scored."""
        with np.load(self.folder / "predictions.npz", allow_pickle=False) as stored:
            answers = f"{split}/{task}/{epoch}"
            if answers not in stored:
                return None
            return {
                "id": stored[f"{split}/{task}/ids"],
                "label": stored[f"{split}/{task}/labels"],
                "answer": stored[answers],
            }


def read(folder: Path) -> Record | None:
    """The record of a cell that has ended, or None."""
    try:
        outcome = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    about = folder / "cell.json"
    return Record(folder, json.loads(about.read_text(encoding="utf-8")) if about.exists() else {}, outcome)


def records(home: Path) -> Iterator[Record]:
    """All cells that have ended in this home."""
    cells = home / "cells"
    for folder in sorted(cells.iterdir()) if cells.is_dir() else ():
        record = read(folder)
        if record is not None:
            yield record


def write_aside(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all."""
    aside = path.with_name(path.name + ".part")
    aside.write_bytes(content.encode() if isinstance(content, str) else content)
    aside.replace(path)


def fail(home: Path, cell: Cell, reason: str, trace: str) -> None:
    """Keep why a cell failed."""
    folder = home / "cells" / cell.id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "traceback.txt").write_text(trace, encoding="utf-8")
    write_aside(folder / "outcome.json", json.dumps({"status": "failed", "reason": reason}, indent=1))
