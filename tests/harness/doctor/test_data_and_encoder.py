"""The doctor on data and encoders."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.planning.data import open_data
from tests.harness.cli.test_bad_input import course_folder
from tests.harness.conftest import Invoke
from tests.harness.doctor.looking import check, told


def test_no_data_folder(invoke: Invoke) -> None:
    check(told(invoke, "--data", "no/such", broken=True)["data"], "broken", "no data folder no/such", "-> give --data")


def test_a_data_folder_is_told_with_its_quirks(invoke: Invoke, tmp_path: Path) -> None:
    alone: dict[str, str | bytes | None] = {"sts-dev.csv": None, "sts-train.csv": None}
    folder = course_folder(tmp_path / "course", **alone)
    with (folder / "quora-train.csv").open("a") as stream:
        stream.write("2\tc\tone\n")
    found = told(invoke, "--data", folder, broken=False)["data"]
    check(found, "mind", "2 + 2", "quora-train.csv:4", "no STS-B similarity", "their files")
    (folder / "quora-dev.csv").unlink()
    open_data.cache_clear()
    check(told(invoke, "--data", folder, broken=True)["data"], "broken", "no dev set of Quora", "beside the others")
    (folder / "quora-dev.csv").write_text("id,sentence1\n")
    open_data.cache_clear()
    check(told(invoke, "--data", folder, broken=True)["data"], "broken", "quora-dev.csv:1", "save it with tabs")


def test_the_hubs_data_need_their_package_or_the_network(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.doctor import data

    monkeypatch.setattr(data, "find_spec", lambda name: None)
    check(told(invoke, "--data", "hub", broken=True)["data"], "broken", "datasets", "pip install")
    monkeypatch.setattr(data, "find_spec", lambda name: object())
    check(told(invoke, "--data", "hub", broken=True)["data"], "broken", "SetFit/sst5", "--data")


def copied(encoder: Path, folder: Path, *left_out: str) -> Path:
    folder.mkdir()
    for path in encoder.iterdir():
        if path.name not in left_out:
            shutil.copy(path, folder)
    return folder


def test_an_encoder_folder_that_lacks_something(invoke: Invoke, tmp_path: Path, encoder: Path) -> None:
    found = told(invoke, "--encoder", "./no-such", broken=True)["encoder"]
    check(found, "broken", "no encoder folder")
    folder = copied(encoder, tmp_path / "encoder", "model.safetensors")
    check(told(invoke, "--encoder", folder, broken=True)["encoder"], "broken", "no weights", "-> put model.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "model-00001-of-00001.safetensors"}}))
    check(told(invoke, "--encoder", folder, broken=True)["encoder"], "broken", "lacks model-00001", "fetch it again")
    index.unlink()
    weights = (encoder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-10])
    check(told(invoke, "--encoder", folder, broken=True)["encoder"], "broken", "cut short", "fetch it again")
    (folder / "model.safetensors").write_bytes(weights)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    check(
        told(invoke, "--encoder", folder, broken=True)["encoder"], "broken", "2 layers", "says 3", "put the encoder's"
    )
    (folder / "config.json").write_text("{garbage")
    check(
        told(invoke, "--encoder", folder, broken=True)["encoder"], "broken", "config.json", "JSON", "put the encoder's"
    )


def test_weights_that_are_pickled_alone(invoke: Invoke, tmp_path: Path, encoder: Path) -> None:
    import torch

    folder = copied(encoder, tmp_path / "encoder", "model.safetensors")
    torch.save({"weight": torch.zeros(2)}, folder / "pytorch_model.bin")
    found = told(invoke, "--encoder", folder, broken=False)["encoder"]
    check(found, "mind", ".bin alone", "save_pretrained")
    trap = tmp_path / "trap"
    torch.save(Planted(str(trap)), folder / "pytorch_model.bin")
    found = told(invoke, "--encoder", folder, broken=True)["encoder"]
    check(found, "broken", "more than weights", "mkdir", "model.safetensors")
    assert not trap.exists()


class Planted:
    """Unpickling this makes a folder."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def test_an_encoder_of_the_hub_that_is_not_in_the_cache(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    found = told(invoke, "--encoder", "owner/name", broken=True)["encoder"]
    check(found, "broken", "not in the local cache", "HF_HUB_OFFLINE is set", "--encoder FOLDER")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    check(told(invoke, "--encoder", "owner/name", broken=False)["encoder"], "mind", "downloads it", "--encoder FOLDER")
    check(told(invoke, "--encoder", "--x--", broken=True)["encoder"], "broken", "nor an id of the hub", "correct")


def test_the_demos_encoder_if_damaged_is_made_again(invoke: Invoke, tmp_path: Path, encoder: Path) -> None:
    (tmp_path / "home" / "encoders").mkdir(parents=True)
    made = copied(encoder, tmp_path / "home" / "encoders" / "tiny-1")
    check(told(invoke, broken=False)["encoder"], "ok", "made in the home")
    (made / "model.safetensors").write_bytes(b"")
    check(told(invoke, broken=False)["encoder"], "mind", "cut short", "makes it again")
