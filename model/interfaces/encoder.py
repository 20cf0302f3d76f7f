"""Where the shared encoder comes from."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from model.declaration import Technique

if TYPE_CHECKING:
    from torch import nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Encoder(Technique):
    """Where the shared encoder and its tokenizer come from. Planning replaces what must be prepared first (the run's
    own encoder, ``Tiny``, ``DomainPretrained``) by a folder, so that only the others implement ``load``."""

    padded: ClassVar[bool] = False  # computes padding, too
    effort: ClassVar[float] = 1.0  # of a pass, in a BERT's of the same width and depth

    @property
    def overhead(self) -> float:
        """What a pass of a batch takes beyond its tokens, in tokens; where an encoder is wide, next to nothing."""
        return 0.0

    def making(self) -> float:
        """What it takes to prepare it from its start, once a results folder, in plain updates of one token."""
        return 0.0

    def identity(self) -> str:
        """What a cell's hash knows of the weights: a hub id, or a hash of a folder's content. Needs no torch."""
        raise NotImplementedError(f"the encoder {self.slug} has no weights until it is prepared")

    def load(self, seed: int) -> tuple[nn.Module, Any]:
        """The encoder and its tokenizer; weights that are new come from streams of their names under ``seed``.

        The encoder answers like transformers' BertModel: called with inputs_embeds, attention_mask, token_type_ids
        and output_hidden_states it gives last_hidden_state, pooler_output and hidden_states, and it has
        ``embeddings``, ``config``, ``get_input_embeddings()`` and ``new_parameters`` (names). ``EncoderError`` (see
        ``model.encoders.loading``) where it cannot be had.
        """
        raise NotImplementedError(f"the encoder {self.slug} must be prepared before it can be loaded")
