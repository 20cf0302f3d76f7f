"""What a person sees while cells train: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from harness.execute.news import News
from harness.output import say


def clock(seconds: float) -> str:
    """3:07 or 2:05:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Watch:
    """Follows the news of a run. Time left is what the work done so far took, scaled to the work left."""

    def __init__(self, total: int | None, names: Mapping[str, str], console: Console, what: str = "cells") -> None:
        self.total, self.names, self.console = total, names, console
        self.done = self.failed = 0
        self.began = time.monotonic()
        self.first: float | None = None  # when training, not preparation, began
        self.shares: dict[str, float] = {}
        self.tasks: dict[str, TaskID] = {}
        self.bars = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
        )
        self.overall = self.bars.add_task(what, total=total, left="")

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def left(self) -> float | None:
        """Seconds until all cells have ended, or None before it can be told."""
        worked = self.done + self.failed + sum(self.shares.values())
        if self.total is None or self.first is None or worked < 0.5:
            return None
        return (time.monotonic() - self.first) / worked * (self.total - worked)

    def hear(self, news: News | None) -> None:
        """Take in one piece of news (None: nothing new, refresh)."""
        if news is not None:
            name = self.names[news.cell.id]
            if news.kind == "started":
                self.tasks[news.cell.id] = self.bars.add_task(name, total=100, left="")
            elif news.kind == "share":
                self._share(news, name)
            elif news.kind == "busy":
                self.say(f"{name}: another process trains it")
            elif news.kind == "again":
                self._over(news)
                self.say(f"{name}: {news.reason}; it goes on from its last checkpoint")
            else:
                self._ended(news, name)
        left = self.left()
        told = f"{clock(left)} left" if left is not None else ""
        self.bars.update(self.overall, completed=self.done + self.failed, left=told)

    def _share(self, news: News, name: str) -> None:
        if not news.preparing:
            self.first = self.first or time.monotonic()
            self.shares[news.cell.id] = news.share
        text = "making the encoder" if news.preparing else name
        self.bars.update(self.tasks[news.cell.id], completed=round(100 * news.share), description=text)
        if news.preparing and not self.console.is_terminal and news.share == 0.0:
            self.say("making the encoder, once")

    def _ended(self, news: News, name: str) -> None:
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
        elif not self.console.is_terminal:
            left = self.left()
            rest = f", {clock(left)} left" if left is not None else ""
            spent = clock(time.monotonic() - self.began)
            who = ", by another process" if news.elsewhere else ""
            self.say(f"done  {number}  {name}  ({spent}{rest}{who})")

    def _over(self, news: News) -> None:
        """The cell is not in training now."""
        self.shares.pop(news.cell.id, None)
        if news.cell.id in self.tasks:
            self.bars.remove_task(self.tasks.pop(news.cell.id))

    def say(self, text: str) -> None:
        """A line above the bars."""
        say(self.console, text)
