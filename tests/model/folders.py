"""Small encoder folders for tests, in transformers' layout, with weights drawn from a fixed seed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
import transformers

from model.rng import seeded

WORDS = [*"abcdefghij", "the", "film", "was", "good", "bad", "very", "not", "never", "dull", ".", ",", "!"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SENTENCES = ["the film was good .", "a very dull film was never good , not the very bad film !", "bad"]


def bert_config(**changes: Any) -> transformers.BertConfig:
    settings: dict[str, Any] = {
        "vocab_size": len(SPECIAL) + len(WORDS),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 24,
        "max_position_embeddings": 32,
        "initializer_range": 0.3,  # large, so that nothing is small by accident
    }
    return transformers.BertConfig(**(settings | changes))


def bert(**changes: Any) -> transformers.BertModel:
    """A BertModel whose every weight is random, biases and LayerNorms too."""
    with seeded(3, "tests"):
        model = transformers.BertModel(bert_config(**changes)).eval()
        for parameter in model.parameters():
            parameter.data.add_(torch.randn_like(parameter) * 0.2)
    return model


def tokenizer(folder: Path) -> Any:
    """A WordPiece tokenizer whose vocabulary file is in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(SPECIAL + WORDS) + "\n", encoding="utf-8")
    return transformers.BertTokenizer(vocab=str(folder / "vocab.txt"))


def bert_folder(folder: Path, model: Any = None) -> Path:
    """A complete encoder folder."""
    tokenizer(folder).save_pretrained(folder)
    (bert() if model is None else model).save_pretrained(folder)
    return folder


def batch(tokens: Any) -> dict[str, torch.Tensor]:
    """Three padded rows of different length."""
    rows: dict[str, torch.Tensor] = dict(tokens(SENTENCES, padding=True, return_tensors="pt"))
    return rows


def answer(encoder: Any, words: dict[str, torch.Tensor]) -> Any:
    """As the network calls it."""
    with torch.no_grad():
        return encoder(
            inputs_embeds=encoder.get_input_embeddings()(words["input_ids"]),
            attention_mask=words["attention_mask"],
            token_type_ids=words["token_type_ids"],
            output_hidden_states=True,
        )


def largest_difference(a: Any, b: Any, words: dict[str, torch.Tensor]) -> float:
    """Over the states of all depths at real tokens, and the pooled states."""
    real = words["attention_mask"].bool()
    pairs = [(x[real], y[real]) for x, y in zip(a.hidden_states, b.hidden_states, strict=True)]
    pairs.append((a.pooler_output, b.pooler_output))
    return max(float((x - y).abs().max()) for x, y in pairs)


def without_relative_positions(model: Any) -> Any:
    """The same model with relative tables of zeros."""
    model = copy.deepcopy(model)
    model.encoder.rel_embeddings.weight.data.zero_()
    for name, parameter in model.named_parameters():
        if name.endswith("pos_q_proj.bias"):
            parameter.data.zero_()
    return model
