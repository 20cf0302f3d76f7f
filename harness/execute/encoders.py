"""Encoders that have to be made before a cell can train: once a home, whoever comes first."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

from harness.durable import locked
from harness.sources import open_data
from model.encoders.base import Derived
from model.encoders.bert import Bert
from model.encoders.loading import EncoderError, check_folder
from model.encoders.pretrained import DomainPretrained
from model.encoders.tiny import Tiny
from model.seams import Encoder

Progress = Callable[[float], None]


def prepared(encoder: Encoder, source: str, home: Path, progress: Progress | None = None) -> Encoder:
    """An encoder that needs no preparation: tiny and domain-pretrained ones are made and cached in the home."""
    folder = home / "encoders"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "making.lock"):
        for left in folder.glob(".*-*"):  # by a process that was killed at it
            shutil.rmtree(left)
        for made in folder.glob("[!.]*/"):
            try:
                check_folder(made, (Bert.slug,))
            except EncoderError:  # damaged; it is made again
                shutil.rmtree(made)
        return _prepared(encoder, source, folder, progress or (lambda share: None))


def _prepared(encoder: Encoder, source: str, folder: Path, tell: Progress) -> Encoder:
    if isinstance(encoder, Tiny):
        from model.encoders.tiny import prepare

        return Bert(name=str(prepare(encoder, folder, lambda done, total: tell(done / total))))
    if isinstance(encoder, DomainPretrained):
        from model.encoders.pretrained import prepare as pretrain

        start = dataclasses.replace(encoder, start=_prepared(encoder.start, source, folder, tell))
        return Bert(name=str(pretrain(start, _text(encoder, source), folder, 0)))
    if isinstance(encoder, Derived):
        return dataclasses.replace(encoder, start=_prepared(encoder.start, source, folder, tell))
    return encoder


def _text(encoder: DomainPretrained, source: str) -> list[str]:
    """The lines to pre-train on: a file's, or the data's own."""
    if encoder.text != "domain":
        return Path(encoder.text).expanduser().read_text(encoding="utf-8").splitlines()
    return list(open_data(source).text)
