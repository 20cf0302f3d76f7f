"""Encoders and tokenizers from a Hugging Face id or a local folder, without running or unpickling foreign code."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from model.network import initialise

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


class EncoderError(ValueError):
    """An encoder that cannot be used. The message says which, why and how to mend it."""


def check_folder(folder: Path, families: tuple[str, ...]) -> None:
    """Raise ``EncoderError`` unless the folder holds a configuration of one of the families, weights and a
    vocabulary."""
    import json

    if not folder.is_dir():
        raise EncoderError(f"there is no encoder folder {folder}")
    try:
        family = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except FileNotFoundError:
        raise EncoderError(f"{folder} has no config.json, so it is not an encoder folder") from None
    except (ValueError, AttributeError, OSError) as error:
        raise EncoderError(f"{folder / 'config.json'} cannot be read as JSON: {error}") from None
    if family not in families:
        raise EncoderError(f"{folder} holds a {family!r} model; this row needs one of: {', '.join(families)}")
    if not any((folder / name).is_file() for name in WEIGHTS):
        raise EncoderError(f"{folder} has no weights; put model.safetensors beside its config.json")
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt", "vocab.json")):
        raise EncoderError(f"{folder} has no vocabulary; put tokenizer.json or vocab.txt beside its config.json")


def is_folder(name: str) -> bool:
    """Whether an encoder's name means a local folder rather than a hub id (owner/name)."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or Path(name).is_dir()


def identity(name: str) -> str:
    """What goes into a cell's hash: the hub id, or a hash of the folder's weights and configuration."""
    if not is_folder(name):
        return name
    running = hashlib.sha256()
    folder = Path(name).expanduser()
    for part in sorted(folder.iterdir()):
        if part.name in ("config.json", "vocab.txt", "tokenizer.json") or part.suffix in (".safetensors", ".bin"):
            with part.open("rb") as stream:
                running.update(part.name.encode() + hashlib.file_digest(stream, "sha256").digest())
    return f"sha256:{running.hexdigest()[:16]}"


def load(name: str, seed: int, families: tuple[str, ...] = ("bert",)) -> tuple[Any, Any]:
    """The encoder (weights that the checkpoint lacks are drawn from streams of their own names) and its tokenizer.

    Safetensors are preferred; a hub's .bin goes through torch's weights-only loader. Code in a repository is never
    run. ``EncoderError`` says what is wrong.
    """
    from transformers import AutoConfig, AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    source = str(Path(name).expanduser()) if is_folder(name) else name
    if is_folder(name):
        check_folder(Path(source), families)
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        if config.model_type not in families:
            raise EncoderError(f"{name} is a {config.model_type!r} model; this row needs: {', '.join(families)}")
        encoder, report = AutoModel.from_pretrained(
            source, config=config, trust_remote_code=False, weights_only=True, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except EncoderError:
        raise
    except Exception as error:  # transformers raises many kinds, from OSError to RuntimeError
        reason = " ".join(str(error).split())[:300]
        raise EncoderError(f"the encoder {name} cannot be loaded: {reason}") from error
    fresh(encoder, report["missing_keys"], seed)
    return encoder, tokenizer


def fresh(encoder: Any, missing: Any, seed: int) -> None:
    """Draw the weights that a checkpoint lacks, module by module, from streams of their names."""
    for module in sorted({name.rpartition(".")[0] for name in missing}):
        initialise(encoder.get_submodule(module), seed, f"encoder.{module}")
