"""Extra sentiment data: product reviews with stars."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from model.seams import Extra


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reviews(Extra):
    """Stars 1..5 become classes 0..4, as many of each, texts under ``max_characters`` (smart-vs-deberta, section
    5.1). ``source`` is a JSON-lines file with ``overall`` and ``reviewText``, a hub id, or ``default``."""

    slug: ClassVar[str] = "reviews"
    built: ClassVar[bool] = False
    source: str = "default"
    max_characters: int = 200
    per_class: int | None = None
