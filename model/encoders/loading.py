"""Encoders and tokenizers from a Hugging Face id or a local folder, without running or unpickling foreign code."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from model.encoders import files, hub
from model.encoders.file_checks import fault, of_bin, of_model, of_tokenizer
from model.encoders.files import EncoderError as EncoderError
from model.encoders.hub import NOT_YET
from model.lazy_torch import torch
from model.rng import generator

FETCH = "fetch it again, or name another --encoder"
FRESH = ("pooler.",)  # what a checkpoint may lack; without the rest it would be no pretrained encoder
MOST_LAYERS = 200


def is_folder(name: str) -> bool:
    """Whether an encoder's name means a local folder rather than a hub id (owner/name, or owner/name@revision)."""
    return name.startswith((".", "/", "~")) or name.partition("@")[0].count("/") > 1 or os.path.isdir(name)


def identity(name: str) -> str:
    """What goes into a cell's hash: a hash of the weights, settings and vocabulary in the folder, or in the local cache
    under the hub id. Of a hub id that is not in the cache it says so, which names no training."""
    folder = folder_of(name)
    return f"{name}, {NOT_YET}" if folder is None else files.identity(folder)


def folder_of(name: str) -> Path | None:
    """Where an encoder's files lie; None for a hub id that is not in the local cache."""
    if is_folder(name):
        return Path(os.path.expanduser(name))
    snapshot = hub.cached(name)
    return snapshot.folder if snapshot else None


def check_folder(folder: Path, families: tuple[str, ...]) -> None:
    """Raise ``EncoderError`` unless the folder holds a configuration of one of the families, weights and a
    vocabulary, and they are whole: as they were written, where checksums were kept, else as far as can be told without
    reading the weights."""
    parts = files.parts(folder)
    names = {part.name for part in parts}
    if "config.json" not in names:
        raise EncoderError(f"{folder} has no config.json, so it is not an encoder folder")
    for part in parts:
        if message := fault(part):
            raise EncoderError(message)
    files.check_written(folder)
    config = json.loads((folder / "config.json").read_bytes())
    family, layers = config.get("model_type"), config.get("num_hidden_layers", 12)
    if not isinstance(family, str):
        raise EncoderError(f"{folder / 'config.json'} does not say its model_type")
    if family not in families:
        raise EncoderError(f"{folder} holds a {family[:40]!r} model; this row needs one of: {', '.join(families)}")
    if config.get("is_decoder"):
        raise EncoderError(f"{folder} holds a decoder (is_decoder in its config.json), whose words see no later ones")
    if not isinstance(layers, int) or not 0 < layers <= MOST_LAYERS:  # building them comes before reading weights
        raise EncoderError(f"{folder / 'config.json'} says {str(layers)[:40]} layers; it must be 1 to {MOST_LAYERS}")
    if not files.weights(folder):
        raise EncoderError(f"{folder} has no weights; put model.safetensors beside its config.json")
    if names.isdisjoint(files.VOCABULARY):
        raise EncoderError(f"{folder} has no vocabulary; put tokenizer.json or vocab.txt beside its config.json")


def load(name: str, seed: int, families: tuple[str, ...] = ("bert",), kind: Any = None) -> tuple[Any, Any]:
    """The encoder in float32 and its tokenizer. ``kind`` is the class to build, transformers' own choice if None.

    Weights that the checkpoint lacks (a pooler, no more) are drawn from streams of their own names and listed in the
    encoder's ``new_parameters``. Safetensors are preferred; a .bin goes through torch's weights-only loader. Code in
    a repository is never run. ``EncoderError`` says what is wrong.
    """
    from transformers import AutoConfig, AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folder = Path(os.path.expanduser(name)) if is_folder(name) else hub.snapshot(name).folder
    check_folder(folder, families)
    local = {"trust_remote_code": False, "local_files_only": True}
    with _telling(name, of_model):
        AutoConfig.from_pretrained(folder, **local)  # what reads it next would be blamed
    with _telling(name, of_bin if files.weights(folder)[-1].suffix == ".bin" else of_model):
        encoder, report = (kind or AutoModel).from_pretrained(
            folder, dtype=torch.float32, weights_only=True, output_loading_info=True, **local
        )
        check_weights(name, report["missing_keys"], report["unexpected_keys"])
        fresh(encoder, report["missing_keys"], seed)
        if not all(bool(parameter.isfinite().all()) for parameter in encoder.parameters()):
            raise EncoderError(f"the weights of {name} hold numbers that are not finite; {FETCH}")
    with _telling(name, of_tokenizer):
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        check_vocabulary(name, encoder, tokenizer)
    return encoder, tokenizer


@contextlib.contextmanager
def _telling(name: str, explain: Callable[[Exception], str]) -> Iterator[None]:
    """Turns a library's error into an ``EncoderError``."""
    try:
        yield
    except EncoderError:
        raise
    except Exception as error:  # transformers raises many kinds, from OSError to RuntimeError
        raise EncoderError(f"the encoder {name} cannot be loaded: {explain(error)}") from None


def check_weights(name: str, missing: Iterable[str], unexpected: Iterable[str]) -> None:
    """Raise ``EncoderError`` unless the weights are those of the encoder that config.json describes."""
    lacking = sorted(key for key in missing if not key.startswith(FRESH))
    if lacking:
        message = f"the weights of {name} lack {len(lacking)} of the encoder's tensors, e.g. {lacking[0]}"
        raise EncoderError(f"{message}; {FETCH}")
    extra = sorted(key for key in unexpected if "encoder.layer." in key)
    if extra:
        message = f"the weights of {name} have more layers than its config.json says, e.g. {extra[0]}"
        raise EncoderError(f"{message}; {FETCH}")


def check_vocabulary(name: str, encoder: Any, tokenizer: Any) -> None:
    """Raise ``EncoderError`` unless there are words, each with a vector, and a token to pad with."""
    vectors, words = encoder.get_input_embeddings().num_embeddings, tokenizer.get_vocab()
    if len(words) <= len(tokenizer.all_special_tokens):
        raise EncoderError(f"the vocabulary of {name} has no words; {FETCH}")
    if max(words.values()) >= vectors:
        raise EncoderError(
            f"the vocabulary of {name} goes up to id {max(words.values())}, but its encoder has {vectors} vectors"
        )
    if tokenizer.pad_token_id is None:
        raise EncoderError(f"the tokenizer of {name} has no padding token")


def check_token_types(encoder: Any, joint: str) -> None:
    """Raise ``EncoderError`` where the task ``joint`` has pairs of sentences in one row, which are told apart by two
    token types, and the encoder, or what it starts from, is a local folder that knows fewer."""
    name, start = getattr(encoder, "name", None), getattr(encoder, "start", None)
    if start is not None:
        check_token_types(start, joint or ("pre-training" if encoder.slug == "domain_pretrained" else ""))
    if not isinstance(name, str) or not is_folder(name):
        return
    try:
        config = json.loads((Path(name).expanduser() / "config.json").read_bytes())
    except (OSError, ValueError):  # ``check_folder`` has the words for it
        return
    if isinstance(config, dict):
        default = 0 if config.get("model_type") == "deberta" else 2  # transformers'
        check_types(name, str(config.get("model_type")), config.get("type_vocab_size", default), joint)


def check_types(name: str, family: str, types: Any, joint: str) -> None:
    """Raise ``EncoderError`` unless an encoder of so many token types can read the rows; DeBERTa with none ignores
    them."""
    if not isinstance(types, int) or (family == "deberta" and types == 0):
        return
    if types < 1:
        raise EncoderError(f"the encoder {name} has no token types (type_vocab_size in its config.json); {FETCH}")
    if joint and types < 2:
        why = f"the encoder {name} has one token type (type_vocab_size in its config.json), but {joint} has pairs of"
        mend = "encode them apart, or name another --encoder"
        raise EncoderError(f"{why} sentences in one row, which takes two; {mend}")


def fresh(encoder: Any, missing: Any, seed: int) -> None:
    """Draw the named weights as BERT's are: normal with the configuration's ``initializer_range``, biases 0; each
    from the stream of its own name."""
    for name in sorted(missing):
        parameter = encoder.get_parameter(name)
        if name.endswith("bias"):
            parameter.data.zero_()
        else:
            stream = generator(seed, "weights", f"encoder.{name}")
            parameter.data.normal_(std=encoder.config.initializer_range, generator=stream)
    encoder.new_parameters = tuple(sorted(missing))


def save(encoder: Any, tokenizer: Any, folder: Path) -> None:
    """Write the encoder and its tokenizer in transformers' layout: config.json, model.safetensors, vocabulary."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    encoder.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
