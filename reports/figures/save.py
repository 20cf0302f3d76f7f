"""Writes a figure as SVG and PDF, byte for byte the same each time."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from reports.figures.style import look

UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


@look()
def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """``folder/name.svg`` and ``folder/name.pdf``, at the figure's own size. The folder is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, metadata in UNDATED.items():
        path = folder / f"{name}.{kind}"
        part = path.with_name(f"{path.name}.part")  # whole or not at all
        figure.savefig(part, format=kind, metadata=metadata)
        part.replace(path)
        written.append(path)
    return written
