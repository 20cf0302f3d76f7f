"""Writes a figure as SVG and PDF, byte for byte the same each time."""

from __future__ import annotations

import warnings
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.document.fonts import MissingGlyphs, families, missing_everywhere, missing_in_dejavu
from reports.figures.style import FONT, boxes, look

UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


@look()
def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """``folder/name.svg`` and ``folder/name.pdf``, at the figure's own size. The folder is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    fall_back(figure)
    written = []
    for kind, metadata in UNDATED.items():
        path = folder / f"{name}.{kind}"
        part = path.with_name(f"{path.name}.part")  # whole or not at all
        with boxes():
            figure.savefig(part, format=kind, metadata=metadata)
        part.replace(path)
        written.append(path)
    return written


def fall_back(figure: Figure) -> None:
    """Give texts that need other fonts these fonts, if the machine has them, and warn (``MissingGlyphs``) if not."""
    texts = set(figure.findobj(Text))
    for axes in figure.axes:
        texts |= {*axes.get_xticklabels(), *axes.get_yticklabels()}
    unset = set[str]()
    for text in texts:
        characters = missing_in_dejavu(text.get_text())
        if characters:
            text.set_fontfamily([FONT, *families(text.get_text())])
            unset |= set(missing_everywhere(characters, True))
    if unset:
        warnings.warn(MissingGlyphs(sorted(unset), "figures"), stacklevel=2)
