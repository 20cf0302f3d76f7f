"""DeBERTa: pretrained, or started from BERT's weights."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from model.encoders.base import Base
from model.seams import Encoder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deberta(Encoder):
    """A pretrained DeBERTa (He et al. 2021, arXiv 2006.03654)."""

    slug: ClassVar[str] = "deberta"
    built: ClassVar[bool] = False
    name: str = "microsoft/deberta-base"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DebertaFromBert(Encoder):
    """Disentangled attention with BERT's weights copied in and fresh relative-position tables (smart-vs-deberta)."""

    slug: ClassVar[str] = "deberta_from_bert"
    built: ClassVar[bool] = False
    start: Encoder = Base()
    positions: Literal["input", "output"] = "input"  # output: absolute positions only before the last layer
