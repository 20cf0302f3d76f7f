"""Where encoders come from: the hub, its cache or a folder, and how a cell tells them apart."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest

from model.encoders.bert import Bert
from model.encoders.loading import EncoderError, identity, load
from tests.model import folders


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
    """Stands in for the hub: a listing, and a folder as the cache."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, files: list[str], reached: bool = True) -> None:
        self.folder, self.files, self.reached = folder, files, reached
        self.asked: list[dict[str, Any]] = []
        monkeypatch.setattr(huggingface_hub.HfApi, "model_info", self.model_info)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", self.download)

    def model_info(self, name: str, timeout: float) -> Any:
        if not self.reached:
            raise ConnectionError("no route")
        return SimpleNamespace(sha="abc", siblings=[SimpleNamespace(rfilename=file) for file in self.files])

    def download(self, name: str, **asked: Any) -> str:
        self.asked.append(asked)
        return str(self.folder)


OTHER_FILES = ["README.md", "evil.py", "bpe_encoder.bin", "training_args.bin", "flax_model.msgpack", "onnx/model.onnx"]


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_of_a_hub_id_only_weights_settings_and_vocabulary_are_fetched(
    monkeypatch: pytest.MonkeyPatch, folder: Path, weights: str
) -> None:
    hub = Hub(monkeypatch, folder, [*OTHER_FILES, "config.json", "vocab.txt", weights])
    load("owner/one", 0)
    assert [(asked["revision"], asked["allow_patterns"]) for asked in hub.asked] == [
        ("abc", sorted(["config.json", "vocab.txt", weights]))
    ]


def test_safetensors_are_fetched_in_place_of_a_bin(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    hub = Hub(monkeypatch, folder, ["config.json", "model.safetensors", "pytorch_model.bin", "vocab.txt"])
    load("owner/one", 0)
    assert "pytorch_model.bin" not in hub.asked[0]["allow_patterns"]


def test_without_a_network_the_cache_serves(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    hub = Hub(monkeypatch, folder, [], reached=False)
    load("owner/one", 0)
    assert hub.asked == [{"local_files_only": True}]


def test_identity_is_the_content_of_a_folder_and_the_name_of_a_hub_id(folder: Path, tmp_path: Path) -> None:
    twin = folders.bert_folder(tmp_path / "twin")
    first = Bert(name=str(folder)).identity()
    assert first.startswith("sha256:")
    assert first == Bert(name=str(twin)).identity()
    (twin / "notes.txt").write_text("not read")
    assert first == identity(str(twin))
    for name in ("vocab.txt", "tokenizer_config.json", "config.json", "model.safetensors"):
        content = (twin / name).read_bytes()
        (twin / name).write_bytes(content + b" ")
        assert identity(str(twin)) != first
        (twin / name).write_bytes(content)
    assert identity("owner/one") == "owner/one"
