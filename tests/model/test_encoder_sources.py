"""Where encoders come from: the hub, its cache or a folder, and how a cell tells them apart."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from model.encoders import hub
from model.encoders.bert import Bert
from model.encoders.loading import EncoderError, identity, load
from tests.model import folders, hub_cache, small


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folders.bert_folder(tmp_path / "encoder")


@pytest.mark.parametrize("name", ["owner/one", "one", "not an id"])
def test_without_a_network_a_hub_id_is_refused_at_once(name: str) -> None:
    began = time.perf_counter()
    with pytest.raises(EncoderError, match=f"'{name}' is not a folder, is not in the local cache and cannot be had"):
        load(name, 0)
    assert time.perf_counter() - began < 2


class Hub:
    """Stands in for the hub: a listing, and downloads that lay the listed files of a folder into the cache."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, extra: Sequence[str] = ()) -> None:
        self.folder, self.revisions, self.patterns = folder, list[str](), list[list[str]]()
        for name in extra:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"?")
        monkeypatch.setattr(huggingface_hub.HfApi, "model_info", self.model_info)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", self.download)

    def commit(self) -> str:
        return hub_cache.commit_of(self.folder)

    def model_info(self, name: str, revision: str, timeout: float) -> Any:
        self.revisions.append(f"{name}@{revision}")
        files = [str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()]
        return SimpleNamespace(sha=self.commit(), siblings=[SimpleNamespace(rfilename=file) for file in files])

    def download(self, name: str, revision: str, allow_patterns: list[str], etag_timeout: float) -> str:
        self.patterns.append(allow_patterns)
        hub_cache.put(Path(constants.HF_HUB_CACHE), name, self.folder, only=allow_patterns)
        return str(Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "snapshots" / self.commit())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and nothing known of it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(hub, "_snapshots", {})
    return tmp_path / "hub"


def again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As another process would begin."""
    monkeypatch.setattr(hub, "_snapshots", {})


OTHER_FILES = ["README.md", "evil.py", "bpe_encoder.bin", "training_args.bin", "flax_model.msgpack", "onnx/model.onnx"]
VOCABULARY = ["config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]


def test_of_a_hub_id_only_weights_settings_and_vocabulary_are_fetched_and_once(
    monkeypatch: pytest.MonkeyPatch, folder: Path, cache: Path
) -> None:
    stub, said = Hub(monkeypatch, folder, [*OTHER_FILES, "pytorch_model.bin"]), list[str]()
    first = hub.bring("owner/one", said.append)
    assert stub.patterns == [[*VOCABULARY[:1], "model.safetensors", *VOCABULARY[1:]]]
    assert said == ["the encoder owner/one is downloaded, once"]
    assert first.name == f"owner/one@{stub.commit()}"
    load("owner/one", 0)
    hub.bring("owner/one", said.append)
    assert stub.revisions == ["owner/one@main"]
    again(monkeypatch)
    assert hub.bring("owner/one", said.append) == first
    assert len(stub.patterns) == len(said) == 1


def test_what_an_index_names_is_fetched_too(monkeypatch: pytest.MonkeyPatch, folder: Path, cache: Path) -> None:
    in_parts(folder, "part1.safetensors")
    stub = Hub(monkeypatch, folder, ["other.safetensors"])
    encoder, _ = load(hub.bring("owner/one", lambda text: None).name, 0)
    assert stub.patterns[1] == ["part1.safetensors"]
    assert small.same(small.weights(encoder), small.weights(folders.bert()))


def test_an_encoder_that_the_hub_has_changed_is_fetched_and_said(
    monkeypatch: pytest.MonkeyPatch, folder: Path, cache: Path
) -> None:
    Hub(monkeypatch, folder)
    before, said = hub.bring("owner/one", lambda text: None), list[str]()
    (folder / "README.md").write_text("of no weight")
    again(monkeypatch)
    same = hub.bring("owner/one", said.append)
    assert same.commit != before.commit and len(said) == 1
    assert identity(same.name) == identity(before.name)
    (folder / "vocab.txt").write_text((folder / "vocab.txt").read_text() + "more\n")
    again(monkeypatch)
    after = hub.bring("owner/one", said.append)
    assert said[-1] == (
        f"the encoder owner/one was changed on the hub: it is {after.shown} now, and was {same.shown}; "
        f"--encoder {same.name} stays with that"
    )
    assert len({identity(each.name) for each in (before, same, after)}) == 2
    assert identity(str(folder)) == identity(after.name)


def test_a_revision_that_is_named_stays_whatever_main_becomes(folder: Path, cache: Path) -> None:
    first = hub_cache.put(cache, "owner/one", folder)
    old = identity(f"owner/one@{first}")
    zeroed(folder / "model.safetensors")
    second = hub_cache.put(cache, "owner/one", folder)
    assert identity(f"owner/one@{first}") == old != identity("owner/one") == identity(f"owner/one@{second}")
    assert small.same(small.weights(load(f"owner/one@{first}", 0)[0]), small.weights(folders.bert()))
    assert not any(tensor.any() for tensor in small.weights(load("owner/one", 0)[0]).values())
    assert hub.cached("owner/one@refs/pr/1") is None


def zeroed(path: Path) -> None:
    """Make all its weights 0."""
    tensors = {key: torch.zeros_like(tensor) for key, tensor in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})


def test_without_a_network_the_cache_serves_and_a_half_download_does_not(
    monkeypatch: pytest.MonkeyPatch, folder: Path, cache: Path
) -> None:
    assert Bert(name="owner/one").identity() == "owner/one, not downloaded yet"
    hub_cache.put(cache, "owner/one", folder, only=["config.json", "vocab.txt"])
    with pytest.raises(EncoderError, match="not in the local cache and cannot be had from the hub"):
        load("owner/one", 0)
    hub_cache.put(cache, "owner/one", folder)
    assert small.same(small.weights(load("owner/one", 0)[0]), small.weights(folders.bert()))


def test_identity_is_the_content_that_is_read_wherever_it_lies(folder: Path, tmp_path: Path, cache: Path) -> None:
    twin = folders.bert_folder(tmp_path / "twin")
    first = Bert(name=str(folder)).identity()
    assert first.startswith("sha256:")
    assert first == Bert(name=str(twin)).identity()
    hub_cache.put(cache, "owner/one", folder)
    assert first == Bert(name="owner/one").identity()
    for name in ("notes.txt", "pytorch_model.bin", "model-9.safetensors"):
        (twin / name).write_text("not read")
    assert first == identity(str(twin))
    for name in ("vocab.txt", "tokenizer_config.json", "config.json", "model.safetensors"):
        content = (twin / name).read_bytes()
        (twin / name).write_bytes(content + b" ")
        assert identity(str(twin)) != first
        (twin / name).write_bytes(content)


def test_a_file_is_read_again_though_its_size_and_time_are_the_same(folder: Path) -> None:
    before, path = identity(str(folder)), folder / "model.safetensors"
    facts, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (facts.st_size, facts.st_mtime_ns)
    assert identity(str(folder)) != before


def in_parts(folder: Path, *names: str, index: str = "model.safetensors.index.json") -> None:
    """The weights under other names, which an index tells."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    where = {key: names[at % len(names)] for at, key in enumerate(sorted(tensors))}
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        part = {key: tensor for key, tensor in tensors.items() if where[key] == name}
        save_file(part, folder / name, metadata={"format": "pt"})
    (folder / index).write_text(json.dumps({"metadata": {}, "weight_map": where}))


def test_weights_under_names_that_an_index_tells_are_part_of_the_identity(folder: Path) -> None:
    in_parts(folder, "part1.safetensors", "more/part2.safetensors")
    assert small.same(small.weights(load(str(folder), 0)[0]), small.weights(folders.bert()))
    seen = {identity(str(folder))}
    for name in ("part1.safetensors", "more/part2.safetensors"):
        zeroed(folder / name)
        seen.add(identity(str(folder)))
    assert len(seen) == 3


def test_weights_that_the_configuration_names_are_those_that_are_hashed(folder: Path) -> None:
    (folder / "mine.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    config = json.loads((folder / "config.json").read_text()) | {"transformers_weights": "mine.safetensors"}
    (folder / "config.json").write_text(json.dumps(config))
    before = identity(str(folder))
    (folder / "model.safetensors").write_bytes(b"not read")
    assert identity(str(folder)) == before
    load(str(folder), 0)
    (folder / "mine.safetensors").write_bytes((folder / "mine.safetensors").read_bytes()[:-4] + b"\1\1\1\1")
    assert identity(str(folder)) != before


@pytest.mark.parametrize("name", ["../outside/w.safetensors", "/tmp/w.safetensors", "a/../../w.safetensors", "C:w", ""])
@pytest.mark.parametrize("ask", [lambda name: identity(name), lambda name: load(name, 0)], ids=["identity", "load"])
def test_weights_outside_the_folder_are_refused(folder: Path, name: str, ask: Callable[[str], object]) -> None:
    in_parts(folder, "part1.safetensors")
    index = folder / "model.safetensors.index.json"
    outside = folder.parent / "outside"
    outside.mkdir()
    (folder / "part1.safetensors").rename(outside / "w.safetensors")
    index.write_text(index.read_text().replace("part1.safetensors", name))
    with pytest.raises(EncoderError, match=r"names weights outside its folder .* which are not read"):
        ask(str(folder))


@pytest.mark.parametrize("index", [{}, {"weight_map": []}, {"weight_map": {"x": 3}}, {"weight_map": {}}])
def test_an_index_that_names_nothing_is_refused(folder: Path, index: object) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(EncoderError, match="does not say which files hold the weights"):
        Bert(name=str(folder)).identity()
