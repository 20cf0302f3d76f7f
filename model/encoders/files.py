"""The files of an encoder folder that are read: which they are, and what they hold."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from model import manifest
from model.encoders.file_checks import fault
from model.errors import InputError

# in the order in which transformers looks for them
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
VOCABULARY = ("tokenizer.json", "vocab.txt", "vocab.json")
SETTINGS = ("config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
INDEX = ".index.json"


class EncoderError(InputError):
    """An encoder that cannot be used. The message says which, why and how to mend it."""


def identity(folder: Path) -> str:
    """A hash of the files that are read, with their names: the same for the same content, wherever it lies."""
    running = hashlib.sha256()
    for part in parts(folder):
        running.update(part.relative_to(folder).as_posix().encode() + bytes.fromhex(manifest.sha256(part)))
    return f"sha256:{running.hexdigest()[:16]}"


def parts(folder: Path) -> list[Path]:
    """The files that ``load`` reads, sorted. ``EncoderError`` for one that cannot be read, or is no file."""
    if not os.path.isdir(folder):
        raise EncoderError(f"there is no encoder folder {folder}; give --encoder a folder, a hub id or tiny")
    try:
        names = os.listdir(folder)
    except OSError as error:
        why = f"the encoder folder {folder} cannot be read: {error.strerror}"
        raise EncoderError(f"{why}; check its permissions") from None
    plain = [readable(folder / name) for name in names if name in (*SETTINGS, *VOCABULARY)]
    return sorted({*plain, *weights(folder)})


def readable(path: Path) -> Path:
    """The same path. ``EncoderError``."""
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise EncoderError(f"{path} is not a file that can be read; put the encoder's own {path.name} there")
    return path


def weights(folder: Path) -> list[Path]:
    """The files of the weights that transformers reads, with the index that names them if there is one: what
    config.json names, or the first of ``WEIGHTS`` that is there. ``EncoderError`` for an index that names none, one
    that is not there, or one outside the folder."""
    first = named(folder) or next((name for name in WEIGHTS if os.path.lexists(folder / name)), None)
    if first is None:
        return []
    check_inside(folder / "config.json", first)
    path = readable(folder / first)
    return [path, *mapped(path)] if first.endswith(INDEX) else [path]


def named(folder: Path) -> str | None:
    """The file of weights that config.json names, which only some do."""
    try:
        name = json.loads((folder / "config.json").read_bytes()).get("transformers_weights")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None  # ``check_folder`` has the words for it
    return name if isinstance(name, str) else None


def mapped(index: Path) -> list[Path]:
    """The files that an index of weights names. ``EncoderError``."""
    names = names_of(index)
    lacking = [name for name in names if not os.path.lexists(index.parent / name)]
    if lacking:
        raise EncoderError(f"{index.parent} lacks {', '.join(lacking)}, which {index.name} names; fetch it again")
    return [readable(index.parent / name) for name in names]


def names_of(index: Path) -> list[str]:
    """The names in an index of weights, each once. ``EncoderError`` for none, or one that leaves the folder."""
    if wrong := fault(index):
        raise EncoderError(wrong)
    places: Any = json.loads(index.read_bytes()).get("weight_map")
    names = list(places.values()) if isinstance(places, dict) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise EncoderError(f"{index} does not say which files hold the weights; fetch it again")
    for name in sorted(set(names)):
        check_inside(index, name)
    return sorted(set(names))


def check_inside(teller: Path, name: str) -> None:
    """``EncoderError`` for a name, given by the file ``teller``, that leaves its folder. A link may."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or PureWindowsPath(name).drive or not path.parts:
        why = f"{teller} names weights outside its folder ({name[:80]!r}), which are not read"
        raise EncoderError(f"{why}; put them beside it and name them so")


def check_written(folder: Path) -> None:
    """``EncoderError`` where checksums were kept of a folder and a file that is read has another."""
    names = [part.relative_to(folder).as_posix() for part in parts(folder)]
    if message := manifest.damage(folder, names):
        mend = f"make or export it again, or delete {manifest.NAME} there if you changed it yourself"
        raise EncoderError(f"{message}; {mend}")
