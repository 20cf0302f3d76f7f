"""Progress bars that fit the screen: a line each at any width, with names shortened before figures are left out."""

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
    """Tasks have the fields ``left``, the time in words; ``count``, whether they show 3/16 or 19%; and ``begun``,
    what the bar shows beside what is completed."""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield BarLines(self.tasks)


@dataclasses.dataclass(frozen=True)
class BarLines:
    """Tasks, drawn to the width that the screen has by then."""

    tasks: Sequence[Task]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in format_bars(self.tasks, min(options.max_width, WIDEST), options.ascii_only):
            line.no_wrap, line.overflow = True, "crop"
            yield line


def format_bars(tasks: Sequence[Task], width: int, ascii_only: bool = False) -> list[Text]:
    """The tasks, aligned. Where there is no space, first the bars go, then the time left, then the time."""
    rows = [format_figures(task) for task in tasks]
    sizes = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    sizes = next((some for some in (sizes, sizes[:2]) if width - figures_width(some) >= LEAST), sizes[:1])
    space = max(0, width - figures_width(sizes))
    longest = max((len(task.description) for task in tasks), default=0)
    bar = min(LONGEST_BAR, space - min(longest, max(ROOMY, space // 2)) - 1)
    bar = bar if bar >= SHORTEST_BAR else 0
    name = min(longest, space - (bar + 1 if bar else 0))
    lines = []
    for task, row in zip(tasks, rows, strict=True):
        line = Text(shorten(task.description, name).ljust(name))
        if bar:
            line.append(" ").append(draw_bar(task, bar, ascii_only))
        for figure, size in zip(row, sizes, strict=False):
            line.append(" " + (figure.rjust(size) if size else ""))
        line.rstrip()
        lines.append(line)
    return lines


def figures_width(sizes: Sequence[int]) -> int:
    """The width of figures and of the blanks before them."""
    return sum(sizes) + len(sizes)


def format_figures(task: Task) -> tuple[str, str, str]:
    """How far it is, how long it has taken, how long it will."""
    done, total = round(task.completed), task.total
    if task.fields["count"]:
        share = f"{done}" if total is None else f"{done}/{round(total)}"
    else:
        share = f"{task.percentage:.0f}%"
    return share, clock(task.elapsed or 0.0), task.fields["left"]


def shorten(name: str, size: int) -> str:
    """The end of a long name, which has row and seed."""
    return name if len(name) <= size else "…" + name[len(name) - size + 1 :] if size > 1 else name[:size]


def draw_bar(task: Task, size: int, ascii_only: bool) -> Text:
    """The bar; blank where the end is not known."""
    if not task.total:
        return Text(" " * size)
    done = min(size, int(size * (task.completed + task.fields["begun"]) / task.total))
    marks = (PLAIN_DONE, PLAIN_LEFT) if ascii_only else (DONE, LEFT)
    return Text.assemble((marks[0] * done, "cyan"), (marks[1] * (size - done), "dim"))
