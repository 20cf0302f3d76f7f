"""Encoders of known shapes with random weights, and a WordPiece vocabulary trained on the data's own sentences."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from harness.planning.data import open_data
from model.encoders.tiny import SPECIAL, known_text


@dataclasses.dataclass(frozen=True)
class Shape:
    name: str
    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int = 30522  # rows of the embedding table, and entries wished for in the vocabulary


BERT_BASE = Shape("bert-base", 12, 768, 12, 3072)
MINILM = Shape("MiniLM", 6, 384, 12, 1536)
TINY = Shape("tiny", 2, 128, 2, 512)
SMALL = Shape("small", 2, 32, 2, 64, 2000)  # for --quick


def encoder(shape: Shape, data: str, scratch: Path) -> Path:
    """The folder of a BERT of this shape, made on first use. Dropout .1, as BERT's own."""
    import torch
    import transformers

    folder = scratch / f"encoder-{shape.name}"
    if folder.is_dir():
        return folder
    aside = Path(tempfile.mkdtemp(dir=scratch))
    torch.manual_seed(0)
    transformers.utils.logging.disable_progress_bar()
    config = transformers.BertConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.intermediate,
    )
    transformers.BertModel(config).save_pretrained(aside)
    words = vocabulary(data, shape.vocabulary)
    (aside / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    transformers.BertTokenizer(vocab=str(aside / "vocab.txt")).save_pretrained(aside)
    return aside.rename(folder)


def vocabulary(data: str, entries: int) -> list[str]:
    """At most so many WordPiece entries, learnt from the training sentences: rows get the lengths that they would have
    with a vocabulary of BERT's size."""
    from tokenizers import BertWordPieceTokenizer

    learnt = BertWordPieceTokenizer(lowercase=True)
    learnt.train_from_iterator(
        known_text(open_data(data)), vocab_size=entries, special_tokens=list(SPECIAL), show_progress=False
    )
    token_ids: dict[str, int] = learnt.get_vocab()
    return sorted(token_ids, key=lambda word: token_ids[word])
