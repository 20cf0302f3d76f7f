"""Encoders and tokenizers from a Hugging Face id or a local folder, without running or unpickling foreign code."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from model.encoders.faults import fault, of_bin, of_model, of_tokenizer, reason
from model.errors import InputError
from model.lazy import torch
from model.streams import generator

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
VOCABULARY = ("tokenizer.json", "vocab.txt", "vocab.json")
SETTINGS = ("config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
FETCH = "fetch it again, or name another --encoder"
FRESH = ("pooler.",)  # what a checkpoint may lack; without the rest it would be no pretrained encoder
SECONDS = 10  # patience with the hub
MOST_LAYERS = 200


class EncoderError(InputError):
    """An encoder that cannot be used. The message says which, why and how to mend it."""


def is_folder(name: str) -> bool:
    """Whether an encoder's name means a local folder rather than a hub id (owner/name)."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or os.path.isdir(name)


def identity(name: str) -> str:
    """What goes into a cell's hash: the hub id, or a hash of the folder's weights, settings and vocabulary."""
    if not is_folder(name):
        return name
    running = hashlib.sha256()
    for part in _parts(Path(os.path.expanduser(name))):
        facts = part.stat()
        running.update(part.name.encode() + _content(part, facts.st_size, facts.st_mtime_ns))
    return f"sha256:{running.hexdigest()[:16]}"


def _parts(folder: Path) -> list[Path]:
    """The files that ``load`` may read. ``EncoderError`` for one that cannot be read, or is no file."""
    if not os.path.isdir(folder):
        raise EncoderError(f"there is no encoder folder {folder}; give --encoder a folder, a hub id or tiny")
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        why = f"the encoder folder {folder} cannot be read: {error.strerror}"
        raise EncoderError(f"{why}; check its permissions") from None
    parts = [part for part in found if part.name in (*SETTINGS, *VOCABULARY) or _is_weights(part.name)]
    for part in parts:
        if not os.path.isfile(part) or not os.access(part, os.R_OK):
            raise EncoderError(f"{part} is not a file that can be read; put the encoder's own {part.name} there")
    return parts


@functools.lru_cache(maxsize=256)
def _content(path: Path, size: int, changed: int) -> bytes:
    """A file's hash; size and time of change make a changed file a new one."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _is_weights(name: str) -> bool:
    """Weights that ``load`` may read; other files of these kinds (heads, trainer states, pickles) are not."""
    return name in WEIGHTS or (
        name.startswith(("model-", "pytorch_model-")) and name.endswith((".safetensors", ".bin"))
    )


def check_folder(folder: Path, families: tuple[str, ...]) -> None:
    """Raise ``EncoderError`` unless the folder holds a configuration of one of the families, weights and a
    vocabulary, and what of them can be told without reading the weights is whole."""
    names = {part.name for part in _parts(folder)}
    if "config.json" not in names:
        raise EncoderError(f"{folder} has no config.json, so it is not an encoder folder")
    for name in sorted(names):
        if told := fault(folder / name):
            raise EncoderError(told)
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
    if names.isdisjoint(WEIGHTS):
        raise EncoderError(f"{folder} has no weights; put model.safetensors beside its config.json")
    if names.isdisjoint(VOCABULARY):
        raise EncoderError(f"{folder} has no vocabulary; put tokenizer.json or vocab.txt beside its config.json")


def download(name: str) -> Path:
    """The folder of a hub id in the local cache, brought up to date if the hub answers: one request decides, so that
    a machine without a network is told so at once. Safetensors where there are any, else .bin."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = HfApi().model_info(name, timeout=SECONDS)
        files = [entry.rfilename for entry in info.siblings or []]
        kept = {file for file in files if file in (*SETTINGS, *VOCABULARY)}
        weights = {file for file in files if _is_weights(file)}
        safe = {file for file in weights if "safetensors" in file}
        wanted = sorted(kept | (safe or weights))
        return Path(snapshot_download(name, revision=info.sha, allow_patterns=wanted, etag_timeout=SECONDS))
    except RepositoryNotFoundError:
        raise EncoderError(
            f"there is neither a folder nor a public model on the hub called {name!r}; check its spelling"
        ) from None
    except Exception as error:  # no network, refused, timed out, not a valid id: all end in the cache or nowhere
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except Exception:
            raise EncoderError(
                f"the encoder {name!r} is not a folder, is not in the local cache and cannot be had from the hub "
                f"({reason(error)}); connect to the network or give a folder"
            ) from None


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
    folder = Path(os.path.expanduser(name)) if is_folder(name) else download(name)
    check_folder(folder, families)
    local = {"trust_remote_code": False, "local_files_only": True}
    with _telling(name, of_model):
        AutoConfig.from_pretrained(folder, **local)  # what reads it next would be blamed
    with _telling(name, of_model if any(folder.glob("*.safetensors")) else of_bin):
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
        told = f"the weights of {name} lack {len(lacking)} of the encoder's tensors, e.g. {lacking[0]}"
        raise EncoderError(f"{told}; {FETCH}")
    extra = sorted(key for key in unexpected if "encoder.layer." in key)
    if extra:
        told = f"the weights of {name} have more layers than its config.json says, e.g. {extra[0]}"
        raise EncoderError(f"{told}; {FETCH}")


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
