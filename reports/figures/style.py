"""How every figure looks: sizes in inches and points, colours, fonts, and text measured before it is placed.

Colours are Okabe and Ito's, which colour-blind readers tell apart; a marker, fill or dash always says the same thing.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import warnings
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Literal, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from reports.document.fonts import families

FULL, HALF, TALLEST = 6.3, 3.1, 8.8  # inches: the text's width, half of it, the highest figure on a page
TEXT, SMALL, TITLE = 7.5, 7.0, 8.0  # points
LINE = 0.145  # inches from one line of small text to the next
INK, WORD, GREY, FAINT, WHITE = "#000000", "#555555", "#8c8c8c", "#dddddd", "#ffffff"
BLUE, VERMILLION, GREEN = "#0072b2", "#d55e00", "#009e73"
CLEAR = {"facecolor": WHITE, "linewidth": 0, "pad": 1.5}  # the ground of words over lines
FONT = "DejaVu Sans"  # comes with matplotlib

Item = TypeVar("Item", bound=Hashable)
Dash = Literal["-", "--", ":", ""]

LOOK: dict[str, Any] = {
    "font.family": [FONT],
    "font.size": TEXT,
    "text.hinting": "none",  # as wide on a screen as in print
    "text.parse_math": False,  # a row's name may hold a dollar sign
    "axes.titlesize": TITLE,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.pad": 2.0,
    "ytick.major.pad": 2.0,
    "lines.linewidth": 1.1,
    "lines.markersize": 4.0,
    "hatch.linewidth": 0.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "ablation-harness",
    "pdf.fonttype": 42,
}


@contextlib.contextmanager
def look() -> Iterator[None]:
    """Matplotlib's own defaults and ``LOOK`` over them, whatever the reader's matplotlibrc says; also a decorator."""
    kept = {"backend", "backend_fallback", "interactive", "toolbar", "figure.max_open_warning"}
    defaults = {key: value for key, value in matplotlib.rcParamsDefault.items() if key not in kept}
    settings: Any = {**defaults, **LOOK}
    with matplotlib.rc_context(settings):
        yield


@contextlib.contextmanager
def boxes() -> Iterator[None]:
    """Matplotlib does not warn of each glyph that no font has: whoever saves a figure says which these are."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def sheet(width: float, height: float) -> Figure:
    """An empty figure of this size in inches."""
    return Figure(figsize=(width, height), dpi=100)


def panel(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place given in inches."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high))


def write(figure: Figure, x: float, y: float, words: str, size: float = SMALL, colour: str = INK) -> None:
    """Words at a place in inches: left aligned, centred on the line ``y``."""
    place = figure.dpi_scale_trans
    figure.text(x, y, words, transform=place, fontsize=size, color=colour, ha="left", va="center_baseline")


def says(axes: Axes, words: str) -> None:
    """A word in the middle of a panel that has nothing else to show."""
    place = axes.transAxes
    axes.text(0.5, 0.5, words, transform=place, ha="center", va="center", color=WORD, style="italic", bbox=CLEAR)


@functools.lru_cache(maxsize=4096)
def width_of(words: str, size: float = SMALL) -> float:
    """Inches that the words take, and 3% for what renderers disagree on."""
    font = FontProperties(family=[FONT, *families(words)], size=size)
    with boxes():
        return float(text_to_path.get_text_width_height_descent(words, font, False)[0]) / 72 * 1.03


def shorten(words: str, inches: float, size: float = SMALL) -> str:
    """The words, their middle replaced by … where they take more than ``inches``."""
    if width_of(words, size) <= inches:
        return words
    for kept in range(len(words) - 1, 1, -1):
        head = (kept + 1) // 2
        candidate = f"{words[:head]}…{words[len(words) - (kept - head) :]}"
        if width_of(candidate, size) <= inches:
            return candidate
    return words[:1] + "…"


def wrap(words: str, inches: float, size: float = SMALL) -> list[str]:
    """The words in lines of at most ``inches``; a single longer word is shortened. A no-break space keeps two
    words together."""
    lines: list[str] = []
    for word in words.split(" "):
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(joined, size) <= inches:
            lines[-1] = joined
        else:
            lines.append(shorten(word, inches, size))
    return lines


def pages(count: int, most: int) -> list[range]:
    """``count`` things on pages of at most ``most``, as evenly as can be."""
    sheets = max(1, -(-count // most))
    cuts = [count * sheet // sheets for sheet in range(sheets + 1)]
    return [range(start, stop) for start, stop in itertools.pairwise(cuts)]


def unique(items: Iterable[Item]) -> tuple[Item, ...]:
    """Each item once, in order."""
    return tuple(dict.fromkeys(items))
