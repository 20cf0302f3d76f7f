"""The demo's encoder: a small BERT that the harness pre-trains itself on the embedded text."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from model.encoders.made import Say, prepare_folder, say_nothing
from model.interfaces import Encoder
from model.settings import describe

if TYPE_CHECKING:
    from model.data.examples import Corpus

WORDS = 24  # of a pair of sentences in pre-training, about
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
Progress = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tiny(Encoder):
    """2 layers x 64, its own WordPiece vocabulary, masked LM and next-sentence prediction on the embedded text; made
    once and cached. Of the embedded data it never sees a label, a dev or a test sentence."""

    slug: ClassVar[str] = "tiny"
    closed: ClassVar[bool] = True
    version: ClassVar[int] = 2
    layers: int = 2
    hidden: int = 64
    heads: int = 2
    dropout: float = 0.0  # the encoder's own in fine-tuning: at 64 numbers a word even .1 costs much
    steps: int = 2500
    batch: int = 16
    rate: float = 1.5e-3
    spread: float = 0.1  # deviation of the fresh weights

    @property
    def overhead(self) -> float:
        return 430_000 / self.hidden**2  # measured at 64; a token's own part grows with the square

    def making(self) -> float:
        return self.steps * (self.batch * WORDS + self.overhead)

    def check(self) -> None:
        self.require(self.layers > 0, "layers", "at least 1")
        self.require(self.heads > 0, "heads", "at least 1")
        self.require(self.hidden > 0 and self.hidden % self.heads == 0, "hidden", f"a multiple of heads ({self.heads})")
        self.require(self.steps >= 0, "steps", "0 or more")


def prepare(spec: Tiny, folder: Path, on_progress: Progress | None = None, say: Say = say_nothing) -> Path:
    """The folder of the finished encoder under ``folder``, in transformers' layout; made if it is not there whole.

    The name carries a digest of the declaration, its version and the text. ``on_progress`` hears (steps done, steps in
    all), ``say`` that one was damaged.
    """
    from model.data.synthetic import embedded
    from model.digest import digest

    corpus = embedded()
    words = vocabulary(known_text(corpus))
    home = folder / f"tiny-{digest([describe(spec), spec.version, words, corpus.text])}"
    progress = on_progress or (lambda done, total: None)
    return prepare_folder(home, lambda aside: make(spec, words, corpus.text, aside, progress), say)


def known_text(corpus: Corpus) -> list[str]:
    """Every line that may give the vocabulary a word: the paragraphs, the reviews and the training sentences."""
    train = [examples for (_, split), examples in corpus.splits.items() if split == "train"]
    both = [*train, corpus.reviews] if corpus.reviews else train
    return [*corpus.text, *(text for examples in both for texts in examples.texts for text in texts)]


def make(spec: Tiny, words: Sequence[str], lines: Sequence[str], folder: Path, on_progress: Progress) -> None:
    """Pre-train and save: config.json, model.safetensors, vocab.txt and the tokenizer's files."""
    import transformers
    from transformers.utils import logging

    from model.pretraining import draw_weights, pretrain

    logging.disable_progress_bar()
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = transformers.BertTokenizer(vocab=str(folder / "vocab.txt"))
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=4 * spec.hidden,
        max_position_embeddings=128,
        initializer_range=spec.spread,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    encoder = transformers.BertModel(config)
    draw_weights(encoder, spec.spread, "tiny")
    compare_words(encoder)
    losses = pretrain(
        encoder,
        tokenizer,
        lines,
        steps=spec.steps,
        batch=spec.batch,
        rate=spec.rate,
        seed=0,
        next_sentence=True,
        max_tokens=128,
        near=True,
    )
    for done, _ in enumerate(losses, start=1):
        on_progress(done, spec.steps)
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = spec.dropout
    encoder.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def compare_words(encoder: Any) -> None:
    """Let the first layer start by comparing the two sentences word by word: each word looks at the same word in the
    other sentence and copies it.

    That keys start as queries and outputs as transposed values is mimetic initialisation (Trockman & Kolter 2023,
    arXiv 2305.09828). Here the keys are also mirrored along the difference of the token types, so that a word prefers
    the other sentence to itself. A minute of text does not teach this from a random start. The pooler starts as a
    rotation, which loses nothing.
    """
    import torch

    from model.rng import generator

    hidden = encoder.config.hidden_size

    def rotation(name: str) -> torch.Tensor:
        matrix: torch.Tensor = torch.linalg.qr(torch.randn(hidden, hidden, generator=generator("tiny", name)))[0]
        return matrix

    types = encoder.embeddings.token_type_embeddings.weight
    attention = encoder.encoder.layer[0].attention
    with torch.no_grad():
        encoder.embeddings.position_embeddings.weight.mul_(0.2)  # at first a word matters more than its place
        across = torch.nn.functional.normalize(types[1] - types[0], dim=0)
        look, copy = rotation("look"), rotation("copy")
        attention.self.query.weight.copy_(look)
        attention.self.key.weight.copy_(look - 2 * torch.outer(look @ across, across))
        attention.self.value.weight.copy_(copy)
        attention.output.dense.weight.copy_(copy.T)
        encoder.pooler.dense.weight.copy_(rotation("pool") / 2)


def vocabulary(lines: Iterable[str]) -> list[str]:
    """Special tokens, single characters (alone and inside a word) for words never seen, then the words of the text
    in alphabetical order."""
    words = {word for line in lines for word in re.findall(r"\w+|[^\w\s]", line.lower())}
    letters = sorted({letter for word in words for letter in word} | set("abcdefghijklmnopqrstuvwxyz0123456789.,?!'-"))
    return [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), *sorted(words - set(letters))]
