"""Progress of training: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import TaskID

from harness.console.log_file import LOG
from harness.console.progress_bars import Bars
from harness.console.status import clock
from harness.console.text import is_live_terminal, print_and_log
from harness.execution.events import Event

QUIET = 300.0  # seconds after which plain lines repeat how far training is


class ProgressDisplay:
    """Follows the events of a run. Time left is that of the work done so far, scaled to the work left."""

    def __init__(self, total: int | None, names: Mapping[str, str], console: Console, what: str = "cells") -> None:
        self.total, self.names, self.console = total, names, console
        self.done = self.failed = 0
        self.began = time.monotonic()
        self.first: float | None = None  # when training, not preparation, began
        self.shares: dict[str, float] = {}
        self.tasks: dict[str, TaskID] = {}
        self.announced: set[str] = set()  # encoders and notes
        self.animated = is_live_terminal(console)
        self.last_said = self.began
        self.bars = Bars(console=console, transient=True)
        self.overall = self.bars.add_task(what, total=total, left="", count=True, begun=0.0)

    def __enter__(self) -> Self:
        if self.animated:
            self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.animated:
            self.bars.stop()

    def left(self) -> float | None:
        """Seconds until all cells have ended, or None before it can be estimated."""
        worked = self.done + self.failed + sum(self.shares.values())
        if self.total is None or self.first is None or worked < 0.5:
            return None
        return (time.monotonic() - self.first) / worked * (self.total - worked)

    def update(self, event: Event | None) -> None:
        """Show an event (None: refresh)."""
        if event is not None:
            name = self.names[event.cell.id]
            if event.kind == "started":
                self.tasks[event.cell.id] = self.bars.add_task(name, total=100, left="", count=False, begun=0.0)
                LOG.info("started  %s", name)
            elif event.kind == "share":
                self._update_share(event, name)
            elif event.kind == "note":
                self._say_once(event.reason)
            elif event.kind == "busy":
                self.say(f"{name}: another process trains it")
            elif event.kind == "again":
                self._remove_bar(event)
                self.say(f"{name}: {event.reason}; it goes on from its last checkpoint")
            else:
                self._ended(event, name)
        left = self.left()
        left_text = f"{clock(left)} left" if left is not None else ""
        begun = sum(self.shares.values())
        self.bars.update(self.overall, completed=self.done + self.failed, left=left_text, begun=begun)
        if not self.animated and time.monotonic() > self.last_said + QUIET:
            self.say(self._summary(left_text))

    def _update_share(self, event: Event, name: str) -> None:
        if not event.preparing:
            self.first = self.first or time.monotonic()
            self.shares[event.cell.id] = event.share
        text = "making the encoder" if event.preparing else name
        self.bars.update(self.tasks[event.cell.id], completed=round(100 * event.share), description=text)
        if event.preparing and event.cell.encoder not in self.announced:
            self.announced.add(event.cell.encoder)
            self.note("making the encoder, once")

    def _say_once(self, text: str) -> None:
        """A line that several workers may send, once."""
        if text not in self.announced:
            self.announced.add(text)
            self.say(text)

    def _ended(self, event: Event, name: str) -> None:
        self._remove_bar(event)
        if event.kind in ("cut", "paused", "full"):
            return
        if event.kind == "done":
            self.done += 1
        else:
            self.failed += 1
        number = f"{self.done + self.failed}" + (f"/{self.total}" if self.total is not None else "")
        if event.kind == "failed":
            self.say(f"failed  {number}  {name}: {event.reason}")
            trace = event.record.folder / "traceback.txt" if event.record else None
            if trace and trace.is_file() and trace.stat().st_size:
                self.say(f"traceback: {trace}")
        else:
            left = self.left()
            rest = f", {clock(left)} left" if left is not None else ""
            spent = clock(time.monotonic() - self.began)
            who = ", by another process" if event.elsewhere else ""
            self.note(f"done  {number}  {name}  ({spent}{rest}{who})")

    def _summary(self, left: str) -> str:
        """The cells in training and their shares, for output in a file."""
        ended = f"{self.done + self.failed}" + (f"/{self.total}" if self.total is not None else "")
        cells = [f"{self.names[cell]} {100 * share:.0f}%" for cell, share in self.shares.items()]
        times = ", ".join(filter(None, [clock(time.monotonic() - self.began), left]))
        return f"training  {ended} ended  {', '.join(cells[:4])}{', ...' * (len(cells) > 4)}  ({times})"

    def _remove_bar(self, event: Event) -> None:
        """The cell is not in training any more."""
        self.shares.pop(event.cell.id, None)
        if event.cell.id in self.tasks:
            self.bars.remove_task(self.tasks.pop(event.cell.id))

    def note(self, text: str) -> None:
        """A line for the log, and for output without bars."""
        if self.animated:
            LOG.info("%s", text)
        else:
            self.say(text)

    def say(self, text: str) -> None:
        """A line above the bars."""
        self.last_said = time.monotonic()
        print_and_log(self.console, text)
