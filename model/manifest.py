"""A folder's checksums, kept in a file of its own: what was written there is known from what lies there now."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

NAME = "harness-manifest.json"

Signature = tuple[int, int, int, int]


def signature(path: Path) -> Signature:
    """What changes when a file is written or replaced, its time of writing set back or not: size, times, number."""
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino


def sha256(path: Path) -> str:
    """A file's hash in hexadecimal, computed once a process and signature. ``OSError``."""
    return _sha256(path, signature(path))


@functools.lru_cache(maxsize=1024)
def _sha256(path: Path, written: Signature) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def seal(folder: Path) -> None:
    """Write the checksums of all files of a folder beside them, last of all."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    (folder / NAME).write_text(_text({str(path.relative_to(folder)): sha256(path) for path in files}), "utf-8")


def is_sealed(folder: Path) -> bool:
    """Whether checksums were kept; older folders and other people's have none."""
    return (folder / NAME).exists()


def damage(folder: Path, names: Iterable[str]) -> str:
    """Which of these files, or the checksums themselves, are not what was written, in words; nothing if all are, or if
    no checksums were kept."""
    if not is_sealed(folder):
        return ""
    kept = _read(folder / NAME)
    if kept is None:
        return f"{folder / NAME} is damaged"
    for name in names:
        if name not in kept:
            return f"{folder / name} was put there later"
        if kept[name] != sha256(folder / name):
            return f"{folder / name} is not what was written there (its checksum differs)"
    return ""


def _read(path: Path) -> Mapping[str, str] | None:
    """File names and hashes; None unless the text is to the last character what was written."""
    try:
        text = path.read_bytes().decode()
        files = json.loads(text)["files"]
        return files if _text(files) == text else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _text(files: Mapping[str, str]) -> str:
    text = json.dumps(files)
    return json.dumps({"files": files, "check": hashlib.sha256(text.encode()).hexdigest()}, indent=1) + "\n"
