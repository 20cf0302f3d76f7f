"""Figures on their way into a report: named, numbered where one page does not hold them, and written as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from reports.document.blocks import Picture
from reports.figures.save import save


class NamedFigure(NamedTuple):
    """A figure with its file's name and its caption."""

    name: str
    figure: Figure
    caption: str


def number_figures(name: str, figures: Sequence[Figure], caption: str) -> Iterator[NamedFigure]:
    """Figures of one kind, with their number where there are several."""
    for number, figure in enumerate(figures, 1):
        ending = (f"-{number}", f" ({number} of {len(figures)})") if len(figures) > 1 else ("", "")
        yield NamedFigure(name + ending[0], figure, caption + ending[1])


def save_figures(figures: Iterable[NamedFigure], folder: Path) -> list[Picture]:
    """Write the figures into the folder."""
    pictures = []
    for name, figure, caption in figures:
        save(figure, folder, name)
        width, height = figure.get_size_inches()
        pictures.append(Picture(name=name, caption=caption, width=float(width), height=float(height)))
    return pictures
