"""Small encoder folders for tests, in transformers' layout, with weights drawn from a fixed seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from model.network import seeded

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
