"""One bit of what a home keeps to start or go on from is turned: it is noticed, or it changes nothing."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from harness import checkpoint, weights
from harness.durable import Damaged
from harness.execute.encoders import loaded, prepared
from model import manifest
from model.encoders.bert import Bert
from model.encoders.loading import EncoderError
from model.encoders.tiny import Tiny
from model.errors import InputError
from tests.harness.processes import FULL
from tests.harness.rot import count, turn

SMALL = Tiny(steps=2)
TEXTS = ["the film was good .", "is it true ?"]
FLIPS = 100 if FULL else 4


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an encoder."""
    folder = tmp_path_factory.mktemp("flipped")
    prepared(SMALL, "embedded", folder)
    return folder


def made(home: Path) -> Path:
    (folder,) = home.glob("encoders/tiny-*/")
    return folder


def state(home: Path) -> tuple[Any, ...]:
    """All that training takes from the encoder."""
    encoder, tokenizer = loaded(SMALL, "embedded", home, 0)
    numbers = {name: tensor.numpy().tobytes() for name, tensor in encoder.state_dict().items()}
    return numbers, encoder.config.to_dict() | {"_name_or_path": ""}, tokenizer(TEXTS)["input_ids"]


FILES = ["config.json", "harness-manifest.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def test_these_are_all_files_of_an_encoder_that_was_made(home: Path) -> None:
    assert sorted(path.name for path in made(home).iterdir()) == [*FILES, "vocab.txt"]


@pytest.mark.parametrize("name", [*FILES, "vocab.txt"])
def test_a_bit_of_an_encoder_that_was_made(home: Path, name: str) -> None:
    before, whole, chance = state(home), (made(home) / name).read_bytes(), random.Random(name)
    for _ in range(FLIPS):
        said: list[str] = []
        turn(made(home) / name, chance)
        prepared(SMALL, "embedded", home, say=said.append)
        assert len(said) == 1 and said[0].endswith("; it is made again") and str(made(home)) in said[0]
        assert (made(home) / name).read_bytes() == whole
        assert state(home) == before
        count(f"encoders/*/{name}", "mended")


def test_an_older_encoder_has_no_checksums_which_is_said_and_it_serves(home: Path, tmp_path: Path) -> None:
    older = Path(shutil.copytree(home, tmp_path / "home"))
    (made(older) / manifest.NAME).unlink()
    said: list[str] = []
    ready = prepared(SMALL, "embedded", older, say=said.append)
    assert said == [
        f"{made(older)}: no checksum was kept when it was made, so not all damage would be noticed; delete it, and it "
        "is made again with one"
    ]
    assert ready.identity() == prepared(SMALL, "embedded", home).identity()  # which the checksums are no part of


def test_a_file_that_was_put_into_it_is_noticed(home: Path) -> None:
    (made(home) / "added_tokens.json").write_text('{"film": 3}')
    said: list[str] = []
    prepared(SMALL, "embedded", home, say=said.append)
    assert "added_tokens.json was put there later; it is made again" in said[0]
    assert not (made(home) / "added_tokens.json").exists()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Weights with their checksum."""
    place = weights.place(tmp_path, 3)
    place.parent.mkdir()
    part = tmp_path / "part"
    save_file({"a": torch.arange(400, dtype=torch.float32)}, part)
    weights.seal(place, part)
    part.rename(place)
    return place


def test_a_bit_of_kept_weights_or_of_their_checksum(kept: Path) -> None:
    whole, check = kept.read_bytes(), weights.checksum(kept).read_bytes()
    chance = random.Random(0)
    assert weights.whole(kept) == (whole, "")
    for path in (kept, weights.checksum(kept)) * FLIPS:
        turn(path, chance)
        with pytest.raises(InputError, match=r"epoch-3\.safetensors (is not what was written|cannot be checked)"):
            weights.whole(kept)
        count("kept weights" if path == kept else "their checksums", "noticed")
        kept.write_bytes(whole)
        weights.checksum(kept).write_bytes(check)
    weights.checksum(kept).unlink()
    assert weights.whole(kept)[1].startswith(f"{kept}: no checksum was kept when it was written")


def test_a_bit_of_an_export(home: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    for name in ("config.json", "model.safetensors", "tokenizer.json", manifest.NAME):
        for _ in range(FLIPS):
            folder = Path(shutil.copytree(made(home), tmp_path / "copy"))
            turn(folder / name, chance)
            with pytest.raises(EncoderError, match=rf"{re.escape(str(folder))}.*; "):
                Bert(name=str(folder)).identity()
            count(f"exports: {name}", "noticed")
            shutil.rmtree(folder)


def test_a_bit_of_a_checkpoint(tmp_path: Path) -> None:
    path, chance = tmp_path / checkpoint.NAME, random.Random(2)
    held = {"a": torch.arange(400, dtype=torch.float32), "b": torch.ones(3, 2)}
    checkpoint.save(path, held, {"epoch": 2})
    before, whole = str(checkpoint.load(path)), path.read_bytes()
    for _ in range(FLIPS):
        turn(path, chance)
        try:
            same = str(checkpoint.load(path)) == before  # a letter of no meaning, in the header's padding
        except Damaged:
            count(checkpoint.NAME, "noticed")
        else:
            assert count(checkpoint.NAME, "harmless" if same else "silent") == "harmless"
        path.write_bytes(whole)


def test_training_seals_what_it_keeps(whole: Path) -> None:
    found = sorted(whole.glob("cells/*/weights/*"))
    assert len(found) == 6  # two cells of three epochs
    for path in found:
        assert weights.whole(path) == (path.read_bytes(), "")
    assert len(list(whole.glob("cells/*/checksums/*"))) == 6
