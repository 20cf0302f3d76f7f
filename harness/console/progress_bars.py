"""Bars that keep to the screen: a line each at any width, names cut before figures are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import Progress, Task
from rich.text import Text

from harness.console.status import clock

WIDEST, LONGEST_BAR, SHORTEST_BAR = 100, 30, 8  # characters: a line, bars
ROOMY, LEAST = 20, 14  # of a name, before there is a bar, before there are all figures
DONE, LEFT, PLAIN_DONE, PLAIN_LEFT = "━", "─", "#", "-"


class Bars(Progress):
    """Tasks have the fields ``left``, the time in words; ``count``, whether 3/16 or 19% is told of them; and ``begun``,
    what the bar shows beside what is completed."""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield Drawn(self.tasks)


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Tasks, for a screen of whatever width it has by then."""

    tasks: Sequence[Task]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in lines(self.tasks, min(options.max_width, WIDEST), options.ascii_only):
            line.no_wrap, line.overflow = True, "crop"
            yield line


def lines(tasks: Sequence[Task], width: int, plain: bool = False) -> list[Text]:
    """The tasks, aligned. Where there is no room, first the bars go, then the time left, then the time."""
    rows = [figures(task) for task in tasks]
    sizes = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    sizes = next((some for some in (sizes, sizes[:2]) if width - taken(some) >= LEAST), sizes[:1])
    room = max(0, width - taken(sizes))
    longest = max((len(task.description) for task in tasks), default=0)
    bar = min(LONGEST_BAR, room - min(longest, max(ROOMY, room // 2)) - 1)
    bar = bar if bar >= SHORTEST_BAR else 0
    name = min(longest, room - (bar + 1 if bar else 0))
    made = []
    for task, row in zip(tasks, rows, strict=True):
        line = Text(cut(task.description, name).ljust(name))
        if bar:
            line.append(" ").append(drawn(task, bar, plain))
        for figure, size in zip(row, sizes, strict=False):
            line.append(" " + (figure.rjust(size) if size else ""))
        line.rstrip()
        made.append(line)
    return made


def taken(sizes: Sequence[int]) -> int:
    """Characters of figures and of the blanks before them."""
    return sum(sizes) + len(sizes)


def figures(task: Task) -> tuple[str, str, str]:
    """How far it is, how long it has taken, how long it will."""
    done, total = round(task.completed), task.total
    if task.fields["count"]:
        far = f"{done}" if total is None else f"{done}/{round(total)}"
    else:
        far = f"{task.percentage:.0f}%"
    return far, clock(task.elapsed or 0.0), task.fields["left"]


def cut(name: str, size: int) -> str:
    """The end of a long name, which has row and seed."""
    return name if len(name) <= size else "…" + name[len(name) - size + 1 :] if size > 1 else name[:size]


def drawn(task: Task, size: int, plain: bool) -> Text:
    """The bar; blank where the end is not known."""
    if not task.total:
        return Text(" " * size)
    done = min(size, int(size * (task.completed + task.fields["begun"]) / task.total))
    marks = (PLAIN_DONE, PLAIN_LEFT) if plain else (DONE, LEFT)
    return Text.assemble((marks[0] * done, "cyan"), (marks[1] * (size - done), "dim"))
