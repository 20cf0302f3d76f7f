"""Domain pre-training: an encoder trained further on text before fine-tuning."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from model.encoders.loading import EncoderError
from model.encoders.made import Say, prepare_folder, say_nothing
from model.encoders.placeholders import Derived

WORDS = 40  # of a pair of lines, about


@dataclasses.dataclass(frozen=True, kw_only=True)
class DomainPretrained(Derived):
    """Masked LM and next-sentence prediction on the lines of a text file (smooth-valleys, section 1)."""

    slug: ClassVar[str] = "domain_pretrained"
    closed: ClassVar[bool] = True
    text: str = "domain"  # a file, or "domain": the data set's own target-domain text
    steps: int = 1000
    batch: int = 32
    rate: float = 5e-5
    next_sentence: bool = True
    max_tokens: int = 128  # of a pair of lines; longer ones are cut

    def making(self) -> float:
        return float(self.steps * self.batch * WORDS)

    def check(self) -> None:
        self.require(self.steps >= 0, "steps", "0 or more")
        self.require(self.batch > 0, "batch", "at least 1")
        self.require(self.rate > 0, "rate", "above 0")
        self.require(self.max_tokens >= 8, "max_tokens", "at least 8")


def prepare(spec: DomainPretrained, lines: Sequence[str], folder: Path, seed: int, say: Say = say_nothing) -> Path:
    """The folder of the finished encoder under ``folder``, in transformers' layout; made if it is not there whole.

    The name carries a digest of the declaration, its version, the start's identity, the lines and the seed. ``say``
    hears that one was damaged. ``EncoderError`` where the start cannot be loaded or is not a BERT with a mask token,
    ``DataError`` where the text is too short.
    """
    from model.digest import digest
    from model.settings import flatten

    own = {name: value for name, value in flatten(spec).items() if not name.startswith(("start", "text"))}
    home = folder / f"domain-{digest([own, spec.version, spec.start.identity(), list(lines), seed])}"
    return prepare_folder(home, lambda aside: _make(spec, lines, aside, seed), say)


def _make(spec: DomainPretrained, lines: Sequence[str], folder: Path, seed: int) -> None:
    from model.encoders.loading import check_types, save
    from model.pretraining import pretrain

    encoder, tokenizer = spec.start.load(seed)
    config: Any = encoder.config
    if config.model_type != "bert" or tokenizer.mask_token_id is None:
        message = f"domain pre-training needs a BERT with a mask token; {spec.start.slug} gives none"
        raise EncoderError(f"{message}; start from another")
    check_types(str(spec.start.slug), "bert", config.type_vocab_size, "pre-training")
    losses = pretrain(
        encoder,
        tokenizer,
        lines,
        steps=spec.steps,
        batch=spec.batch,
        rate=spec.rate,
        seed=seed,
        next_sentence=spec.next_sentence,
        max_tokens=min(spec.max_tokens, config.max_position_embeddings),
    )
    for _ in losses:
        pass
    save(encoder, tokenizer, folder)
