"""Ctrl-C: the first asks for a graceful stop, the second stops at once. A SIGTERM, as clusters send it before
they end a job, is taken for the first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Within the block, whether a stop was requested. The first calls ``on_stop``; the second Ctrl-C raises
    ``KeyboardInterrupt``. Outside the main thread, signals go where they went."""

    def __init__(self, on_stop: Callable[[], None]) -> None:
        self.on_stop, self.requested = on_stop, False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self) -> bool:
        return self.requested

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not self.requested:
            self.requested = True
            self.on_stop()
