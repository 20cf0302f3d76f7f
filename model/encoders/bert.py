"""BERT from a Hugging Face id or a local folder."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from model.encoders.loading import check_folder, folder_of, identity, load
from model.interfaces import Encoder

if TYPE_CHECKING:
    from torch import nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bert(Encoder):
    """Any model of the BERT family (Devlin et al. 2019, arXiv 1810.04805)."""

    slug: ClassVar[str] = "bert"
    name: str = "google-bert/bert-base-uncased"

    def identity(self) -> str:
        if folder := folder_of(self.name):
            check_folder(folder, ("bert",))
        return identity(self.name)

    def load(self, seed: int) -> tuple[nn.Module, Any]:
        return load(self.name, seed)
