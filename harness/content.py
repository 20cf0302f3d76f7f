"""What a cell's name knows of data and encoders: their content, seen by the plan and again where a worker reads it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from harness.cell import Cell
from harness.sources import fingerprints_of
from model import manifest
from model.data.examples import DataError
from model.data.reviews import Reviews
from model.encoders import hub
from model.encoders.base import Base, Derived
from model.encoders.loading import EncoderError, identity, is_folder
from model.encoders.pretrained import DomainPretrained
from model.encoders.tiny import Tiny
from model.recipe import Recipe, digest
from model.seams import Encoder
from model.technique import describe, parts

ROOMS = ("model", "experiments")  # whose techniques have versions of their own


def data_identity(recipe: Recipe, prints: Mapping[str, str]) -> dict[str, str]:
    """A fingerprint of each task's rows, and of the reviews where the recipe trains on some."""
    data = {branch.key: prints[branch.key] for branch in recipe.branches}
    for source in reviews_of(recipe):
        if source == "default":
            data["reviews"] = prints["reviews"]
        else:
            data["reviews"] = file_hash(source) if is_file(source) else source
    return data


def reviews_of(recipe: Recipe) -> list[str]:
    """Where its extra rows come from."""
    return [extra.source for branch in recipe.branches for extra in branch.extra if isinstance(extra, Reviews)]


def encoder_identity(encoder: Encoder, prints: Mapping[str, str]) -> str:
    """What a cell's hash knows of the weights it starts from: never a path or a name, always their content."""
    if isinstance(encoder, Tiny):
        from model.data.embedded import VERSION

        return f"tiny:{digest([describe(encoder), encoder.version, VERSION])}"
    if isinstance(encoder, Derived):
        own = describe(dataclasses.replace(encoder, start=Base()))
        start = encoder_identity(encoder.start, prints)
        text = ""
        if isinstance(encoder, DomainPretrained):
            text = prints["text"] if encoder.text == "domain" else file_hash(encoder.text)
            own.pop("text", None)
        return f"{encoder.slug}:{digest([own, encoder.version, start, text])}"
    return encoder.identity()


def leaf(encoder: Encoder) -> Encoder:
    """The encoder that all else starts from."""
    return leaf(encoder.start) if isinstance(encoder, Derived) else encoder


def hub_name(encoder: Encoder) -> str:
    """The hub id that it starts from; nothing for a folder, or an encoder that is made here."""
    name = getattr(leaf(encoder), "name", "")
    if not isinstance(name, str) or not name or is_folder(name):
        return ""
    known = hub.cached(name) is not None or leaf(encoder).identity().endswith(hub.NOT_YET)
    return name if known else ""


def pinned(encoder: Encoder) -> Encoder:
    """The encoder with its hub id at the commit that it stands for, if that is in the local cache."""
    if isinstance(encoder, Derived):
        return dataclasses.replace(encoder, start=pinned(encoder.start))
    snapshot = hub.cached(name) if (name := hub_name(encoder)) else None
    return dataclasses.replace(encoder, name=snapshot.name) if snapshot else encoder  # type: ignore[call-arg]


def commit_of(encoder: Encoder) -> str:
    """The commit of the hub's repository that it starts from; nothing for any other encoder."""
    return hub.parted(name)[1] if (name := hub_name(encoder)) else ""


def shown(name: str) -> str:
    """An encoder's name for people, with the commit of a hub id."""
    if name == "tiny" or is_folder(name):
        return name
    snapshot = hub.cached(name)
    return snapshot.shown if snapshot else name


def distinct(name: str) -> str:
    """What tells the encoder of a command from another of the same name: its content, whose rows cannot be pooled."""
    if name == "tiny":
        return name
    with suppress(EncoderError):  # of no row, or they could not have been planned
        return f"{name} {identity(name)}" if is_folder(name) else identity(name)
    return name


def is_file(name: str) -> bool:
    """Whether this is a file's name; a name that no file can have is none."""
    try:
        return Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def file_hash(name: str) -> str:
    """A hash of a file's content; ``DataError`` if it cannot be read."""
    try:
        return manifest.sha256(Path(name).expanduser())[:16]
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}; check that it is a readable file") from None


def check(cell: Cell) -> None:
    """``DataError`` where something that the cell is named by is not any more what it was when the plan read it. To be
    asked once all of it has been read here: rows are compared as they were read, files by their hash."""
    if now := next(changed(cell), None):
        raise DataError(f"{now} was changed since the run began; the same command trains on what it holds now")


def changed(cell: Cell) -> Iterator[str]:
    """The names of what was."""
    recipe, prints = cell.recipe, fingerprints_of(cell.recipe, cell.source)
    data = data_identity(recipe, prints)
    for name, was in cell.data.items():
        if data.get(name) != was:
            files = {branch.key: branch.task.file for branch in recipe.branches}
            given = [source for source in reviews_of(recipe) if source != "default"] if name == "reviews" else []
            yield str(files.get(name) or (given or [cell.source])[0])
    if encoder_identity(recipe.encoder, prints) != cell.encoder:
        yield " or ".join(["the encoder " + str(getattr(leaf(recipe.encoder), "name", "tiny")), *texts(recipe.encoder)])
    if dataclasses.replace(cell, data=dict(cell.data)).id != cell.id:
        yield " or ".join(code_of(recipe)) or "the code that trains"


def texts(encoder: Encoder) -> list[str]:
    """The files of text that it is pre-trained on."""
    here = [encoder.text] if isinstance(encoder, DomainPretrained) and encoder.text != "domain" else []
    return here + (texts(encoder.start) if isinstance(encoder, Derived) else [])


def code_of(recipe: Recipe) -> list[str]:
    """The files of techniques that are not the harness's own."""
    kinds = [type(part) for part in parts(recipe) if type(part).__module__.partition(".")[0] not in ROOMS]
    return list(dict.fromkeys(inspect.getfile(kind) for kind in kinds))
