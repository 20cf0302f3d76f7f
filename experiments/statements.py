"""What a paper says in words of its figures, as data that ``harness audit`` checks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal


@dataclasses.dataclass(frozen=True, kw_only=True)
class StatedFigure:
    """What a paper says in words of a printed figure: ``row``'s ``metric`` is ``value``, or is ``value`` times, or that
    much more than, the row ``than``'s. Without a value: it is more, or less. ``fair`` is a row on the same split, where
    ``than`` is not."""

    says: str
    source: str
    row: str
    metric: str
    relation: Literal["is", "times", "more", "less"]
    value: float | None = None
    than: str | None = None
    fair: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class GatheredLine:
    """A printed line that is no row: it takes its figures from several. ``rows`` names them by metric."""

    name: str
    source: str
    printed: Mapping[str, float]
    rows: Mapping[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConstantAnswer:
    """A row of which the paper says that it answers one class of the task always."""

    row: str
    metric: str
    answer: int
    source: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class UndescribedChange:
    """What the paper changed together with a row and does not describe, so that no recipe has it."""

    row: str
    says: str
    source: str


Statement = StatedFigure | GatheredLine | ConstantAnswer | UndescribedChange
