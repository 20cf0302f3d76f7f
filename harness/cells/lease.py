"""Who trains a cell: a claim in its folder, with a heartbeat, so that no cell is trained twice at a time."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.cells.atomic import locked
from harness.cells.home import cell_folder

BEAT, STALE = 10.0, 60.0  # seconds


class LeaseLost(RuntimeError):
    """The cell is another process's now: this one was taken for dead."""


class Lease:
    """A cell's claim by this process, kept alive until it is left."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder, self.path, self.token = folder, folder / "claim.json", token

    def __enter__(self) -> Lease:
        HEARTBEAT.claims.add(self)
        HEARTBEAT.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        HEARTBEAT.claims.discard(self)
        with locked(lock_of(self.folder)):  # or it might be another's by the time it is removed
            if self.held():
                self.path.unlink(missing_ok=True)

    def beat(self) -> None:
        with contextlib.suppress(OSError):
            if self.held():
                os.utime(self.path)

    def held(self) -> bool:
        """Whether the claim still stands."""
        return _read(self.path).get("token") == self.token

    def check(self) -> None:
        """``LeaseLost`` if it does not. Called before anything is written."""
        if not self.held():
            raise LeaseLost(f"the cell {self.folder.name} was taken over by another process")


class Heartbeat:
    """One thread that beats for all claims of this process."""

    def __init__(self) -> None:
        self.claims: set[Lease] = set()
        self._starting, self._thread = threading.Lock(), threading.Thread(target=self._beat, daemon=True)

    def start(self) -> None:
        with self._starting:
            if self._thread.ident is None:
                self._thread.start()

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT)
            for each in tuple(self.claims):
                each.beat()


HEARTBEAT = Heartbeat()


def take_lease(home: Path, cell: str) -> Lease | None:
    """The cell's claim, or None while a living process holds it. A dead one's is taken over."""
    folder = cell_folder(home, cell)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(lock_of(folder)):
        if is_leased(folder):
            return None
        made = Lease(folder, uuid.uuid4().hex)
        try:
            made.path.write_text(json.dumps(_myself() | {"token": made.token}), encoding="utf-8")
        except OSError:
            made.path.unlink(missing_ok=True)
            raise
    return made


def is_leased(folder: Path) -> bool:
    """Whether a living process holds the cell. On this machine a process is looked up; elsewhere its heart must have
    beaten within the last minute. A claim that cannot be read counts by its heartbeat."""
    path = folder / "claim.json"
    owner, here = _read(path), _myself()  # before the time: opening a file has a network share tell of it afresh
    try:
        beaten = path.stat().st_mtime
    except FileNotFoundError:
        return False
    if owner.get("place") == here["place"]:
        return _started(owner.get("process")) == owner.get("started") is not None
    return _now(folder) - beaten < STALE


def lock_of(folder: Path) -> Path:
    """What every taking and leaving of a claim in this home holds."""
    return folder.parent.parent / "claims.lock"


def _now(folder: Path) -> float:
    """The time by the clock that stamps heartbeats: the file system's, which need not be this machine's."""
    lock_of(folder).touch()
    return lock_of(folder).stat().st_mtime


@cache
def _myself() -> dict[str, Any]:
    return {"place": _place(), "process": os.getpid(), "started": _started(os.getpid())}


def _place() -> str:
    """Where a process number means this process: machine, boot and, in a container, its own numbering."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _started(process: object) -> str | None:
    """When a process of this machine started, which tells it from a later one of the same number; None if it is gone.
    Where the system does not tell, that it lives is all there is."""
    if not isinstance(process, int):
        return None
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return None
        except PermissionError:
            pass
        return "unknown"
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]  # a zombie is dead


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
