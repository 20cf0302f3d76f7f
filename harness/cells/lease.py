"""Who trains a cell: a lease in its folder, with a heartbeat, so that no cell is trained twice at a time."""

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
    """This process's lease of a cell, kept alive until it is left."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder, self.path, self.token = folder, folder / "claim.json", token

    def __enter__(self) -> Lease:
        HEARTBEAT.leases.add(self)
        HEARTBEAT.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        HEARTBEAT.leases.discard(self)
        with locked(lock_of(self.folder)):  # or it might be another's by the time it is removed
            if self.is_current():
                self.path.unlink(missing_ok=True)

    def beat(self) -> None:
        with contextlib.suppress(OSError):
            if self.is_current():
                os.utime(self.path)

    def is_current(self) -> bool:
        """Whether the lease is still this one's."""
        return _read(self.path).get("token") == self.token

    def check(self) -> None:
        """``LeaseLost`` if it is not. Called before anything is written."""
        if not self.is_current():
            raise LeaseLost(f"the cell {self.folder.name} was taken over by another process")


class Heartbeat:
    """One thread that beats for all leases of this process."""

    def __init__(self) -> None:
        self.leases: set[Lease] = set()
        self._starting, self._thread = threading.Lock(), threading.Thread(target=self._beat, daemon=True)

    def start(self) -> None:
        with self._starting:
            if self._thread.ident is None:
                self._thread.start()

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT)
            for lease in tuple(self.leases):
                lease.beat()


HEARTBEAT = Heartbeat()


def take_lease(home: Path, cell: str) -> Lease | None:
    """The cell's lease, or None while a living process holds it. A dead one's is taken over."""
    folder = cell_folder(home, cell)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(lock_of(folder)):
        if is_leased(folder):
            return None
        lease = Lease(folder, uuid.uuid4().hex)
        try:
            lease.path.write_text(json.dumps(_this_process() | {"token": lease.token}), encoding="utf-8")
        except OSError:
            lease.path.unlink(missing_ok=True)
            raise
    return lease


def is_leased(folder: Path) -> bool:
    """Whether a living process holds the cell. On this machine a process is looked up; elsewhere it must have sent a
    heartbeat within the last minute. A lease that cannot be read counts by its heartbeat."""
    path = folder / "claim.json"
    owner, this = _read(path), _this_process()  # before the time: opening a file has a network share tell of it afresh
    try:
        heartbeat = path.stat().st_mtime
    except FileNotFoundError:
        return False
    if owner.get("place") == this["place"]:
        return _start_time(owner.get("process")) == owner.get("started") is not None
    return _now(folder) - heartbeat < STALE


def lock_of(folder: Path) -> Path:
    """The lock for every taking and leaving of a lease in this results folder."""
    return folder.parent.parent / "claims.lock"


def _now(folder: Path) -> float:
    """The time by the clock that stamps heartbeats: the file system's, which need not be this machine's."""
    lock_of(folder).touch()
    return lock_of(folder).stat().st_mtime


@cache
def _this_process() -> dict[str, Any]:
    return {"place": _process_namespace(), "process": os.getpid(), "started": _start_time(os.getpid())}


def _process_namespace() -> str:
    """Where a process number means this process: machine, boot and, in a container, its own numbering."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _start_time(process: object) -> str | None:
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
        owner = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return owner if isinstance(owner, dict) else {}
