"""Ended cells into the tracking store: by whichever process holds the home's writer's lock, as often as it likes."""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from harness.cell import Record, records
from harness.durable import try_lock
from harness.readers import Reader, entry_of, readers
from harness.reading import Entry
from harness.secrets import hidden
from harness.store import Store

PATIENCE = 30.0  # seconds between tries while the store cannot be written

Tell = Callable[[str], None]


@dataclasses.dataclass
class Count:
    """Of the entries of a home: newly written, there before, and not delivered."""

    new: int = 0
    known: int = 0
    left: int = 0


class Delivery:
    """Writes entries to the store while it can. Without the lock it leaves them to the process that has it; while the
    store cannot be written, to a later try. Nothing is lost either way: the home has all."""

    def __init__(self, store: Store, tell: Tell) -> None:
        self.store, self.tell = store, tell
        self.lock: IO[str] | None = None
        self.again = 0.0  # when to try again after a failure
        self.failed = ""

    def __enter__(self) -> Delivery:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.lock is not None:
            self.lock.close()

    def acquire(self, patience: float = 0.0) -> bool:
        """Hold the lock, if it is free or becomes so in time; then see that the database is sound."""
        until = time.monotonic() + patience
        while self.lock is None:
            self.lock = try_lock(self.store.home / "writer.lock")
            if self.lock is not None:
                self.mend()
            elif time.monotonic() >= until:
                return False
            else:
                time.sleep(0.2)
        return True

    def mend(self) -> None:
        """Put a damaged database aside; it is made again from the home."""
        damage = self.store.damage()
        if damage and self.store.file is not None:
            stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
            for path in self.store.file.parent.glob(f"{self.store.file.name}*"):
                if ".damaged-" not in path.name:
                    path.rename(path.with_name(f"{path.name}.damaged-{stamp}"))
            self.tell(f"{self.store.file} was damaged ({damage}); it is put aside and made again from the cells")

    def keep(self, entry: Entry) -> bool | None:
        """Whether the entry is new to the store; None where it cannot be delivered now."""
        if not self.acquire() or time.monotonic() < self.again:
            return None
        try:
            return self.store.keep(entry)
        except Exception as error:  # MLflow's, its database's or its HTTP client's, whichever
            self.store.forget()
            self.again = time.monotonic() + PATIENCE
            reason = hidden(" ".join(str(error).split()))[:160]
            if not self.failed:
                self.tell(
                    f"the tracking store {self.store.shown} cannot be written now ({reason}); "
                    "training goes on, and the next run or `harness sync` delivers"
                )
            self.failed = reason
            return None

    def all(self, home: Path) -> Count:
        """Deliver every ended cell of the home to the rows that read it, in the order in which they ended."""
        count = Count()
        for entry in entries(home, self.tell):
            kept = self.keep(entry)
            count.new += kept is True
            count.known += kept is False
            count.left += kept is None
        return count


def entries(home: Path, tell: Tell, only: set[str] | None = None) -> list[Entry]:
    """Every reading of the home's ended cells (or of these), in the order in which the cells ended. Readings of rows
    that the registry no longer has are told and left out."""
    damaged: list[str] = []
    served = readers(home, damaged)
    found: list[Entry] = []
    gone: set[str] = set()
    for record in sorted(records(home), key=ended):
        if only is None or record.id in only:
            for reader in served.get(record.id, ()):
                entry = entry_of(reader, record)
                if entry is None:
                    gone.add(reader.slug)
                else:
                    found.append(entry)
    for text in damaged:
        tell(f"{text}; the same harness run writes it again")
    if gone:
        tell(f"not in the registry any more: {', '.join(sorted(gone))}")
    return found


def ended(record: Record) -> str:
    return record.trained


__all__ = ["Count", "Delivery", "Reader", "entries"]
