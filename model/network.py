"""The network of every row: tokens -> embed -> encode -> features -> predict, one shared encoder and a head a task."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from model.encoders.loading import check_types
from model.interfaces import Encoded, Tokens
from model.kernels import packed_bert
from model.kernels.sparse_embedding import lookup
from model.kernels.switch import enabled
from model.precision import TILE
from model.recipe import Branch, Recipe
from model.rng import initialise, seeded


class Network(nn.Module):
    """``encoder`` follows the call of transformers' BertModel and has ``embeddings`` as a submodule. A BertModel itself
    runs on real tokens alone (``model.kernels.packed_bert``), unless a part of it was exchanged or has a hook, or a
    regularizer reads padding."""

    def __init__(self, recipe: Recipe, encoder: nn.Module, seed: int) -> None:
        super().__init__()
        self.recipe = recipe
        self.encoder = encoder
        config: Any = encoder.config
        joint = next((branch.key for branch in recipe.branches if branch.pairing.joint), "")
        check_types(
            recipe.encoder.slug, getattr(config, "model_type", ""), getattr(config, "type_vocab_size", None), joint
        )
        self.width: int = config.hidden_size
        depth = config.num_hidden_layers + 1
        self.branches: dict[str, Branch] = {branch.key: branch for branch in recipe.branches}
        self.heads = nn.ModuleDict()
        for name, branch in self.branches.items():
            with seeded(seed, "head", name):
                self.heads[name] = branch.head.build(
                    width=branch.pairing.width(self.width),
                    outputs=branch.objective.outputs(branch.task),
                    dropout=recipe.dropout,
                    hidden=self.width,
                    depth=depth,
                )
            initialise(self.heads[name], seed, f"heads.{name}")
        self.dropout = nn.Dropout(recipe.dropout)
        self._reads_states = any(branch.head.reads_states for branch in recipe.branches)
        self._frozen = recipe.trainable == "heads"
        encoder.requires_grad_(not self._frozen)
        self._swap: Tensor | None = None
        self.embedding_output: Tensor | None = None  # of the last pass, [rows, length, hidden]
        self.survey()
        encoder.get_submodule("embeddings").register_forward_hook(self._at_embeddings)

    def survey(self) -> None:
        """See whether the encoder's parts are BERT's own; to be called again after one was exchanged."""
        stock = packed_bert.packs(self.encoder) and not self.recipe.needs_padding
        embeddings = self.encoder.get_submodule("embeddings")
        self._parts = [part for part in self.encoder.modules() if part is not embeddings] if stock else []
        self._embeddings = [embeddings]  # in a list it is no submodule of this one

    @property
    def _packs(self) -> bool:
        """Whether the next pass sees real tokens alone. On the embeddings there is one hook, our own."""
        if not enabled() or not self._parts:
            return False
        if len(self._embeddings[0]._forward_hooks) > 1 or self._embeddings[0]._forward_pre_hooks:
            return False
        return not packed_bert.hooked(self._parts)

    def _at_embeddings(self, module: nn.Module, args: Any, output: Tensor) -> Tensor:
        self.embedding_output = output if self._swap is None else self._swap
        return self.embedding_output

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but the last pass's embeddings, which are part of a graph."""
        return {**self.__dict__, "embedding_output": None}

    def train(self, mode: bool = True) -> Network:
        """Train mode, except that a frozen encoder keeps its dropout only if the recipe says so."""
        super().train(mode)
        if self._frozen and not self.recipe.encoder_dropout_when_frozen:
            self.encoder.eval()
        return self

    def shared(self) -> list[nn.Parameter]:
        """The parameters that tasks share: the trainable ones of the encoder."""
        return [parameter for parameter in self.encoder.parameters() if parameter.requires_grad]

    def embed(self, tokens: Tokens) -> Tensor:
        """Word embeddings [rows, length, hidden], before positions, token types and LayerNorm."""
        words: nn.Embedding = self.encoder.get_input_embeddings()  # type: ignore[operator]
        return lookup(words, tokens.ids)

    def encode(
        self,
        tokens: Tokens,
        inputs: Tensor,
        level: Literal["word", "embedding_output"] = "word",
        mask: Tensor | None = None,
    ) -> Encoded:
        """Run the encoder on word embeddings, or on given embedding outputs, under the tokens' mask or another."""
        if self._packs and mask is None:
            return self._encode_packed(tokens, inputs, level)
        mask = tokens.mask if mask is None else mask
        self._swap = inputs if level == "embedding_output" else None
        try:
            output = self.encoder(
                inputs_embeds=inputs,
                attention_mask=mask,
                token_type_ids=tokens.types,
                output_hidden_states=self._reads_states,
            )
        finally:
            self._swap = None
        states = tuple(output.hidden_states) if self._reads_states else ()
        return Encoded(pooled=output.pooler_output, mask=mask, states=states)

    def _encode_packed(self, tokens: Tokens, inputs: Tensor, level: str) -> Encoded:
        layout = tokens.layout if self.recipe.precision == "fp32" else tokens.layout.in_tiles(TILE)
        if level == "word":
            embedded = packed_bert.embed(self.encoder, inputs, tokens.types, layout)
            self.embedding_output = layout.pad(embedded)
        else:
            embedded = layout.pack(inputs)
            packed_bert.draw_as_embed(self.encoder, embedded)
            self.embedding_output = inputs
        pooled, states = packed_bert.encode(self.encoder, embedded, layout, every_state=self._reads_states)
        return Encoded(pooled=pooled, mask=tokens.mask, states=tuple(layout.pad(state) for state in states))

    def answer(self, task: str, encoded: Encoded) -> Tensor:
        """The logits [batch, outputs] of one task's branch, in fp32."""
        branch = self.branches[task]
        if encoded.pooled.dtype != torch.float32:
            with torch.autocast(encoded.pooled.device.type, enabled=False):
                return self.answer(task, encoded.to(torch.float32))
        features = branch.pairing.features(encoded, self.dropout)
        return branch.head.predict(self.heads[task], features, encoded)

    def forward(self, task: str, tokens: Tokens) -> Tensor:
        """Tokens to logits in one go, for scoring."""
        return self.answer(task, self.encode(tokens, self.embed(tokens)))
