"""The key of a figure: signs with their words, in lines that fit, and numbered rows in columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from reports.figures import style

HANDLE, SPACE, GAP = 0.24, 0.06, 0.2  # inches: the sign, from it to its words, from one entry to the next


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sign:
    """An entry: a marker, a line, a band, or words alone."""

    words: str
    marker: str = ""
    line: style.Dash = ""
    band: bool = False
    filled: bool = True
    colour: str = style.BLUE

    @property
    def lead(self) -> float:
        """Inches before the words."""
        return HANDLE + SPACE if self.marker or self.line or self.band else 0.0


def seeds(counts: Iterable[int]) -> list[Sign]:
    """``5 seeds a row``, or from how many to how many; nothing where no row has any."""
    positive = sorted(count for count in counts if count)
    if not positive:
        return []
    few, most = positive[0], positive[-1]
    return [Sign(words=f"{few}-{most} seeds a row" if few < most else f"{most} seed{'s' * (most > 1)} a row")]


def rows(signs: Sequence[Sign], width: float) -> list[list[Sign]]:
    """The signs in lines no wider than ``width`` inches; words alone are wrapped over several."""
    lines: list[list[Sign]] = []
    used = width + 1
    for sign in signs:
        room = width - sign.lead
        parts = style.wrap(sign.words, room)
        for part in parts:
            entry = dataclasses.replace(sign, words=part)
            size = entry.lead + style.width_of(part)
            if used + GAP + size <= width:
                lines[-1].append(entry)
                used += GAP + size
            else:
                lines.append([entry])
                used = size
            if len(parts) > 1:
                used = width  # a wrapped entry shares its lines with no other
                sign = dataclasses.replace(sign, marker="", line="", band=False)
    return lines


def height(signs: Sequence[Sign], width: float) -> float:
    return len(rows(signs, width)) * style.LINE


def draw(figure: Figure, signs: Sequence[Sign], left: float, top: float, width: float) -> None:
    """Draws the key down from ``top``; ``height`` says how far."""
    for index, line in enumerate(rows(signs, width)):
        x, y = left, top - (index + 0.5) * style.LINE
        for sign in line:
            handle(figure, sign, x, y)
            style.write(figure, x + sign.lead, y, sign.words)
            x += sign.lead + style.width_of(sign.words) + GAP


def handle(figure: Figure, sign: Sign, x: float, y: float) -> None:
    place = figure.dpi_scale_trans
    if sign.band:
        box = Rectangle((x, y - 0.04), HANDLE, 0.08, facecolor=sign.colour, alpha=0.2, linewidth=0, transform=place)
        figure.add_artist(box)
    if sign.line:
        figure.add_artist(
            Line2D([x, x + HANDLE], [y, y], color=sign.colour, linestyle=sign.line, linewidth=1.1, transform=place)
        )
    if sign.marker:
        fill = sign.colour if sign.filled else style.WHITE
        dot = Line2D(
            [x + HANDLE / 2],
            [y],
            marker=sign.marker,
            markersize=4,
            color=sign.colour,
            markerfacecolor=fill,
            markeredgewidth=0.9,
            linestyle="none",
            transform=place,
        )
        figure.add_artist(dot)


def numbered_height(count: int, columns: int) -> float:
    return -(-count // columns) * style.LINE


def numbered(figure: Figure, names: Sequence[str], left: float, top: float, width: float, columns: int) -> None:
    """``1 first row``, ``2 second row``, ... down one column after the other."""
    deep = -(-len(names) // columns)
    wide = width / columns
    for index, name in enumerate(names):
        x, y = left + index // deep * wide, top - (index % deep + 0.5) * style.LINE
        style.write(figure, x, y, str(index + 1), colour=style.WORD)
        style.write(figure, x + 0.22, y, style.shorten(name, wide - 0.32))
