"""Loading encoders: what is read, what is refused and in which words, and what is never run."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from model.encoders.bert import Bert
from model.encoders.domain_pretrained import DomainPretrained
from model.encoders.loading import EncoderError, identity, load
from model.encoders.placeholders import Base
from model.encoders.tiny import Tiny
from model.errors import InputError
from tests.model import folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folders.bert_folder(tmp_path / "encoder")


class Planted:
    """Unpickling this makes the folder "run" beside the encoder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.path,)


def weights(model: Any) -> dict[str, torch.Tensor]:
    return dict(model.state_dict())


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def as_bin(folder: Path, content: Any) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin")


def test_a_folder_gives_its_weights_and_vocabulary(folder: Path) -> None:
    encoder, tokenizer = Bert(name=str(folder)).load(0)
    assert same(weights(encoder), weights(folders.bert()))
    assert encoder.new_parameters == ()
    assert not encoder.training
    assert tokenizer("the film").input_ids[0] == tokenizer.cls_token_id


def test_a_bin_gives_the_same_as_safetensors(folder: Path) -> None:
    as_bin(folder, folders.bert().state_dict())
    assert same(weights(load(str(folder), 0)[0]), weights(folders.bert()))


def test_half_precision_is_read_as_single(folder: Path) -> None:
    folders.bert().half().save_pretrained(folder)
    assert {parameter.dtype for parameter in load(str(folder), 0)[0].parameters()} == {torch.float32}


def test_a_missing_pooler_is_drawn_from_its_own_stream(folder: Path) -> None:
    transformers.BertForMaskedLM(folders.bert_config()).save_pretrained(folder)
    torch.manual_seed(0)
    first, again, other = (load(str(folder), seed)[0] for seed in (1, 1, 2))
    assert first.new_parameters == ("pooler.dense.bias", "pooler.dense.weight")
    assert same(weights(first), weights(again))
    assert not torch.equal(first.pooler.dense.weight, other.pooler.dense.weight)
    assert float(first.pooler.dense.weight.detach().std()) == pytest.approx(0.3, rel=0.2)
    assert not first.pooler.dense.bias.any()


@pytest.mark.parametrize("inside", [False, True], ids=["bare", "as a tensor"])
@pytest.mark.parametrize("plain", [True, False], ids=["pickle", "zip"])
def test_a_planted_pickle_is_refused_and_not_run(folder: Path, plain: bool, inside: bool) -> None:
    planted = Planted(folder.parent / "run")
    content = folders.bert().state_dict() | {"pooler.dense.bias": planted} if inside else planted
    if plain:
        (folder / "model.safetensors").unlink()
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(content, protocol=2))
    else:
        as_bin(folder, content)
    with pytest.raises(EncoderError, match=r"its \.bin holds more than weights, so it is not read"):
        load(str(folder), 0)
    assert not planted.path.exists()
    run, arguments = planted.__reduce__()  # what reading it as a pickle does
    run(*arguments)
    assert planted.path.exists()


def test_a_planted_pickle_beside_safetensors_is_not_even_opened(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Planted(folder.parent / "run"), protocol=2))
    load(str(folder), 0)
    assert not (folder.parent / "run").exists()


def test_code_in_a_folder_is_not_run(folder: Path) -> None:
    (folder / "evil.py").write_text(f"import pathlib; pathlib.Path({str(folder.parent / 'run')!r}).mkdir()")
    change(folder, "config.json", auto_map={"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"})
    change(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", None]}, tokenizer_class="Evil")
    load(str(folder), 0)
    assert not (folder.parent / "run").exists()


def change(folder: Path, name: str, **settings: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def only_vocab(folder: Path, words: list[str]) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    (folder / "vocab.txt").write_text("\n".join(words))


def infinite(folder: Path) -> None:
    model = folders.bert()
    model.embeddings.word_embeddings.weight.data[3, 3] = torch.inf
    model.save_pretrained(folder)


def without(*names: str) -> Callable[[Path], None]:
    return lambda folder: [(folder / name).unlink() for name in names] and None


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no configuration": (without("config.json"), "has no config.json, so it is not an encoder folder"),
    "no weights": (without("model.safetensors"), "has no weights; put model.safetensors beside its config.json"),
    "no vocabulary": (without("vocab.txt", "tokenizer.json"), "has no vocabulary; put tokenizer.json or vocab.txt"),
    "weights cut short": (cut, r"model\.safetensors is damaged or cut short"),
    "empty weights": (lambda folder: (folder / "model.safetensors").write_bytes(b""), "damaged or cut short"),
    "not finite": (infinite, "hold numbers that are not finite"),
    "not JSON": (lambda folder: (folder / "config.json").write_text("{"), "cannot be read as JSON"),
    "not UTF-8": (lambda folder: (folder / "config.json").write_bytes(b"{\xff"), r"is not UTF-8 \(byte 1\)"),
    "not an object": (lambda folder: (folder / "config.json").write_text("[]"), "is not a JSON object"),
    "no family": (lambda folder: (folder / "config.json").write_text("{}"), "does not say its model_type"),
    "another family": (lambda folder: change(folder, "config.json", model_type="gpt2"), "holds a 'gpt2' model"),
    "a decoder": (lambda folder: change(folder, "config.json", is_decoder=True), "holds a decoder"),
    "more layers": (
        lambda folder: change(folder, "config.json", num_hidden_layers=3),
        "lack 16 of the encoder's tensors",
    ),
    "fewer layers": (lambda folder: change(folder, "config.json", num_hidden_layers=1), "have more layers than"),
    "far more layers": (lambda folder: change(folder, "config.json", num_hidden_layers=10**6), "must be 1 to 200"),
    "other sizes": (lambda folder: change(folder, "config.json", vocab_size=10**9), "not have the sizes"),
    "no heads": (lambda folder: change(folder, "config.json", num_attention_heads=0), "a setting that cannot be used"),
    "an unknown activation": (lambda folder: change(folder, "config.json", hidden_act="no"), "cannot be used .*'no'"),
    "a large vocabulary": (
        lambda folder: only_vocab(folder, [*folders.SPECIAL, *"abcdefghijklmnopqrstuvwxyz"]),
        "id 30",
    ),
    "an empty vocabulary": (lambda folder: only_vocab(folder, []), "has no words"),
    "half a tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("{"), "cannot be read as JSON"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("{}"), "does not describe a tokenizer"),
    "a folder": (lambda folder: (folder / "merges.txt").mkdir(), r"merges\.txt is not a file that can be read"),
    "a broken link": (lambda folder: (folder / "vocab.json").symlink_to("nowhere"), "is not a file that can be read"),
    "a mistyped setting": (
        lambda folder: change(folder, "config.json", use_cache="yes"),
        r"a setting that cannot be used \(use_cache has a value of the wrong kind\)",
    ),
    "a foreign number type": (
        lambda folder: change(folder, "config.json", dtype="\ud800"),
        r"a setting that cannot be used \(AttributeError\)",
    ),
    "a mistyped token": (
        lambda folder: change(folder, "tokenizer_config.json", pad_token=3),
        r"tokenizer_config\.json or vocab\.txt has something that cannot be used \(TypeError\)",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_folder_is_refused_in_one_sentence_that_names_it(folder: Path, kind: str) -> None:
    damage, says = DAMAGE[kind]
    damage(folder)
    with pytest.raises(EncoderError, match=says) as caught:
        Bert(name=str(folder)).load(0)
    assert isinstance(caught.value, InputError)
    assert str(folder) in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_folder_that_is_not_there_is_named() -> None:
    for ask in (lambda: load("./nowhere", 0), lambda: identity("./nowhere")):
        with pytest.raises(EncoderError, match="there is no encoder folder nowhere"):
            ask()


@pytest.mark.parametrize("encoder", [Base(), Tiny(), DomainPretrained()], ids=lambda encoder: encoder.slug)
def test_what_must_be_prepared_first_has_no_weights_to_load(encoder: Any) -> None:
    with pytest.raises(NotImplementedError, match=encoder.slug):
        encoder.load(0)
