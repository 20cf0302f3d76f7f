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
from tests.harness.doctor.findings import check, run_doctor


def test_no_data_folder(invoke: Invoke) -> None:
    check(
        run_doctor(invoke, "--data", "no/such", error=True)["data"], "error", "no data folder no/such", "-> give --data"
    )


def test_a_data_folder_is_reported_with_its_quirks(invoke: Invoke, tmp_path: Path) -> None:
    alone: dict[str, str | bytes | None] = {"sts-dev.csv": None, "sts-train.csv": None}
    folder = course_folder(tmp_path / "course", **alone)
    with (folder / "quora-train.csv").open("a") as stream:
        stream.write("2\tc\tone\n")
    finding = run_doctor(invoke, "--data", folder, error=False)["data"]
    check(finding, "warning", "2 + 2", "quora-train.csv:4", "no STS-B similarity", "their files")
    (folder / "quora-dev.csv").unlink()
    open_data.cache_clear()
    check(run_doctor(invoke, "--data", folder, error=True)["data"], "error", "no dev set of Quora", "beside the others")
    (folder / "quora-dev.csv").write_text("id,sentence1\n")
    open_data.cache_clear()
    check(run_doctor(invoke, "--data", folder, error=True)["data"], "error", "quora-dev.csv:1", "save it with tabs")


def test_the_hubs_data_need_their_package_or_the_network(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.doctor import data

    monkeypatch.setattr(data, "find_spec", lambda name: None)
    check(run_doctor(invoke, "--data", "hub", error=True)["data"], "error", "datasets", "pip install")
    monkeypatch.setattr(data, "find_spec", lambda name: object())
    check(run_doctor(invoke, "--data", "hub", error=True)["data"], "error", "SetFit/sst5", "--data")


def copied(encoder: Path, folder: Path, *left_out: str) -> Path:
    folder.mkdir()
    for path in encoder.iterdir():
        if path.name not in left_out:
            shutil.copy(path, folder)
    return folder


def test_an_encoder_folder_that_lacks_something(invoke: Invoke, tmp_path: Path, encoder: Path) -> None:
    finding = run_doctor(invoke, "--encoder", "./no-such", error=True)["encoder"]
    check(finding, "error", "no encoder folder")
    folder = copied(encoder, tmp_path / "encoder", "model.safetensors")
    check(
        run_doctor(invoke, "--encoder", folder, error=True)["encoder"],
        "error",
        "no weights",
        "-> put model.safetensors",
    )
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "model-00001-of-00001.safetensors"}}))
    check(
        run_doctor(invoke, "--encoder", folder, error=True)["encoder"], "error", "lacks model-00001", "fetch it again"
    )
    index.unlink()
    weights = (encoder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-10])
    check(run_doctor(invoke, "--encoder", folder, error=True)["encoder"], "error", "cut short", "fetch it again")
    (folder / "model.safetensors").write_bytes(weights)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    check(
        run_doctor(invoke, "--encoder", folder, error=True)["encoder"],
        "error",
        "2 layers",
        "says 3",
        "put the encoder's",
    )
    (folder / "config.json").write_text("{garbage")
    check(
        run_doctor(invoke, "--encoder", folder, error=True)["encoder"],
        "error",
        "config.json",
        "JSON",
        "put the encoder's",
    )


def test_weights_that_are_pickled_alone(invoke: Invoke, tmp_path: Path, encoder: Path) -> None:
    import torch

    folder = copied(encoder, tmp_path / "encoder", "model.safetensors")
    torch.save({"weight": torch.zeros(2)}, folder / "pytorch_model.bin")
    finding = run_doctor(invoke, "--encoder", folder, error=False)["encoder"]
    check(finding, "warning", ".bin alone", "save_pretrained")
    trap = tmp_path / "trap"
    torch.save(Planted(str(trap)), folder / "pytorch_model.bin")
    finding = run_doctor(invoke, "--encoder", folder, error=True)["encoder"]
    check(finding, "error", "more than weights", "mkdir", "model.safetensors")
    assert not trap.exists()


class Planted:
    """Unpickling this makes a folder."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def test_an_encoder_of_the_hub_that_is_not_in_the_cache(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    finding = run_doctor(invoke, "--encoder", "owner/name", error=True)["encoder"]
    check(finding, "error", "not in the local cache", "HF_HUB_OFFLINE is set", "--encoder FOLDER")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    check(
        run_doctor(invoke, "--encoder", "owner/name", error=False)["encoder"],
        "warning",
        "downloads it",
        "--encoder FOLDER",
    )
    check(run_doctor(invoke, "--encoder", "--x--", error=True)["encoder"], "error", "nor an id of the hub", "correct")


def test_the_demos_encoder_if_damaged_is_made_again(invoke: Invoke, tmp_path: Path, encoder: Path) -> None:
    (tmp_path / "home" / "encoders").mkdir(parents=True)
    folder = copied(encoder, tmp_path / "home" / "encoders" / "tiny-1")
    check(run_doctor(invoke, error=False)["encoder"], "ok", "made in the results folder")
    (folder / "model.safetensors").write_bytes(b"")
    check(run_doctor(invoke, error=False)["encoder"], "warning", "cut short", "makes it again")
