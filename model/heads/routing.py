"""Heinsen routing: the states of all depths vote for the classes."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from model.seams import Head


@dataclasses.dataclass(frozen=True, kw_only=True)
class Routing(Head):
    """Routing of vector sequences (Heinsen 2022, arXiv 2211.11754)."""

    slug: ClassVar[str] = "routing"
    built: ClassVar[bool] = False
    reads_states: ClassVar[bool] = True
    vectors: int = 64  # outputs of the first two routings
    size: int = 64  # width of the routed vectors
    iterations: int = 2
