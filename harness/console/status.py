"""A status line for what takes longer than a moment: it moves on a terminal and goes away, and is plain elsewhere. On
standard error, so that standard output can be parsed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from harness.console.text import is_live_terminal, print_text

if TYPE_CHECKING:
    from rich.text import Text

MOMENT = 0.3  # seconds without a line on a terminal
PATIENCE = 2.0  # elsewhere
FRAMES, PLAIN_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"

Item = TypeVar("Item")


def clock(seconds: float) -> str:
    """3:07 or 2:05:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@contextmanager
def status_line(words: str) -> Iterator[StatusLine]:
    """Within the block, say what is done, once it has taken a moment. Nothing else may write meanwhile, except the
    line's ``print``."""
    line = StatusLine(words)
    try:
        yield line
    finally:
        line.end()


def iterate_with_status(items: Iterable[Item], words: str) -> Iterator[Item]:
    """The items, with a status line while each is waited for."""
    left = iter(items)
    while True:
        with status_line(words):
            item = next(left, None)
        if item is None:
            return
        yield item


class StatusLine:
    """The line of ``status_line``."""

    def __init__(self, words: str) -> None:
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True)
        self.words, self.began = words, time.monotonic()
        self._moves, self._plain = is_live_terminal(console), console.options.ascii_only
        self._live = Live(
            console=console, get_renderable=self._drawn, transient=True, refresh_per_second=10, redirect_stdout=False
        )
        self._lock, self._shown = threading.Lock(), False
        self._timer = threading.Timer(MOMENT if self._moves else PATIENCE, self._show)
        self._timer.daemon = True
        self._timer.start()

    def update(self, words: str) -> None:
        """Say that something else is done now."""
        with self._lock:
            self.words = words
            if self._shown and not self._moves:
                click.echo(words, err=True)

    def print(self, text: str) -> None:
        """Print a line to standard output, above the status."""
        with self._lock:
            self._live.stop()
            print_text(text)
            if self._shown and self._moves:
                self._live.start()

    def end(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._live.stop()
            self._timer.finished.set()
            self._moves = False

    def _show(self) -> None:
        with self._lock:
            if self._timer.finished.is_set():
                return
            self._shown = True
            if self._moves:
                self._live.start(refresh=True)
            else:
                click.echo(self.words, err=True)

    def _drawn(self) -> Text:
        from rich.text import Text

        frames, spent = PLAIN_FRAMES if self._plain else FRAMES, time.monotonic() - self.began
        text = f"{frames[int(10 * spent) % len(frames)]} {self.words}"
        return Text(text + (f"  {clock(spent)}" if spent >= 2 else ""), no_wrap=True, overflow="ellipsis")
