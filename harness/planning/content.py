"""What a cell's name knows of data and encoders: their content, seen by the plan and again where a worker reads it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from harness.cells.cell import Cell
from harness.planning.data import fingerprints_of
from model import manifest
from model.data.examples import DataError
from model.data.reviews import Reviews, fingerprint
from model.digest import digest
from model.encoders import hub
from model.encoders.domain_pretrained import DomainPretrained
from model.encoders.loading import EncoderError, identity, is_folder
from model.encoders.placeholders import Base, Derived
from model.encoders.tiny import Tiny
from model.interfaces import Encoder
from model.recipe import Recipe
from model.settings import describe, parts

CHANGED = "{} was changed since the run began; the same command trains on what it holds now"
VERSIONED_PACKAGES = ("model", "experiments")  # whose techniques have versions of their own


def data_identity(recipe: Recipe, prints: Mapping[str, str]) -> dict[str, str]:
    """A fingerprint of each task's rows, and of the reviews where the recipe trains on some."""
    data = {branch.key: prints[branch.key] for branch in recipe.branches}
    for extra in reviews_of(recipe):
        if extra.source == "default":
            data["reviews"] = prints["reviews"]
        else:
            data["reviews"] = file_hash(extra.source) if is_file(extra.source) else fingerprint(extra)
    return data


def reviews_of(recipe: Recipe) -> list[Reviews]:
    """Its extra rows."""
    return [extra for branch in recipe.branches for extra in branch.extra if isinstance(extra, Reviews)]


def encoder_identity(encoder: Encoder, prints: Mapping[str, str]) -> str:
    """What a cell's hash knows of the weights it starts from: never a path or a name, always their content."""
    if isinstance(encoder, Tiny):
        from model.data.synthetic import VERSION

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


def base_encoder(encoder: Encoder) -> Encoder:
    """The encoder that all else starts from."""
    return base_encoder(encoder.start) if isinstance(encoder, Derived) else encoder


def hub_name(encoder: Encoder) -> str:
    """The hub id that it starts from; nothing for a folder, or an encoder that is made here."""
    name = getattr(base_encoder(encoder), "name", "")
    if not isinstance(name, str) or not name or is_folder(name):
        return ""
    on_hub = hub.cached(name) is not None or base_encoder(encoder).identity().endswith(hub.NOT_YET)
    return name if on_hub else ""


def pinned(encoder: Encoder) -> Encoder:
    """The encoder with its hub id at the commit that it stands for, if that is in the local cache."""
    if isinstance(encoder, Derived):
        return dataclasses.replace(encoder, start=pinned(encoder.start))
    snapshot = hub.cached(name) if (name := hub_name(encoder)) else None
    return dataclasses.replace(encoder, name=snapshot.name) if snapshot else encoder  # type: ignore[call-arg]


def commit_of(encoder: Encoder) -> str:
    """The commit of the hub's repository that it starts from; nothing for any other encoder."""
    return hub.parted(name)[1] if (name := hub_name(encoder)) else ""


def display_name(name: str) -> str:
    """An encoder's name for people, with the commit of a hub id."""
    if name == "tiny" or is_folder(name):
        return name
    snapshot = hub.cached(name)
    return snapshot.shown if snapshot else name


def encoder_key(name: str) -> str:
    """What identifies the encoder of a set-up: its name, and of a hub id its content, since a commit
    may have changed none of it."""
    if name == "tiny" or is_folder(name):
        return name
    with suppress(EncoderError):  # of no row, or they could not have been planned
        return identity(name)
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


def check_rows(cell: Cell) -> None:
    """``DataError`` where the rows that this process has read are not those that the plan read."""
    recipe, prints = cell.recipe, fingerprints_of(cell.recipe, cell.source)
    for branch in recipe.branches:
        if cell.data[branch.key] != prints[branch.key]:
            raise DataError(CHANGED.format(branch.task.file or cell.source))


def check_files(cell: Cell, planned: str) -> None:
    """The same for what else the cell is named by: reviews, the encoder, its text, and the code of one's own
    techniques. To be asked once all of them have been read here. ``planned`` is the cell's name in the plan."""
    recipe, prints = cell.recipe, fingerprints_of(cell.recipe, cell.source)
    if cell.data.get("reviews") != data_identity(recipe, prints).get("reviews"):
        raise DataError(
            CHANGED.format(next((each.source for each in reviews_of(recipe) if each.source != "default"), cell.source))
        )
    if cell.encoder != encoder_identity(recipe.encoder, prints):
        name = getattr(base_encoder(recipe.encoder), "name", "tiny")
        raise DataError(CHANGED.format(" or ".join([f"the encoder {name}", *pretraining_files(recipe.encoder)])))
    if planned != dataclasses.replace(cell, seed=cell.seed).id:  # with the versions of what runs here
        raise DataError(CHANGED.format(" or ".join(plugin_files(recipe)) or "the code that trains"))


def pretraining_files(encoder: Encoder) -> list[str]:
    """The files of text that it is pre-trained on."""
    own = [encoder.text] if isinstance(encoder, DomainPretrained) and encoder.text != "domain" else []
    return own + (pretraining_files(encoder.start) if isinstance(encoder, Derived) else [])


def plugin_files(recipe: Recipe) -> list[str]:
    """The files of techniques that are not the harness's own."""
    kinds = [type(part) for part in parts(recipe) if type(part).__module__.partition(".")[0] not in VERSIONED_PACKAGES]
    return list(dict.fromkeys(inspect.getfile(kind) for kind in kinds))
