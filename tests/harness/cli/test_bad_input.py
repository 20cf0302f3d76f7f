"""Whatever a user gets wrong: one sentence that says what, where and how to mend it, exit code 2, no traceback."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.harness.conftest import Invoke

RUN = ("run", "bertram/table1/04-all-three", "--seeds", "1")


def course_folder(folder: Path, **changed: str | bytes | None) -> Path:
    """A small valid course folder, with files replaced (None: removed)."""
    folder.mkdir()
    pair = "\tid\tsentence1\tsentence2\t{}\n0\ta\tone cat\ttwo cats\t{}\n1\tb\ta dog\tthe dog\t{}\n"
    files: dict[str, str | bytes | None] = {}
    for split in ("train", "dev"):
        files[f"ids-sst-{split}.csv"] = "\tid\tsentence\tsentiment\n0\ta\tgood\t4\n1\tb\tbad\t0\n"
        files[f"quora-{split}.csv"] = pair.format("is_duplicate", "1.0", "0.0")
        files[f"sts-{split}.csv"] = pair.format("similarity", "1.5", "4.0")
    for name, content in (files | changed).items():
        if content is not None:
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def check(result: object, *words: str) -> None:
    output = result.output.replace("\n", " ")  # type: ignore[attr-defined]
    assert result.exit_code == 2, output  # type: ignore[attr-defined]
    assert output.startswith("error: "), output
    assert "Traceback" not in output
    for word in words:
        assert word in output, output


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        (("run", "tabel1"), ("tabel1", "near names: table1")),
        (("run", "bertram/table1/06-smrt"), ("06-smrt", "06-smart")),
        (("run", "bertram/table1", "--rows", "06-smrt"), ("06-smrt", "06-smart")),
        (("show", "bertram/table1/6"), ("06-smart",)),
        ((*RUN, "--seeds", "0"), ("--seeds is 0", "at least 1")),
        ((*RUN, "--jobs", "0"), ("--jobs is 0",)),
        ((*RUN, "--profile", "big"), ("big", "demo, small, paper")),
        ((*RUN, "--set", "smrt.radius=1"), ("04-all-three", "smrt", "near names")),
        ((*RUN, "--set", "batch"), ("FIELD=VALUE",)),
        ((*RUN, "--set", "batch=many"), ("batch", "many", "whole number")),
        ((*RUN, "--set", "batch=0"), ("batch is 0", "at least 1")),
        ((*RUN, "--set", "dropout=1.5"), ("dropout is 1.5",)),
        ((*RUN, "--set", "optimizer.rate=nan"), ("finite",)),
        ((*RUN, "--set", "sts.head=linear"), ("--with",)),
        ((*RUN, "--with", "mse"), ("no change 'mse'", "mse-on-sts")),
        ((*RUN, "--data", "no/such/folder"), ("no data folder no/such/folder", "--data")),
        ((*RUN, "--encoder", "./no-such-encoder"), ("no-such-encoder",)),
    ],
)
def test_a_wrong_word_is_explained(invoke: Invoke, words: tuple[str, ...], phrases: tuple[str, ...]) -> None:
    check(invoke(*words), *phrases)


@pytest.mark.parametrize(
    ("file", "content", "phrases"),
    [
        ("ids-sst-train.csv", None, ("no train set of SST-5",)),
        ("ids-sst-train.csv", "", ("ids-sst-train.csv", "empty")),
        ("ids-sst-train.csv", "\tid\tsentence\n0\ta\tgood\n", ("ids-sst-train.csv", "sentiment")),
        ("ids-sst-dev.csv", "\tid\tsentence\tsentiment\n0\ta\tgood\t7\n", ("ids-sst-dev.csv:2", "7", "0")),
        ("sts-train.csv", "id,sentence1,sentence2,similarity\na,b,c,1\n", ("sts-train.csv", "tab")),
        (
            "quora-dev.csv",
            b"\tid\tsentence1\tsentence2\tis_duplicate\n0\ta\t\xff\xfe\tb\t1.0\n",
            ("quora-dev.csv", "UTF-8"),
        ),
    ],
)
def test_a_wrong_data_file_is_explained(
    invoke: Invoke, tmp_path: Path, encoder: Path, file: str, content: str | bytes | None, phrases: tuple[str, ...]
) -> None:
    folder = course_folder(tmp_path / "course", **{file: content})
    check(invoke(*RUN, "--data", folder, "--encoder", encoder), *phrases)


def test_an_encoder_folder_without_weights_or_of_another_family_is_explained(
    invoke: Invoke, tmp_path: Path, encoder: Path
) -> None:
    folder = tmp_path / "encoder"
    folder.mkdir()
    for path in encoder.iterdir():
        if path.suffix != ".safetensors":
            (folder / path.name).write_bytes(path.read_bytes())
    check(invoke(*RUN, "--encoder", folder), "no weights", "model.safetensors")
    config = json.loads((folder / "config.json").read_text()) | {"model_type": "gpt2"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes((encoder / "model.safetensors").read_bytes())
    check(invoke(*RUN, "--encoder", folder), "gpt2", "bert")


def test_an_unwritable_home_is_explained(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    check(invoke(*RUN, "--home", tmp_path / "file" / "home"), "home", "cannot be written", "--home")
    if os.geteuid() != 0:
        (tmp_path / "closed").mkdir(mode=0o500)
        check(invoke(*RUN, "--home", tmp_path / "closed" / "home"), "cannot be written")


def test_bad_input_leaves_the_home_as_it_was(invoke: Invoke, tmp_path: Path) -> None:
    invoke(*RUN, "--seeds", "0")
    invoke(*RUN, "--set", "batch=0")
    assert not list((tmp_path / "home").rglob("*")) or not (tmp_path / "home" / "cells").exists()
