"""What a person sees while cells train: bars on a terminal, plain lines elsewhere."""

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

QUIET = 300.0  # seconds after which plain lines say that training goes on


class ProgressDisplay:
    """Follows the news of a run. Time left is what the work done so far took, scaled to the work left."""

    def __init__(self, total: int | None, names: Mapping[str, str], console: Console, what: str = "cells") -> None:
        self.total, self.names, self.console = total, names, console
        self.done = self.failed = 0
        self.began = time.monotonic()
        self.first: float | None = None  # when training, not preparation, began
        self.shares: dict[str, float] = {}
        self.tasks: dict[str, TaskID] = {}
        self.made: set[str] = set()  # encoders, and notes that were said
        self.moves = is_live_terminal(console)
        self.spoke = self.began
        self.bars = Bars(console=console, transient=True)
        self.overall = self.bars.add_task(what, total=total, left="", count=True, begun=0.0)

    def __enter__(self) -> Self:
        if self.moves:
            self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.moves:
            self.bars.stop()

    def left(self) -> float | None:
        """Seconds until all cells have ended, or None before it can be told."""
        worked = self.done + self.failed + sum(self.shares.values())
        if self.total is None or self.first is None or worked < 0.5:
            return None
        return (time.monotonic() - self.first) / worked * (self.total - worked)

    def hear(self, news: Event | None) -> None:
        """Take in one piece of news (None: nothing new, refresh)."""
        if news is not None:
            name = self.names[news.cell.id]
            if news.kind == "started":
                self.tasks[news.cell.id] = self.bars.add_task(name, total=100, left="", count=False, begun=0.0)
                LOG.info("started  %s", name)
            elif news.kind == "share":
                self._share(news, name)
            elif news.kind == "note":
                self._once(news.reason)
            elif news.kind == "busy":
                self.say(f"{name}: another process trains it")
            elif news.kind == "again":
                self._over(news)
                self.say(f"{name}: {news.reason}; it goes on from its last checkpoint")
            else:
                self._ended(news, name)
        left = self.left()
        told = f"{clock(left)} left" if left is not None else ""
        begun = sum(self.shares.values())
        self.bars.update(self.overall, completed=self.done + self.failed, left=told, begun=begun)
        if not self.moves and time.monotonic() > self.spoke + QUIET:
            self.say(self._so_far(told))

    def _share(self, news: Event, name: str) -> None:
        if not news.preparing:
            self.first = self.first or time.monotonic()
            self.shares[news.cell.id] = news.share
        text = "making the encoder" if news.preparing else name
        self.bars.update(self.tasks[news.cell.id], completed=round(100 * news.share), description=text)
        if news.preparing and news.cell.encoder not in self.made:
            self.made.add(news.cell.encoder)
            self.note("making the encoder, once")

    def _once(self, text: str) -> None:
        """What several workers may say of one thing."""
        if text not in self.made:
            self.made.add(text)
            self.say(text)

    def _ended(self, news: Event, name: str) -> None:
        self._over(news)
        if news.kind in ("cut", "paused", "full"):
            return
        if news.kind == "done":
            self.done += 1
        else:
            self.failed += 1
        number = f"{self.done + self.failed}" + (f"/{self.total}" if self.total is not None else "")
        if news.kind == "failed":
            self.say(f"failed  {number}  {name}: {news.reason}")
            trace = news.record.folder / "traceback.txt" if news.record else None
            if trace and trace.is_file() and trace.stat().st_size:
                self.say(f"traceback: {trace}")
        else:
            left = self.left()
            rest = f", {clock(left)} left" if left is not None else ""
            spent = clock(time.monotonic() - self.began)
            who = ", by another process" if news.elsewhere else ""
            self.note(f"done  {number}  {name}  ({spent}{rest}{who})")

    def _so_far(self, left: str) -> str:
        """Where training is, for whoever looks at a file."""
        ended = f"{self.done + self.failed}" + (f"/{self.total}" if self.total is not None else "")
        cells = [f"{self.names[cell]} {100 * share:.0f}%" for cell, share in self.shares.items()]
        times = ", ".join(filter(None, [clock(time.monotonic() - self.began), left]))
        return f"training  {ended} ended  {', '.join(cells[:4])}{', ...' * (len(cells) > 4)}  ({times})"

    def _over(self, news: Event) -> None:
        """The cell is not in training now."""
        self.shares.pop(news.cell.id, None)
        if news.cell.id in self.tasks:
            self.bars.remove_task(self.tasks.pop(news.cell.id))

    def note(self, text: str) -> None:
        """A line for the log, and for who sees no bars."""
        if self.moves:
            LOG.info("%s", text)
        else:
            self.say(text)

    def say(self, text: str) -> None:
        """A line above the bars."""
        self.spoke = time.monotonic()
        print_and_log(self.console, text)
