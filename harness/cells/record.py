"""What a cell that has ended left in its folder: read back and checked."""

from __future__ import annotations

import dataclasses
import datetime
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.cells.atomic import Damaged, checksummed, verified, write_atomic
from harness.cells.cell import Cell, describe_cell
from harness.cells.home import cell_folder, cells_folder
from model.answers import Answers

PARTS = ("cell.json", "journal.jsonl", "predictions.npz")  # of a finished cell, beside its outcome


@dataclasses.dataclass(frozen=True)
class Record:
    """What a finished or failed cell left in its folder, checked."""

    folder: Path
    metadata: Mapping[str, Any]  # cell.json
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
        """The number of this training among those of the cell, from 1: what orders trainings, whatever clocks say."""
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


def read_record(folder: Path) -> Record | None:
    """The record of a cell that has ended, or None. ``Damaged`` where a file is not what was written."""
    outcome = read_checksummed(folder / "outcome.json")
    if outcome is None:
        return None
    metadata = read_checksummed(folder / "cell.json") or {}
    record = Record(folder, metadata, outcome, read_journal(folder / "journal.jsonl"))
    if record.done:
        written = outcome.get("checks", {})
        for name, check in file_checksums(folder).items():
            if written.get(name) != check:
                raise Damaged(f"{folder / name} is damaged")
    return record


def file_checksums(folder: Path) -> dict[str, int]:
    """Checksums of what a finished cell consists of, by file; ``Damaged`` where one cannot be read."""
    checksums = {}
    for name in PARTS:
        try:
            checksums[name] = zlib.crc32((folder / name).read_bytes())
        except OSError:
            raise Damaged(f"{folder / name} cannot be read") from None
    return checksums


def read_checksummed(path: Path) -> dict[str, Any] | None:
    """The object in a file of one checksummed line, None where there is no file; ``Damaged``."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise Damaged(f"{path} cannot be read") from None
    return verified(text, str(path))


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The entries of a journal, an epoch each; empty where there is none. ``Damaged`` names the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        raise Damaged(f"{path} cannot be read") from None
    return [verified(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)]


def cell_folders(home: Path) -> list[Path]:
    """The folder of every cell in this results folder, begun or ended."""
    cells = cells_folder(home)
    return sorted(path for path in cells.iterdir() if path.is_dir()) if cells.is_dir() else []


def read_records(home: Path, damaged: list[str] | None = None) -> Iterator[Record]:
    """All cells that have ended in this results folder; the reasons of damaged ones go to ``damaged``."""
    for folder in cell_folders(home):
        try:
            record = read_record(folder)
        except Damaged as damage:
            if damaged is not None:
                damaged.append(str(damage))
            continue
        if record is not None:
            yield record


def write_failure(home: Path, cell: Cell, reason: str, trace: str, training: int = 1) -> None:
    """Write why a cell failed; ``training`` counts its trainings from 1."""
    folder = cell_folder(home, cell.id)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "traceback.txt", trace)
    if not (folder / "cell.json").exists():  # it failed before it began
        write_atomic(folder / "cell.json", checksummed(describe_cell(cell)))
    outcome = {"status": "failed", "reason": reason, "ended": timestamp(), "training": training}
    write_atomic(folder / "outcome.json", checksummed(outcome))


def timestamp() -> str:
    """The time, so that later ones sort after earlier ones."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


JournalEntry = Mapping[str, Any]  # a line of a cell's journal
