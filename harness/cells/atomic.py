"""Files that outlive a power cut: written whole or not at all, and known when they are damaged."""

from __future__ import annotations

import errno
import json
import os
import uuid
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from model.modes import usual

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FULL = (errno.ENOSPC, errno.EDQUOT)
LOCKED = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EINTR)  # of a lock that another process has
LOCKLESS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # of a file system without locks


class Damaged(Exception):
    """A file of the results folder that is not what was written; the message says which and how."""


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, and have it on the disk."""
    with atomic_path(path) as part:
        part.write_bytes(content.encode(errors="backslashreplace") if isinstance(content, str) else content)


def write_all_atomic(contents: Mapping[Path, bytes]) -> None:
    """Write files, each whole or not at all, and have them on the disk. They appear in this order."""
    parts = {path: path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}.part") for path in contents}
    try:
        for path, content in contents.items():
            with parts[path].open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        for path, part in parts.items():
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    for folder in dict.fromkeys(path.parent for path in contents):
        fsync_folder(folder)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A file to be written beside ``path``, which it replaces once the block is through; gone if the block fails."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}.part")  # process numbers repeat across machines
    try:
        yield part
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        usual(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Have a folder's entries on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def append_line(path: Path, line: str) -> None:
    """Add a line and have it on the disk."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def checksummed(entry: Mapping[str, Any]) -> str:
    """One line of JSON with a checksum of the rest, as ``check``."""
    return json.dumps({"check": zlib.crc32(json.dumps(entry).encode())} | dict(entry))


def verified(line: str, where: str) -> dict[str, Any]:
    """The entry of a checksummed line; ``Damaged`` unless the line is to the last character what was written."""
    try:
        entry: dict[str, Any] = json.loads(line)
        del entry["check"]
        sound = checksummed(entry) == line
    except (ValueError, TypeError, KeyError, RecursionError):
        sound = False
    if not sound:
        raise Damaged(f"{where} is damaged")
    return entry


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk, or the user's share of it, is full; libraries say it in words: safetensors
    and tokenizers with the number, SQLite without."""
    message = str(error)
    in_words = any(f"os error {number})" in message or f"code: {number}," in message for number in FULL)
    return in_words or "database or disk is full" in message or (isinstance(error, OSError) and error.errno in FULL)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of this file; waits for it. It ends with its process, however that ends."""
    with path.open("a") as stream:
        if fcntl is not None:
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def try_lock(path: Path) -> IO[str] | None:
    """The lock of this file, held until the answer is closed, or None where another process holds it. ``OSError``
    where there are no locks."""
    stream = path.open("a")
    try:
        if fcntl is not None:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        stream.close()
        if error.errno not in LOCKED:
            raise
        return None
    return stream


def shared_lock(path: Path) -> IO[str]:
    """The lock of this file, held with others until the answer is closed; ``try_lock`` does not get it meanwhile."""
    stream = path.open("a")
    if fcntl is not None:
        fcntl.flock(stream, fcntl.LOCK_SH)
    return stream
