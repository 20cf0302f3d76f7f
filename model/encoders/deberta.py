"""DeBERTa: pretrained, or started from BERT's weights."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from model.encoders.loading import EncoderError, check_folder, folder_of, identity, load
from model.encoders.placeholders import Derived
from model.interfaces import Encoder

if TYPE_CHECKING:
    from torch import nn

EFFORT = 1.5  # of its attention and relative positions, measured on the tiny encoder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deberta(Encoder):
    """A pretrained DeBERTa (He et al. 2021, arXiv 2006.03654) from a Hugging Face id or a local folder; its pooler
    is new unless the folder is one of our exports."""

    slug: ClassVar[str] = "deberta"
    padded: ClassVar[bool] = True
    effort: ClassVar[float] = EFFORT
    name: str = "microsoft/deberta-base"

    def identity(self) -> str:
        if folder := folder_of(self.name):
            check_folder(folder, ("deberta",))
        return identity(self.name)

    def load(self, seed: int) -> tuple[nn.Module, Any]:
        from model.encoders.disentangled import Disentangled

        return load(self.name, seed, families=("deberta",), kind=Disentangled)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DebertaFromBert(Derived):
    """Disentangled attention with BERT's weights copied in and fresh relative-position tables (smart-vs-deberta,
    section 4). See ``model.encoders.disentangled.from_bert`` for what is copied, new and left out."""

    slug: ClassVar[str] = "deberta_from_bert"
    padded: ClassVar[bool] = True
    effort: ClassVar[float] = EFFORT
    positions: Literal["input", "output"] = "input"  # output: absolute positions only before the last layer
    scale: Literal["deberta", "bert"] = "deberta"  # bert: queries times sqrt(3), against DeBERTa's sqrt(3 d)

    @property
    def overhead(self) -> float:
        return self.start.overhead

    def identity(self) -> str:
        return f"{self.slug}({self.start.identity()}, {self.positions}, {self.scale})"

    def load(self, seed: int) -> tuple[nn.Module, Any]:
        from model.encoders.disentangled import from_bert

        bert, tokenizer = self.start.load(seed)
        family = getattr(bert.config, "model_type", None)
        if family != "bert":
            raise EncoderError(
                f"deberta_from_bert starts from a 'bert' model, but {self.start.slug} is a {family!r} one; name a BERT"
            )
        return from_bert(bert, seed, self.positions, self.scale), tokenizer
