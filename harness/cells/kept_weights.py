"""Kept weights: ``weights/epoch-N.safetensors`` in a cell's folder, with checksums in ``checksums/epoch-N.json``."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.cells.atomic import Damaged, checksummed, write_atomic
from harness.cells.record import read_checksummed
from model.errors import InputError

REMEDY = "delete it, and it will be trained again"


def weights_path(cell: Path, epoch: int) -> Path:
    return cell / "weights" / f"epoch-{epoch}.safetensors"


def checksum_path(weights: Path) -> Path:
    """The file of the checksum."""
    return weights.parent.with_name("checksums") / f"{weights.stem}.json"


def write_checksum(weights: Path, part: Path) -> None:
    """Keep the checksum of what is about to become the weights: before they are there, so that weights which a kill
    leaves have one."""
    checksum_path(weights).parent.mkdir(exist_ok=True)
    with part.open("rb") as stream:
        write_atomic(checksum_path(weights), checksummed({"sha256": hashlib.file_digest(stream, "sha256").hexdigest()}))


def read_weights(weights: Path) -> tuple[bytes, str]:
    """The weights' bytes, and a word where no checksum says that they are what was written. ``InputError`` for others
    than were written."""
    try:
        content, entry = weights.read_bytes(), read_checksummed(checksum_path(weights))
    except OSError as error:
        raise InputError(f"{weights} cannot be read ({error.strerror}); {REMEDY}") from None
    except Damaged:
        message = f"{checksum_path(weights)} is damaged, so that {weights.name} cannot be checked"
        raise InputError(f"{message}; delete both, and they will be trained again") from None
    if entry is None:
        return content, f"{weights}: no checksum was kept when it was written, so not all damage would be noticed"
    if entry.get("sha256") != hashlib.sha256(content).hexdigest():
        raise InputError(f"{weights} is not what was written there (its checksum differs); {REMEDY}")
    return content, ""
