"""The demo's encoder: a small BERT that the harness pre-trains itself on the embedded text."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from model.seams import Encoder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tiny(Encoder):
    """2 layers x 64, its own WordPiece vocabulary, masked-LM on embedded text; made once and cached."""

    slug: ClassVar[str] = "tiny"
    layers: int = 2
    hidden: int = 64
