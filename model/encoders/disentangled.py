"""DeBERTa that answers as BertModel does, and how BERT's weights become one."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DebertaConfig, DebertaModel
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.bert.modeling_bert import BertPooler

from model.encoders.loading import fresh
from model.rng import seeded


class Disentangled(DebertaModel):
    """transformers' DebertaModel with BERT's pooler: tanh(W h_CLS + b).

    transformers pools for classification with a GELU; BERT's tanh is taken so that rows with DeBERTa and with BERT
    differ in the encoder alone. A configuration with ``absolute_positions`` "output" has no position embeddings in
    the input; the last layer takes its queries (and its residual) from H + P, keys and values from H, as the
    paper's enhanced mask decoder does (He et al. 2021, section 3.2; P the position embeddings, H the states before
    the last layer).
    """

    def __init__(self, config: DebertaConfig) -> None:
        super().__init__(config)
        self.pooler = BertPooler(config)
        if getattr(config, "absolute_positions", "input") == "output":
            self.last_positions = nn.Embedding(config.max_position_embeddings, config.hidden_size)
            attention: Any = self.encoder.get_submodule(f"layer.{config.num_hidden_layers - 1}.attention")
            attention.self.in_proj.register_forward_hook(self._to_queries)
            attention.output.register_forward_pre_hook(self._to_residual)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, *args: Any, **kwargs: Any) -> BaseModelOutputWithPooling:
        """As ``DebertaModel``, and ``pooler_output`` [rows, hidden]."""
        output = super().forward(*args, **kwargs)
        return BaseModelOutputWithPooling(pooler_output=self.pooler(output.last_hidden_state), **output)

    def _to_queries(self, module: nn.Linear, args: Any, output: Tensor) -> Tensor:
        """W_q (H + P) for W_q H in the fused projection [rows, length, 3 hidden], a (Q, K, V) block for each head."""
        heads = self.config.num_attention_heads
        query = module.weight.unflatten(0, (heads, 3, -1))[:, 0].flatten(0, 1)  # W_q, [hidden, hidden]
        added = functional.linear(self.last_positions.weight[: output.shape[1]], query)  # [length, hidden]
        added = added.unflatten(1, (heads, 1, -1))
        return output + torch.cat((added, torch.zeros_like(added).expand(-1, -1, 2, -1)), dim=2).flatten(1)

    def _to_residual(self, module: nn.Module, args: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        attended, states = args
        return attended, states + self.last_positions.weight[: states.shape[1]]


def from_bert(
    bert: Any, seed: int, positions: Literal["input", "output"] = "input", scale: Literal["deberta", "bert"] = "deberta"
) -> Disentangled:
    """A DeBERTa with BERT's embeddings, attention, feed-forward layers, LayerNorms and pooler.

    New, and listed in ``new_parameters``: the table of relative positions and each layer's two projections of it.
    Left out: the key's bias, which DeBERTa does not have. q_i . b is the same for every key j, so the softmax over j
    never saw it. DeBERTa divides its three terms by sqrt(3 d) where BERT divides its one by sqrt(d); with the
    relative terms near zero, BERT's scores are thus sqrt(3) too small, unless ``scale`` "bert" multiplies the
    queries by sqrt(3).
    """
    with seeded(seed, "encoder", "from_bert"):
        model = Disentangled(_config(bert.config, positions))
    lacking = model.load_state_dict(_renamed(bert, positions, 3**0.5 if scale == "bert" else 1.0), strict=False)
    assert not lacking.unexpected_keys
    fresh(model, {*lacking.missing_keys, *getattr(bert, "new_parameters", ())}, seed)
    model.train(False)
    return model


SAME = (
    *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act"),
    *("hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings", "type_vocab_size"),
    *("initializer_range", "layer_norm_eps", "pad_token_id"),
)


def _config(bert: Any, positions: str) -> DebertaConfig:
    """BERT's sizes with what DebertaConfig leaves off: relative attention. Token types stay BERT's."""
    settings: dict[str, Any] = {name: getattr(bert, name) for name in SAME}
    settings |= {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}
    settings |= {"position_biased_input": positions == "input", "absolute_positions": positions}
    return DebertaConfig(**settings)


def _renamed(bert: Any, positions: str, factor: float) -> dict[str, Tensor]:
    """BERT's weights under DeBERTa's names; ``factor`` multiplies the queries."""
    heads = bert.config.num_attention_heads
    weights: dict[str, Tensor] = dict(bert.state_dict())
    if positions == "output":
        weights["last_positions.weight"] = weights.pop("embeddings.position_embeddings.weight")
    for layer in range(bert.config.num_hidden_layers):
        at = f"encoder.layer.{layer}.attention.self."
        query, key, value = (weights.pop(f"{at}{part}.weight") for part in ("query", "key", "value"))
        by_head = [part.unflatten(0, (heads, -1)) for part in (query * factor, key, value)]  # [heads, d, hidden]
        weights[at + "in_proj.weight"] = torch.stack(by_head, dim=1).flatten(0, 2)  # a (Q, K, V) block for each head
        weights[at + "q_bias"] = weights.pop(at + "query.bias") * factor
        weights[at + "v_bias"] = weights.pop(at + "value.bias")
        del weights[at + "key.bias"]
    return weights
