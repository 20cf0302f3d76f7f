"""Ended cells into the tracking store: by whichever process holds the home's writer's lock, as often as it likes."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import functools
import math
import signal
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

from experiments.variant import Suite
from harness.durable import LOCKLESS, is_full, try_lock
from harness.holding import Unreadable
from harness.measured import Home
from harness.readers import declared, trials
from harness.reading import Entry
from harness.secrets import hidden
from harness.store import Store
from model.errors import InputError
from model.names import printed

PATIENCE = 30.0  # seconds at least between tries while the store cannot be written
SHARE = 20  # times as long as a try took: of a server that hangs, training notices little
WAITS = 10.0  # seconds that a server may keep a command waiting before and while it trains, in all
ENDING = 20.0  # and once all is trained
SLOW = 300.0  # for one result, and for one question of a command that reads: a server may answer a byte at a time
LOOK = 0.25  # seconds between looks at how long a server has taken, and at whether a stop was asked for
REFUSED = 3  # entries of a suite, until the others of that suite are passed by, too
OF_ONE = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)
BROKEN = ("disk image is malformed", "file is not a database")  # of SQLite
REFUSALS = {  # what MLflow says, and what it means
    "error code 401": "it takes a user name and a password, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
    "and does not know these",
    "Invalid Host header": "it does not answer to this name, which is not among its --allowed-hosts",
    "error code 403": "this user may not do that there",
}

Tell = Callable[[str], None]


class Late(TimeoutError):
    """A server took longer than the command waits."""


@contextlib.contextmanager
def within(seconds: float, stop: Callable[[], bool]) -> Iterator[None]:
    """``Late`` inside once the time is up or a stop was asked for, whatever is waited for there. In the main thread of
    a system that has alarms; elsewhere the HTTP client's own limits hold."""
    if (
        math.isinf(seconds)
        or threading.current_thread() is not threading.main_thread()
        or not hasattr(signal, "SIGALRM")
    ):
        yield
        return
    until = time.monotonic() + seconds

    def look(number: int, frame: object) -> None:
        if stop():
            raise Late("a stop was asked for")
        if time.monotonic() >= until:
            raise Late(f"it has not answered for {max(seconds, 0):.0f} seconds")

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK, LOOK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def never() -> bool:
    return False


@dataclasses.dataclass
class Count:
    """Of the entries of a home: newly written, there before, and not delivered."""

    new: int = 0
    known: int = 0
    left: int = 0


class Delivery:
    """Writes entries to the store while it can. Without the lock it leaves them to the process that has it; while the
    store cannot be written, to a later try; an entry that the store does not take is named and passed by. Nothing is
    lost either way: the home has all. Says everything once.

    A server keeps the command waiting for ``patience`` seconds in all at most; ``stop`` ends the waiting."""

    def __init__(self, store: Store, tell: Tell, stop: Callable[[], bool] = never, patience: float = math.inf) -> None:
        self.store, self._tell, self.stop = store, tell, stop
        self.lock: IO[str] | None = None
        self.again = 0.0  # when to try again after a failure
        self.failed = ""  # why something was not delivered
        self.full = False  # for want of space on this machine
        self.spare = patience if store.remote else math.inf  # seconds that it may still be waited for
        self._down = self._wrote = self._broken = False
        self._told: set[str] = set()
        self._refused: Counter[str] = Counter()  # entries that the store did not take, by suite

    def __enter__(self) -> Delivery:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.lock is not None:
            if self._wrote and time.monotonic() >= self.again:
                self._guarded(self.store.settle)
            self.lock.close()

    def tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._tell(text)

    def acquire(self, patience: float = 0.0) -> bool:
        """Hold the lock, if it is free or becomes so in time; then see that the database is sound. ``InputError`` for
        a home that cannot be written."""
        until = time.monotonic() + patience
        while self.lock is None:
            try:
                self.lock = try_lock(self.store.home / "writer.lock")
            except OSError as error:
                if error.errno in LOCKLESS:
                    raise InputError(
                        f"the file system of {self.store.home} has no locks ({error.strerror}), which keep commands "
                        "on one home apart; name a --home on a local disk, or have it mounted with flock"
                    ) from None
                raise InputError(
                    f"the home {self.store.home} cannot be written ({error.strerror}); make it writable, or name "
                    "another --home"
                ) from None
            if self.lock is not None:
                self.mend()
            elif time.monotonic() >= until:
                return False
            else:
                time.sleep(0.2)
        return True

    def mend(self, damage: str = "") -> None:
        """Put a damaged database of the home aside; it is made again from the cells."""
        own = self.store.own
        damage = damage or self.store.damage(deep=self.store.deep and own is not None)
        if damage and own is not None:
            stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
            own.rename(own.with_name(f"{own.name}.damaged-{stamp}"))
            self.tell(f"{own} was damaged ({damage}); it is put aside and made again from the cells")

    def keep(self, entry: Entry) -> bool | None:
        """Whether the entry is new to the store; None where it cannot be delivered now."""
        if not self.acquire() or self._refused[entry.suite.slug] >= REFUSED:
            return None
        if self._guarded(self._opened) is None:  # what is in the way of the store is in the way of every entry
            return None
        try:
            new = self._guarded(lambda: self.store.keep(entry), entry)
            self._wrote |= bool(new)
            return new
        except Unreadable as error:
            self.failed = f"{entry.suite.slug}/{entry.name} {entry.part} cannot be read ({error})"
            self.tell(f"{self.failed}; `harness run --rerun` trains it again")
        return None

    def _guarded(self, write: Callable[[], bool | None], entry: Entry | None = None) -> bool | None:
        """What writing gives; None while the store cannot be written, or where it does not take the entry.
        ``Unreadable``."""
        if time.monotonic() < self.again:
            return None
        if not self.stop():
            self.store.load()  # of which a server is not guilty
        began = time.monotonic()
        try:
            with within(min(self.spare, SLOW if self.store.remote else math.inf), self.stop):
                return write()
        except Unreadable:
            raise
        except Exception as error:  # MLflow's, its database's or its HTTP client's, whichever
            self.store.forget()
            if entry is not None and is_refusal(error):
                self._pass_by(entry, reason(error))
                return None
            self.again = time.monotonic() + max(PATIENCE, SHARE * (time.monotonic() - began))
            self.full = self.store.file is not None and is_full(error)
            self.failed = "the disk is full" if self.full else reason(error)
            if self._put_aside():
                return None
            if not self._down:
                self.tell(
                    f"the tracking store {self.store.shown} cannot be written now ({self.failed}); "
                    "nothing is lost: the next `harness run` or `harness sync` delivers"
                )
            self._down = True
        finally:
            self.spare -= time.monotonic() - began
            if self.spare <= 0:
                self.again = math.inf
        return None

    def _opened(self) -> bool:
        return self.store.client is not None

    def _pass_by(self, entry: Entry, why: str) -> None:
        """Say that the store does not take an entry, and after some of a suite pass by the others of it."""
        suite = entry.suite.slug
        self._refused[suite] += 1
        self.failed = f"{suite}/{entry.name} {entry.part}: {why}"
        more = f"; no more of {suite} is tried now" if self._refused[suite] == REFUSED else ""
        self.tell(f"not delivered: {self.failed}{more}")

    def _put_aside(self) -> bool:
        """Whether it was the home's own database that is damaged, in a way that only using it shows: it is put aside,
        and whoever delivers next makes it again."""
        if self.store.own is None or not any(mark in self.failed for mark in BROKEN):
            return False
        self.mend(self.failed)
        self.again, self._broken = math.inf, True  # this process has the damaged one open
        return True

    def all(self, home: Path, patience: float | None = None) -> Count:
        """Deliver every ended cell of the home to the rows that read it, in the order in which they ended. Tries at
        once, however short ago the last try failed, and waits for a server as long as is left, or ``patience``."""
        if patience is not None and self.store.remote:
            self.spare = patience
        if self.spare > 0 and not self._broken:
            self.again = 0.0
        self._refused.clear()
        count, found = Count(), results(home, self.tell)
        for entry in found.entries:
            kept = self.keep(entry)
            count.new += kept is True
            count.known += kept is False
            count.left += kept is None
        if not count.left and self.lock is not None:
            for each in found.retired:
                self._guarded(functools.partial(self.store.retire, *each))
        return count


def is_refusal(error: BaseException) -> bool:
    """Whether a store that answers does not take this entry, so that others may well be taken."""
    told = str(error)
    if "error code 401" in told or "Invalid Host header" in told or is_full(error):
        return False
    for link in links(error):
        if isinstance(link, OSError) and type(link).__module__ == "builtins" and link.errno in OF_ONE:
            return True
        status = getattr(link, "get_http_status_code", None)  # MLflow's own
        if status is not None:
            return 400 <= int(status()) < 500 and int(status()) not in (401, 408, 429)
    return False


def links(error: BaseException) -> list[BaseException]:
    """An error and its causes, the first cause last."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return chain


def reason(error: BaseException) -> str:
    """What went wrong first, in one short line without secrets: the deepest cause that says more than a word."""
    told = next((str(link) for link in reversed(links(error)) if len(str(link).split()) > 1), repr(error))
    told = next((meant for mark, meant in REFUSALS.items() if mark in told), told)
    return printed(textwrap.shorten(hidden(told), 300, placeholder=" ..."))


@dataclasses.dataclass(frozen=True)
class Results:
    """What a home has for a tracking store: ended cells and trials as rows have them, in the order in which they ended,
    and by suite, row, part and set-up those that were made for a row and that it does not have any more, and why."""

    entries: list[Entry]
    retired: list[tuple[Suite, str, str, str, str]]


def results(home: Path, tell: Tell) -> Results:
    """All of them. What cannot be read, and rows that are not in the registry, are said and left out."""
    cells, kept = Home(home), Results([], [])
    gone: set[str] = set()
    lost: list[str] = []
    for noted in cells.noted():
        for suite_slug, row_name in noted.rows:
            name = row_name + noted.tags.get("variant", "")
            pair = declared(suite_slug, row_name)
            if pair is None:
                gone.add(f"{suite_slug}/{name}")
                continue
            entries, left_out = cells.entries(noted, *pair)
            kept.entries.extend(entries)
            setup = noted.tags["setup"]
            kept.retired.extend((pair[0], name, f"seed {seed}", setup, fault) for seed, fault in left_out.items())
    kept.entries.sort(key=ended)
    kept.entries.extend(trials(home, gone, lost))
    for text in (*cells.faults(), *(f"{text}; it is not delivered" for text in lost)):
        tell(text)
    if gone:
        tell(f"left out, not in the registry or in a file that was named: {', '.join(sorted(gone))}")
    return kept


def ended(entry: Entry) -> str:
    return entry.record.trained
