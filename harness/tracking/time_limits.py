"""How long a store may keep a command waiting."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator

SLOW = 300.0  # for one result, and for one question of a command that reads: a server may answer a byte at a time
LOOK = 0.25  # seconds between looks at how long a server has taken, and at whether a stop was asked for


class Late(TimeoutError):
    """A server took longer than the command waits."""


@contextlib.contextmanager
def time_limit(seconds: float, stop: Callable[[], bool]) -> Iterator[None]:
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
