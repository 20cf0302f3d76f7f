"""What a report consists of, before anyone draws it: headings, words, grids and pictures in reading order."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

Tone = Literal["", "muted", "good", "bad", "warning"]


@dataclasses.dataclass(frozen=True)
class Cell:
    """``below`` is small print under the text; ``value`` is what a page sorts by."""

    text: str
    below: str = ""
    strong: bool = False
    tone: Tone = ""
    span: int = 1
    value: float | None = None


@dataclasses.dataclass(frozen=True)
class Heading:
    level: int
    text: str


@dataclasses.dataclass(frozen=True)
class Words:
    text: str
    tone: Tone = ""


@dataclasses.dataclass(frozen=True)
class Bullets:
    items: tuple[str, ...]
    title: str = ""
    tone: Tone = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grid:
    """``widths`` are shares of the page's width, one a column, the first column on the left and the others on the right
    unless ``left`` names them; ``records`` is the same as data, unrounded."""

    name: str
    caption: str
    head: tuple[tuple[Cell, ...], ...]
    body: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...]
    left: tuple[int, ...] = (0,)
    notes: tuple[str, ...] = ()
    records: tuple[Mapping[str, Any], ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """``name`` is the file's without its ending; ``width`` and ``height`` are inches."""

    name: str
    caption: str
    width: float
    height: float


Block = Heading | Words | Bullets | Grid | Picture
