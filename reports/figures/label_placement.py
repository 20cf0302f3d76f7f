"""Labels beside points, none over another: the nearest free place around each point, with a thin line if far."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures import style

Spot = tuple[float, float]
HIGH = style.SMALL * 1.22 / 72  # inches of a line of small text
AIR = 0.02  # inches around a label
DOT = 0.05  # inches from a point's middle to its edge
RINGS = (0.06, 0.1, 0.16, 0.24, 0.34, 0.46, 0.6, 0.78, 1.0, 1.3, 1.7, 2.2)
ANGLES = tuple(math.pi / 4 + math.pi / 8 * step for step in range(16))
FAR = 0.12  # inches between a point and its label from which a line joins them


def label(figure: Figure, axes: Axes, points: Sequence[tuple[float, float]], words: Sequence[str]) -> None:
    """Writes each word beside its point (in data units), inside the panel. A word is left out only where the panel is
    full, at about a hundred numbers."""
    inches = axes.transData + figure.dpi_scale_trans.inverted()
    spots = [(float(x), float(y)) for x, y in inches.transform(points)] if points else []
    (left, bottom), (right, top) = (axes.transAxes + figure.dpi_scale_trans.inverted()).transform([(0, 0), (1, 1)])
    places = place(spots, [style.width_of(word) for word in words], (left, bottom, right, top))
    for spot, middle, word in zip(spots, places, words, strict=True):
        if middle is None:
            continue
        x, y = middle
        if far(spot, (x, y), style.width_of(word) / 2, spots):
            start = DOT / 2 / math.dist(spot, middle)  # at the point's edge
            ends = [spot[0] + start * (x - spot[0]), x], [spot[1] + start * (y - spot[1]), y]
            line = Line2D(*ends, color=style.GREY, linewidth=0.4, transform=figure.dpi_scale_trans)
            figure.add_artist(line)
        figure.text(
            x,
            y,
            word,
            transform=figure.dpi_scale_trans,
            ha="center",
            va="center",
            fontsize=style.SMALL,
            zorder=6,
            bbox={"facecolor": style.WHITE, "linewidth": 0, "pad": 0.4, "alpha": 0.8},
        )


def place(
    spots: Sequence[Spot], widths: Sequence[float], bounds: tuple[float, float, float, float]
) -> list[Spot | None]:
    """The middle of each label, in inches: no two labels overlap, and while that can be helped none covers a point or
    stands nearer to another one than to its own. None for a label that finds no place."""
    boxes: list[tuple[float, float, float, float]] = []  # middle x, middle y, half width, half height
    dots = [(x, y, DOT, DOT) for x, y in dict.fromkeys(spots)]
    middles: list[Spot | None] = []
    for spot, width in zip(spots, widths, strict=True):
        half = (width / 2 + AIR, HIGH / 2 + AIR)
        inside = [c for c in candidates(spot, half) if within(c, half, bounds)]
        free = [c for c in inside if clear(c, half, boxes)]
        if not free:
            free = [c for c in everywhere(spot, half, bounds) if clear(c, half, boxes)][:1]
        if not free:
            middles.append(None)
            continue
        uncovered = [c for c in free if clear(c, half, dots)] or free
        best = next((c for c in uncovered if nearest(c, spot, half, spots)), uncovered[0])
        boxes.append((*best, *half))
        middles.append(best)
    return middles


def gap(spot: Spot, middle: Spot, half: Spot) -> float:
    """Inches from a point to the edge of a label."""
    return math.hypot(max(0.0, abs(spot[0] - middle[0]) - half[0]), max(0.0, abs(spot[1] - middle[1]) - half[1]))


def nearest(middle: Spot, own: Spot, half: Spot, spots: Sequence[Spot]) -> bool:
    """Whether the label stands clearly nearer to its own point than to any other."""
    mine = gap(own, middle, half)
    return all(other == own or gap(other, middle, half) > mine + 0.03 for other in spots)


def far(own: Spot, middle: Spot, half: float, spots: Sequence[Spot]) -> bool:
    """Whether a line has to say whose label it is."""
    box = (half + AIR, HIGH / 2 + AIR)
    return gap(own, middle, box) > FAR or not nearest(middle, own, box, spots)


def candidates(spot: Spot, half: Spot) -> Iterator[Spot]:
    """Places around a point, nearest first."""
    for ring in RINGS:
        for angle in ANGLES:
            yield (
                spot[0] + math.cos(angle) * (ring + half[0]),
                spot[1] + math.sin(angle) * (ring + half[1]),
            )


def everywhere(spot: Spot, half: Spot, bounds: tuple[float, float, float, float]) -> list[Spot]:
    """Places all over the panel, nearest first."""
    left, bottom, right, top = bounds
    columns, lines = int((right - left) / half[0]) - 1, int((top - bottom) / half[1]) - 1
    grid = [
        (left + half[0] * (1 + column), bottom + half[1] * (1 + line))
        for column in range(columns)
        for line in range(lines)
    ]
    return sorted(grid, key=functools.partial(math.dist, spot))


def within(middle: Spot, half: Spot, bounds: tuple[float, float, float, float]) -> bool:
    left, bottom, right, top = bounds
    return (
        left <= middle[0] - half[0]
        and middle[0] + half[0] <= right
        and bottom <= middle[1] - half[1]
        and middle[1] + half[1] <= top
    )


def clear(middle: Spot, half: Spot, boxes: Sequence[tuple[float, float, float, float]]) -> bool:
    x, y = middle
    wide, high = half
    return all(abs(x - bx) >= wide + bw or abs(y - by) >= high + bh for bx, by, bw, bh in boxes)


def ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 as ``1-3, 7``."""
    runs: list[list[int]] = []
    for value in numbers:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
