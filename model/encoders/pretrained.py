"""Domain pre-training: an encoder trained further on text before fine-tuning."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from model.encoders.base import Base
from model.seams import Encoder


@dataclasses.dataclass(frozen=True, kw_only=True)
class DomainPretrained(Encoder):
    """Masked LM and next-sentence prediction on the lines of a text file (smooth-valleys, section 1)."""

    slug: ClassVar[str] = "domain_pretrained"
    built: ClassVar[bool] = False
    start: Encoder = Base()
    text: str = "domain"  # a file, or "domain": the data set's own target-domain text
    steps: int = 1000
    batch: int = 32
    rate: float = 5e-5
