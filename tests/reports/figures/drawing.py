"""What stands where on a drawn figure, and inputs of every kind for the figures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.figures.estimates import Band, Estimate
from reports.figures.style import TALLEST, look

METRICS = ("SST accuracy", "Quora accuracy", "STS Pearson r", "overall")
LONG = (
    "08-pcgrad-per-step-as-written",
    "11-mse-pcgrad-per-step",
    "smart",
    "gradient-surgery-with-quora-first-and-cosine",
)


def row_names(count: int) -> list[str]:
    return [LONG[i % len(LONG)] if i < len(LONG) else f"{LONG[i % len(LONG)]}-{i}" for i in range(count)]


def texts(figure: Figure) -> list[tuple[str, float, float, float, float]]:
    """Every visible text with its left, bottom, right and top in pixels."""
    with look():
        figure.draw_without_rendering()
        boxes = []
        for text in figure.findobj(Text):
            if isinstance(text, Text) and text.get_visible() and text.get_text().strip():
                box = text.get_window_extent()
                boxes.append((text.get_text(), box.x0, box.y0, box.x1, box.y1))
    return boxes


def words(figure: Figure) -> list[str]:
    return [text[0] for text in texts(figure)]


def faults(figure: Figure) -> list[str]:
    """Texts that stand out of the figure or over one another, and a figure too high for a page."""
    wide, high = figure.get_size_inches() * figure.dpi
    problems = [] if high <= TALLEST * figure.dpi + 1e-6 else [f"{high / figure.dpi:.2f} in high"]
    boxes = texts(figure)
    problems += [f"{name!r} is cut off" for name, x0, y0, x1, y1 in boxes if x0 < 0 or y0 < 0 or x1 > wide or y1 > high]
    for (a, ax0, ay0, ax1, ay1), (b, bx0, by0, bx1, by1) in itertools.combinations(boxes, 2):
        if min(ax1, bx1) - max(ax0, bx0) > 0.5 and min(ay1, by1) - max(ay0, by0) > 0.5:
            problems.append(f"{a!r} over {b!r}")
    return problems


def all_faults(figures: Iterable[Figure]) -> list[str]:
    return [fault for figure in figures for fault in faults(figure)]


def estimates(low: float = -1.0, high: float = 1.0) -> st.SearchStrategy[Estimate]:
    """Means with and without intervals, often equal, and the two ways of missing."""
    mean = st.one_of(st.just((low + high) / 2), st.floats(low, high))
    half = st.floats(0.0, 0.1)
    return st.one_of(
        st.builds(_interval, mean, half),
        st.builds(Estimate, mean),
        st.sampled_from([Estimate(None), Estimate(math.nan)]),
    )


def _interval(mean: float, half: float) -> Estimate:
    return Estimate(mean, mean - half, mean + half)


def bands() -> st.SearchStrategy[Band | None]:
    lines = st.lists(st.one_of(st.floats(0.0, 1.0), st.just(math.nan)), min_size=0, max_size=10)
    return st.one_of(st.none(), st.builds(_band, lines, st.booleans()))


def _band(middle: list[float], single: bool) -> Band:
    epochs = tuple(float(i + 1) for i in range(len(middle)))
    if single:
        return Band(epochs, tuple(middle))
    return Band(epochs, tuple(middle), tuple(v - 0.02 for v in middle), tuple(v + 0.02 for v in middle))
