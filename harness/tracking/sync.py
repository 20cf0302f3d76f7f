"""Ended cells into the tracking store: by whichever process holds the results folder's writer lock."""

from __future__ import annotations

import dataclasses
import datetime
import errno
import functools
import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from harness.cells.atomic import LOCKLESS, is_full, try_lock
from harness.cells.home import writer_lock
from harness.cells.row_result import ResultEntry
from harness.console.redact import error_chain, reason
from harness.tracking.deliverables import collect_deliverables
from harness.tracking.run_payload import Unreadable
from harness.tracking.store import Store
from harness.tracking.time_limits import SLOW, never, time_limit
from model.errors import InputError

PATIENCE = 30.0  # seconds at least between tries while the store cannot be written
SHARE = 20  # times as long as a try took: of a server that hangs, training notices little
WAITS = 10.0  # seconds that a server may keep a command waiting before and while it trains, in all
ENDING = 20.0  # and once all is trained
REFUSED = 3  # entries of a suite, until the others of that suite are passed by, too
OF_ONE = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)
BROKEN = ("disk image is malformed", "file is not a database")  # of SQLite

Tell = Callable[[str], None]


@dataclasses.dataclass
class Count:
    """Of the entries of a results folder: newly written, there before, and not delivered."""

    new: int = 0
    present: int = 0
    left: int = 0


class Delivery:
    """Writes entries to the store while it can. Without the lock it leaves them to the process that has it; while the
    store cannot be written, to a later try; an entry that the store does not take is named and passed by. Nothing is
    lost either way: the results folder has all. Says everything once.

    A server keeps the command waiting for ``patience`` seconds in all at most; ``stop`` ends the waiting."""

    def __init__(self, store: Store, tell: Tell, stop: Callable[[], bool] = never, patience: float = math.inf) -> None:
        self.store, self._tell, self.stop = store, tell, stop
        self.lock: IO[str] | None = None
        self.retry_at = 0.0  # when to try again after a failure
        self.failed = ""  # why something was not delivered
        self.full = False  # for want of space on this machine
        self.seconds_left = patience if store.remote else math.inf  # seconds that it may still be waited for
        self._unwritable = self._wrote = self._set_aside = False
        self._messages: set[str] = set()
        self._refused: Counter[str] = Counter()  # entries that the store did not take, by suite

    def __enter__(self) -> Delivery:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.lock is not None:
            if self._wrote and time.monotonic() >= self.retry_at:
                self._guarded(self.store.settle)
            self.lock.close()

    def tell(self, text: str) -> None:
        if text not in self._messages:
            self._messages.add(text)
            self._tell(text)

    def acquire(self, patience: float = 0.0) -> bool:
        """Hold the lock, if it is free or becomes so in time; then see that the database is sound. ``InputError`` for
        a results folder that cannot be written."""
        until = time.monotonic() + patience
        while self.lock is None:
            try:
                self.lock = try_lock(writer_lock(self.store.home))
            except OSError as error:
                if error.errno in LOCKLESS:
                    raise InputError(
                        f"the file system of {self.store.home} has no locks ({error.strerror}), which keep commands "
                        "on one results folder apart; name a --home on a local disk, or have it mounted with flock"
                    ) from None
                raise InputError(
                    f"the results folder {self.store.home} cannot be written ({error.strerror}); make it writable, "
                    "or name another --home"
                ) from None
            if self.lock is not None:
                self.set_aside()
            elif time.monotonic() >= until:
                return False
            else:
                time.sleep(0.2)
        return True

    def set_aside(self, damage: str = "") -> None:
        """Put the results folder's own damaged database aside; it is made again from the cells."""
        own = self.store.own
        damage = damage or self.store.damage(deep=self.store.deep and own is not None)
        if damage and own is not None:
            stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
            own.rename(own.with_name(f"{own.name}.damaged-{stamp}"))
            self.tell(f"{own} was damaged ({damage}); it is put aside and made again from the cells")

    def deliver(self, entry: ResultEntry) -> bool | None:
        """Whether the entry is new to the store; None where it cannot be delivered now."""
        if not self.acquire() or self._refused[entry.suite.slug] >= REFUSED:
            return None
        if self._guarded(self._open) is None:  # what is in the way of the store is in the way of every entry
            return None
        try:
            new = self._guarded(lambda: self.store.deliver(entry), entry)
            self._wrote |= bool(new)
            return new
        except Unreadable as error:
            self.failed = f"{entry.label} {entry.part} cannot be read ({error})"
            self.tell(f"{self.failed}; `harness run --rerun` trains it again")
        return None

    def _guarded(self, write: Callable[[], bool | None], entry: ResultEntry | None = None) -> bool | None:
        """What writing gives; None while the store cannot be written, or where it does not take the entry.
        ``Unreadable``."""
        if time.monotonic() < self.retry_at:
            return None
        if not self.stop():
            self.store.load()  # of which a server is not guilty
        began = time.monotonic()
        try:
            with time_limit(min(self.seconds_left, SLOW if self.store.remote else math.inf), self.stop):
                return write()
        except Unreadable:
            raise
        except Exception as error:  # MLflow's, its database's or its HTTP client's, whichever
            self.store.forget()
            if entry is not None and is_refusal(error):
                self._pass_by(entry, reason(error))
                return None
            self.retry_at = time.monotonic() + max(PATIENCE, SHARE * (time.monotonic() - began))
            self.full = self.store.file is not None and is_full(error)
            self.failed = "the disk is full" if self.full else reason(error)
            if self._set_aside_broken():
                return None
            if not self._unwritable:
                self.tell(
                    f"the tracking store {self.store.shown} cannot be written now ({self.failed}); "
                    "nothing is lost: the next `harness run` or `harness sync` delivers"
                )
            self._unwritable = True
        finally:
            self.seconds_left -= time.monotonic() - began
            if self.seconds_left <= 0:
                self.retry_at = math.inf
        return None

    def _open(self) -> bool:
        return self.store.client is not None

    def _pass_by(self, entry: ResultEntry, why: str) -> None:
        """Say that the store does not take an entry, and after some of a suite pass by the others of it."""
        suite = entry.suite.slug
        self._refused[suite] += 1
        self.failed = f"{entry.label} {entry.part}: {why}"
        more = f"; no more of {suite} is tried now" if self._refused[suite] == REFUSED else ""
        self.tell(f"not delivered: {self.failed}{more}")

    def _set_aside_broken(self) -> bool:
        """Whether it was the results folder's own database that is damaged, in a way that only using it shows: it is
        put aside, and whoever delivers next makes it again."""
        if self.store.own is None or not any(mark in self.failed for mark in BROKEN):
            return False
        self.set_aside(self.failed)
        self.retry_at, self._set_aside = math.inf, True  # this process has the damaged one open
        return True

    def deliver_all(self, home: Path, patience: float | None = None) -> Count:
        """Deliver every ended cell of the results folder to the rows that read it, in the order in which they ended.
        Tries at once, however short ago the last try failed, and waits for a server as long as is left, or
        ``patience``."""
        if patience is not None and self.store.remote:
            self.seconds_left = patience
        if self.seconds_left > 0 and not self._set_aside:
            self.retry_at = 0.0
        self._refused.clear()
        count, deliverables = Count(), collect_deliverables(home, self.tell)
        for entry in deliverables.entries:
            new = self.deliver(entry)
            count.new += new is True
            count.present += new is False
            count.left += new is None
        if not count.left and self.lock is not None:
            for retired in deliverables.retired:
                self._guarded(functools.partial(self.store.retire, *retired))
        return count


def is_refusal(error: BaseException) -> bool:
    """Whether a store that answers does not take this entry, so that others may well be taken."""
    message = str(error)
    if "error code 401" in message or "Invalid Host header" in message or is_full(error):
        return False
    for link in error_chain(error):
        if isinstance(link, OSError) and type(link).__module__ == "builtins" and link.errno in OF_ONE:
            return True
        status = getattr(link, "get_http_status_code", None)  # MLflow's own
        if status is not None:
            return 400 <= int(status()) < 500 and int(status()) not in (401, 408, 429)
    return False
