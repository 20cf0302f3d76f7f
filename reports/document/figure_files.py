"""What the PDF and the page ask of a report's figures: that they are there, and what each shows in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model.errors import InputError
from reports.document.blocks import Block, Heading, Picture
from reports.document.text import plain


class FigureError(InputError):
    """A figure's file is missing."""


def require_figures(blocks: Sequence[Block], folder: Path) -> None:
    """``FigureError`` unless every picture is ``<folder>/figures/<name>.svg``."""
    for block in blocks:
        if isinstance(block, Picture) and not (path := folder / "figures" / f"{block.name}.svg").is_file():
            raise FigureError(f"the report's figure {path} is missing; harness report --force draws it again")


def describe_figures(blocks: Sequence[Block]) -> dict[str, str]:
    """By picture: the section it is in and its caption."""
    texts: dict[str, str] = {}
    section = ""
    for block in blocks:
        if isinstance(block, Heading):
            section = block.text
        elif isinstance(block, Picture):
            texts[block.name] = plain(f"{section}. {block.caption}" if section else block.caption)
    return texts
