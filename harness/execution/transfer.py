"""Files between a driver's results folder and a worker's elsewhere: what a cell needs, and what it has written."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from harness.cells.atomic import write_all_atomic
from harness.cells.cell import Cell
from model.data.reviews import Reviews
from model.encoders.domain_pretrained import DomainPretrained
from model.encoders.placeholders import Derived
from model.interfaces import Encoder

LAST = "outcome.json"  # with it a cell has ended: written after all else
NOT_SENT = ("claim.json",)
HUB = "hub:"

Stamp = tuple[int, int]
Part = TypeVar("Part")


@dataclasses.dataclass(frozen=True)
class Files:
    """Contents by path within a folder; None: the file is gone."""

    contents: Mapping[str, bytes | None]

    def write(self, folder: Path) -> None:
        """Write them to the folder, each whole, the outcome last."""
        written = {}
        for name, content in sorted(self.contents.items(), key=lambda pair: pair[0] == LAST):
            path = folder / name
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                written[path] = content
        write_all_atomic(written)


def complete_files(folder: Path) -> Iterator[Path]:
    """The files of a folder that are whole."""
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.endswith(".part") and name not in NOT_SENT:
                yield Path(where, name)


def read_files(folder: Path) -> Files:
    """All files of a folder, or a single file under its own name."""
    if folder.is_file():
        return Files({folder.name: folder.read_bytes()})
    return Files({str(path.relative_to(folder)): path.read_bytes() for path in complete_files(folder)})


class Changes:
    """Files written in a folder since the last look."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen = self.current_stamps()

    def current_stamps(self) -> dict[str, Stamp]:
        stamps = {}
        for path in complete_files(self.folder):
            stat = path.stat()
            stamps[str(path.relative_to(self.folder))] = (stat.st_mtime_ns, stat.st_size)
        return stamps

    def take_new(self) -> Files | None:
        """None for nothing."""
        now = self.current_stamps()
        written = [name for name, stamp in now.items() if self.seen.get(name) != stamp]
        gone = [name for name in self.seen if name not in now]
        self.seen = now
        if not written and not gone:
            return None
        return Files({name: (self.folder / name).read_bytes() for name in written} | dict.fromkeys(gone))


def local_inputs(cell: Cell) -> list[str]:
    """The files and folders of this machine that the cell's recipe and data name."""
    names = [cell.source.removeprefix(HUB)]
    names += [str(branch.task.file) for branch in cell.recipe.branches if branch.task.file]
    encoder: Encoder | None = cell.recipe.encoder
    while encoder is not None:
        names += [getattr(encoder, "name", ""), encoder.text if isinstance(encoder, DomainPretrained) else ""]
        encoder = encoder.start if isinstance(encoder, Derived) else None
    names += [each.source for branch in cell.recipe.branches for each in branch.extra if isinstance(each, Reviews)]
    return list(dict.fromkeys(name for name in names if name and os.path.exists(os.path.expanduser(name))))


@dataclasses.dataclass(frozen=True)
class Parcel:
    """A file or folder of the driver's machine. ``key`` names it on another: the same for the same content."""

    name: str
    key: str
    single: bool
    files: Files

    def unpack(self, folder: Path) -> str:
        """Unpack it under ``folder``; returns where it is."""
        target = folder / self.key
        if not target.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=f".{self.key}-", dir=folder))
            self.files.write(aside)
            with contextlib.suppress(OSError):  # another worker of this machine was first
                aside.rename(target)
            shutil.rmtree(aside, ignore_errors=True)
        return str(target / Path(self.name).name if self.single else target)


def make_parcel(name: str) -> Parcel:
    """A file or folder by its name here."""
    path = Path(name).expanduser()
    files = read_files(path)
    running = hashlib.sha256()
    for part, content in sorted(files.contents.items()):
        running.update(part.encode() + b"\0" + hashlib.sha256(content or b"").digest())
    return Parcel(name, running.hexdigest()[:16], path.is_file(), files)


def with_local_paths(cell: Cell, local_paths: Mapping[str, str]) -> Cell:
    """The cell with every name in ``local_paths`` replaced by where it is on this machine."""
    bare = cell.source.removeprefix(HUB)
    source = cell.source.replace(bare, local_paths[bare]) if bare in local_paths else cell.source
    branches = tuple(
        dataclasses.replace(
            branch,
            task=dataclasses.replace(branch.task, file=Path(local_paths[str(branch.task.file)]))
            if str(branch.task.file) in local_paths
            else branch.task,
            extra=tuple(with_local_path(each, "source", local_paths) for each in branch.extra),
        )
        for branch in cell.recipe.branches
    )
    recipe = dataclasses.replace(
        cell.recipe, encoder=encoder_with_local_paths(cell.recipe.encoder, local_paths), branches=branches
    )
    return dataclasses.replace(cell, recipe=recipe, source=source)


def encoder_with_local_paths(encoder: Encoder, local_paths: Mapping[str, str]) -> Encoder:
    encoder = with_local_path(with_local_path(encoder, "name", local_paths), "text", local_paths)
    return (
        dataclasses.replace(encoder, start=encoder_with_local_paths(encoder.start, local_paths))
        if isinstance(encoder, Derived)
        else encoder
    )


def with_local_path(part: Part, field: str, local_paths: Mapping[str, str]) -> Part:
    value: Any = getattr(part, field, None)
    return dataclasses.replace(part, **{field: local_paths[value]}) if value in local_paths else part  # type: ignore[type-var]
