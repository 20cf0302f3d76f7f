"""Encoders that have to be made before a cell can train: once a results folder, by the first that needs one."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.cells.atomic import locked
from harness.cells.home import encoders_folder
from harness.planning.data import open_data
from model import manifest
from model.encoders import files
from model.encoders.bert import Bert
from model.encoders.domain_pretrained import DomainPretrained
from model.encoders.loading import EncoderError, folder_of
from model.encoders.made import Say, say_nothing
from model.encoders.placeholders import Derived
from model.encoders.tiny import Tiny
from model.interfaces import Encoder

Progress = Callable[[float], None]
Signatures = dict[Path, manifest.Signature]


def prepare_encoder(
    encoder: Encoder, source: str, home: Path, progress: Progress | None = None, say: Say = say_nothing
) -> Encoder:
    """An encoder that needs no preparation: tiny and domain-pretrained ones are made and cached in the results
    folder. ``say`` gets what is wrong with one that was made before."""
    folder = encoders_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "making.lock"):
        for leftover in folder.glob(".*-*"):  # by a process that was killed at it
            shutil.rmtree(leftover)
        return _prepare(encoder, source, folder, progress or (lambda share: None), say)


def load_encoder(encoder: Encoder, source: str, home: Path, seed: int) -> tuple[Any, Any]:
    """The network and its tokenizer. ``EncoderError`` where the files that were read are not what they were before:
    what was computed of either would be of neither."""
    prepared = prepare_encoder(encoder, source, home)
    before = signatures_of(prepared)
    network, tokenizer = prepared.load(seed)
    after = signatures_of(prepared)
    if before != after:
        changed = sorted(str(path) for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        raise EncoderError(f"{changed[0]} was changed while it was read; the same command trains on what it holds now")
    return network, tokenizer


def signatures_of(encoder: Encoder) -> Signatures:
    """The files that loading reads, with signatures that change when they are written."""
    while isinstance(encoder, Derived):
        encoder = encoder.start
    folder = folder_of(name) if (name := getattr(encoder, "name", None)) else None
    return {path: manifest.signature(path) for path in files.parts(folder)} if folder else {}


def _prepare(encoder: Encoder, source: str, folder: Path, on_progress: Progress, say: Say) -> Encoder:
    if isinstance(encoder, Tiny):
        from model.encoders.tiny import prepare

        return Bert(name=str(prepare(encoder, folder, lambda done, total: on_progress(done / total), say)))
    if isinstance(encoder, DomainPretrained):
        from model.encoders.domain_pretrained import prepare as pretrain

        start = dataclasses.replace(encoder, start=_prepare(encoder.start, source, folder, on_progress, say))
        return Bert(name=str(pretrain(start, _text(encoder, source), folder, 0, say)))
    if isinstance(encoder, Derived):
        return dataclasses.replace(encoder, start=_prepare(encoder.start, source, folder, on_progress, say))
    return encoder


def _text(encoder: DomainPretrained, source: str) -> list[str]:
    """The lines to pre-train on: a file's, or the data's."""
    if encoder.text != "domain":
        return Path(encoder.text).expanduser().read_text(encoding="utf-8").splitlines()
    return list(open_data(source).text)
