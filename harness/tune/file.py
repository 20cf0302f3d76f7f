"""The file of a results folder's studies: its lock, which other programs of Optuna respect, and its repair."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.cells.atomic import locked

OURS = b"ablation-harness"  # content of our file of Optuna's lock
GRACE = 30.0  # seconds after which Optuna takes a lock for left behind

Tell = Callable[[str], None]


class Lock:
    """The lock of a journal's file (Optuna's BaseJournalFileLock). Among ours it is the system's, which ends with its
    process; for other programs on the file it is the file beside it whose existence is Optuna's own lock."""

    def __init__(self, file: Path) -> None:
        self.ours, self.path = file.with_name(f"{file.name}.alone"), file.with_name(f"{file.name}.lock")
        self._locked: Any = None

    def acquire(self) -> bool:
        self._locked = locked(self.ours)
        self._locked.__enter__()
        while True:
            try:
                with self.path.open("xb") as stream:
                    stream.write(OURS)
                return True
            except FileExistsError:
                if self._is_stale():
                    self.path.unlink(missing_ok=True)
                else:
                    time.sleep(0.01)

    def _is_stale(self) -> bool:
        """Whether its holder is gone: one of ours, for the system's lock is ours now; another after Optuna's time."""
        try:
            old = time.time() - self.path.lstat().st_mtime > GRACE
            return old or (not self.path.is_symlink() and self.path.read_bytes() == OURS)
        except FileNotFoundError:
            return False

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        self.path.unlink(missing_ok=True)
        self._locked.__exit__(None, None, None)


def repair(file: Path, tell: Tell) -> None:
    """Cut off a last line that was not written whole; put a file aside that holds anything else but lines of JSON. Its
    studies are then made again from the cells."""
    if not file.exists() or not file.stat().st_size:
        return
    text = file.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    try:
        for line in whole.splitlines():
            json.loads(line)
    except ValueError:
        aside = file.with_name(f"{file.name}.damaged-{datetime.datetime.now():%Y%m%d-%H%M%S-%f}")
        file.rename(aside)
        tell(f"{file} was damaged; it is now {aside.name}, and its studies are made again from their cells")
        return
    if whole != text:
        with file.open("r+b") as stream:
            stream.truncate(len(whole))
