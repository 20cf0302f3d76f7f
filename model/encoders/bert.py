"""BERT from a Hugging Face id or a local folder."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from model.seams import Encoder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bert(Encoder):
    """Any model of the BERT family (Devlin et al. 2019, arXiv 1810.04805)."""

    slug: ClassVar[str] = "bert"
    name: str = "google-bert/bert-base-uncased"
