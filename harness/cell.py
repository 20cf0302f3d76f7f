"""A cell: one training, named by the hash of all that decides its result. The unit of work, resume and sharing."""

from __future__ import annotations

import dataclasses
import datetime
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from experiments.variant import Formula, overall
from harness.durable import Damaged, sealed, unsealed, write_aside
from model.answers import Answers
from model.recipe import Recipe, digest, versions
from model.selection import Selection
from model.technique import describe, flatten

PARTS = ("cell.json", "journal.jsonl", "predictions.npz")  # of a finished cell, beside its outcome


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
        described = describe(self.recipe)
        return key_of(described, self.seed, self.data, self.encoder, self.scored, self.training_sample)

    @cached_property
    def id(self) -> str:
        """The folder's name under ``<home>/cells``."""
        return id_of(self.key, versions(self.recipe))


def key_of(
    described: Mapping[str, Any],
    seed: int,
    data: Mapping[str, str],
    encoder: str,
    scored: Mapping[str, int],
    training_sample: int,
) -> str:
    """``Cell.key`` from a recipe's description."""
    content = {
        "recipe": {name: value for name, value in described.items() if name != "encoder"},
        "seed": seed,
        "data": dict(data),
        "encoder": encoder,
        "scored": dict(scored),
        "training_sample": training_sample,
    }
    return digest(content, 24)


def id_of(key: str, code: Mapping[str, int]) -> str:
    """``Cell.id``: the key and the versions of the code that trains."""
    return digest([key, dict(code)], 24)


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
    """What a finished or failed cell left in its folder, checked."""

    folder: Path
    about: Mapping[str, Any]  # cell.json
    outcome: Mapping[str, Any]  # outcome.json: status, reason, seconds, items, peak memory
    epochs: Sequence[Mapping[str, Any]]  # the journal: scores by split, signals and seconds of each epoch

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def done(self) -> bool:
        return self.outcome.get("status") == "done"

    @property
    def trained(self) -> str:
        """When the training ended, and how."""
        return f"{self.outcome.get('ended', '')} {self.outcome.get('status')}"

    @property
    def training(self) -> int:
        """The how manyeth training of this cell it is, from 1: what orders trainings, whatever clocks say."""
        return int(self.outcome.get("training", 1))

    def answers(self, epoch: int) -> dict[tuple[str, str], Answers]:
        """What was answered after an epoch (0 for an untrained cell), by split and task, as far as it was scored.
        ``Damaged`` if the file is."""
        path = self.folder / "predictions.npz"
        try:
            with np.load(path, allow_pickle=False) as stored:
                names = [name.split("/") for name in stored.files if name.endswith(f"/{epoch}")]
                return {
                    (split, task): Answers(
                        stored[f"{split}/{task}/ids"],
                        stored[f"{split}/{task}/{epoch}"].astype(float),
                        stored[f"{split}/{task}/labels"].astype(float),
                    )
                    for split, task, _ in names
                }
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise Damaged(f"{path} is damaged ({error})") from None


def read(folder: Path) -> Record | None:
    """The record of a cell that has ended, or None. ``Damaged`` where a file is not what was written."""
    outcome = read_sealed(folder / "outcome.json")
    if outcome is None:
        return None
    about = read_sealed(folder / "cell.json") or {}
    record = Record(folder, about, outcome, journal(folder / "journal.jsonl"))
    if record.done:
        written = outcome.get("checks", {})
        for name, check in checks(folder).items():
            if written.get(name) != check:
                raise Damaged(f"{folder / name} is damaged")
    return record


def checks(folder: Path) -> dict[str, int]:
    """Checksums of what a finished cell consists of, by file; ``Damaged`` where one cannot be read."""
    found = {}
    for name in PARTS:
        try:
            found[name] = zlib.crc32((folder / name).read_bytes())
        except OSError:
            raise Damaged(f"{folder / name} cannot be read") from None
    return found


def read_sealed(path: Path) -> dict[str, Any] | None:
    """A sealed object's file, None where there is none; ``Damaged``."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise Damaged(f"{path} cannot be read") from None
    return unsealed(text, str(path))


def journal(path: Path) -> list[dict[str, Any]]:
    """The entries of a journal, an epoch each; empty where there is none. ``Damaged`` names the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        raise Damaged(f"{path} cannot be read") from None
    return [unsealed(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)]


def folders(home: Path) -> list[Path]:
    """The folder of every cell in this home, begun or ended."""
    cells = home / "cells"
    return sorted(path for path in cells.iterdir() if path.is_dir()) if cells.is_dir() else []


def records(home: Path, told: list[str] | None = None) -> Iterator[Record]:
    """All cells that have ended in this home; damaged ones are left out, and their reasons added to ``told``."""
    for folder in folders(home):
        try:
            record = read(folder)
        except Damaged as damage:
            if told is not None:
                told.append(str(damage))
            continue
        if record is not None:
            yield record


def identity(cell: Cell) -> dict[str, Any]:
    """What defines the cell, as cell.json has it: its name can be computed again from this alone."""
    return {
        "id": cell.id,
        "key": cell.key,
        "seed": cell.seed,
        "recipe": describe(cell.recipe),
        "settings": flatten(cell.recipe),
        "versions": versions(cell.recipe),
        "data": dict(cell.data),
        "source": cell.source,
        "encoder": cell.encoder,
    }


def fail(home: Path, cell: Cell, reason: str, trace: str, training: int = 1) -> None:
    """Keep why a cell failed, in its so manyeth training."""
    folder = home / "cells" / cell.id
    folder.mkdir(parents=True, exist_ok=True)
    write_aside(folder / "traceback.txt", trace)
    if not (folder / "cell.json").exists():  # it failed before it began
        write_aside(folder / "cell.json", sealed(identity(cell)))
    outcome = {"status": "failed", "reason": reason, "ended": now(), "training": training}
    write_aside(folder / "outcome.json", sealed(outcome))


def now() -> str:
    """The time, so that later ones sort after earlier ones."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
