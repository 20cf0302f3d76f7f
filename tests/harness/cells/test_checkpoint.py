"""A checkpoint comes back to the last bit or is ``Damaged``; nothing in it is ever run."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from harness.cells.atomic import Damaged
from harness.cells.checkpoint import FILE_NAME, load_checkpoint, save_checkpoint

KINDS = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint64, torch.uint32, torch.uint16, torch.uint8),
    torch.bool,
]
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
FACTS = st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.floats(allow_nan=False) | st.text())
IN_PLACE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example overwrites the file


@st.composite
def tensors(draw: st.DrawFn) -> dict[str, Tensor]:
    """A few tensors of any kind and shape, with any bits."""
    names = draw(st.lists(st.text(st.characters(codec="utf-8"), max_size=10), unique=True, max_size=4))
    weights = {}
    for name in names:
        if name == "__metadata__":
            continue
        kind, shape = draw(st.sampled_from(KINDS)), draw(SHAPES)
        size = int(np.prod(shape)) * kind.itemsize
        drawn = draw(st.binary(min_size=size, max_size=size))
        content = bytes(byte % 2 for byte in drawn) if kind == torch.bool else drawn
        flat = torch.frombuffer(bytearray(content), dtype=kind) if size else torch.empty(0, dtype=kind)
        weights[name] = flat.reshape(shape)
    return weights


def bits(tensor: Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype
        and one[name].shape == other[name].shape
        and bits(one[name]) == bits(other[name])
        for name in one
    )


def some() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A small checkpoint like a training's."""
    weights = {
        "weights/a": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 7,
        "optimizer/0/0/step": torch.tensor(3.0),
        "answers/dev/sst/1": torch.tensor([4, 0, 2]),
        "signal/none": torch.empty(0, dtype=torch.float64),
    }
    return weights, {"position": {"step": 3, "history": {"sst": 0.1}}, "entries": [], "notes": ["\u00e4"], "spent": 1.5}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A written checkpoint."""
    save_checkpoint(tmp_path / FILE_NAME, *some())
    return tmp_path / FILE_NAME


@IN_PLACE
@given(stored=tensors(), state=FACTS)
@example({"nan": torch.tensor([float("nan"), -0.0]), "": torch.tensor(7), "none": torch.empty(0, 3)}, {"": None})
def test_a_checkpoint_comes_back_to_the_last_bit(path: Path, stored: dict[str, Tensor], state: dict[str, Any]) -> None:
    save_checkpoint(path, stored, state)
    loaded = load_checkpoint(path)
    assert loaded is not None
    assert same(loaded[0], stored)
    assert loaded[1] == state
    assert [each.name for each in path.parent.iterdir()] == [FILE_NAME]


def test_tensors_that_share_memory_or_lie_askew_come_back(path: Path) -> None:
    whole = torch.arange(12.0)
    stored = {"one": whole, "same": whole, "first": whole[:5], "lapping": whole[3:9], "turned": whole.view(3, 4).t()}
    save_checkpoint(path, stored, {})
    loaded = load_checkpoint(path)
    assert loaded is not None
    assert same(loaded[0], stored)


def test_a_parameter_in_training_comes_back(path: Path) -> None:
    part = torch.nn.Linear(2, 3)
    save_checkpoint(path, dict(part.named_parameters()), {})
    loaded = load_checkpoint(path)
    assert loaded is not None
    assert same(loaded[0], part.state_dict())


def test_where_there_is_no_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / FILE_NAME) is None


@IN_PLACE
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
@example(0.0, 1)  # the header's length
@example(0.0, 255)
def test_a_changed_byte_shows(path: Path, where: float, change: int) -> None:
    save_checkpoint(path, *some())
    content = path.read_bytes()
    assert_shows(path, content, int(where * len(content)), change)


def test_a_changed_bit_of_any_byte_shows(path: Path) -> None:
    content = path.read_bytes()
    for at in range(len(content)):
        assert_shows(path, content, at, 1 << at % 8)


def assert_shows(path: Path, content: bytes, at: int, change: int) -> None:
    """``Damaged``, or the very same: the header is filled up with spaces, for which a tab would do."""
    path.write_bytes(content[:at] + bytes([content[at] ^ change]) + content[at + 1 :])
    filling = content[8 : 8 + int.from_bytes(content[:8], "little")].rstrip(b" ")
    if 8 + len(filling) <= at < 8 + int.from_bytes(content[:8], "little") and chr(content[at] ^ change) in "\t\n\r":
        loaded = load_checkpoint(path)
        assert loaded is not None
        assert same(loaded[0], some()[0])
        assert loaded[1] == some()[1]
    else:
        with pytest.raises(Damaged, match="checkpoint"):
            load_checkpoint(path)


def test_a_truncated_checkpoint_shows(path: Path) -> None:
    content = path.read_bytes()
    for end in range(len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(Damaged):
            load_checkpoint(path)


@pytest.mark.parametrize("more", [b"\x00", b" ", b"x" * 5000])
def test_a_longer_checkpoint_shows(path: Path, more: bytes) -> None:
    path.write_bytes(path.read_bytes() + more)
    with pytest.raises(Damaged):
        load_checkpoint(path)


@IN_PLACE
@given(st.binary(max_size=400))
@example(b"\xff" * 8)
@example((2**62).to_bytes(8, "little") + b"{}")
@example((2).to_bytes(8, "little") + b"{}")
@example((12).to_bytes(8, "little") + b'{"a":"b"}   ')
def test_what_is_no_checkpoint_is_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(Damaged):
        load_checkpoint(path)


def test_tensors_and_facts_of_two_checkpoints_do_not_mix(path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(path, "pt") as file:
        header = file.metadata()
    stored, state = some()
    for tensors, text in (
        (stored | {"weights/a": stored["weights/a"] + 1}, header["facts"]),
        ({name: tensor for name, tensor in stored.items() if name != "weights/a"}, header["facts"]),
        (stored | {"more": torch.zeros(1)}, header["facts"]),
        (stored, json.dumps(state | {"spent": 2.5})),
    ):
        save_file(tensors, path, {"facts": text, "check": header["check"]})
        with pytest.raises(Damaged, match="its checksum differs"):
            load_checkpoint(path)
    save_file(stored, path)
    with pytest.raises(Damaged):
        load_checkpoint(path)


class Touch:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mknod, (str(self.path),)


@pytest.mark.parametrize("how", ["pickle", "torch", "torch of old", "npy", "zip"])
def test_a_planted_pickle_is_damaged_and_never_run(path: Path, tmp_path: Path, how: str) -> None:
    planted, stream = Touch(tmp_path / "touched"), io.BytesIO()
    if how == "pickle":
        stream.write(pickle.dumps(planted))
    elif how == "npy":
        np.save(stream, np.array([planted], dtype=object), allow_pickle=True)
    elif how == "zip":
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("data.pkl", pickle.dumps(planted))
    else:
        torch.save({"weights/a": planted}, stream, _use_new_zipfile_serialization=how == "torch")
    path.write_bytes(stream.getvalue())
    with pytest.raises(Damaged):
        load_checkpoint(path)
    assert not planted.path.exists()
    if how == "pickle":  # it is one that would
        pickle.loads(path.read_bytes())
        assert planted.path.exists()


def test_a_pickle_beside_or_within_the_facts_is_text(path: Path, tmp_path: Path) -> None:
    planted = Touch(tmp_path / "touched")
    text = pickle.dumps(planted, 0).decode("latin-1")
    save_checkpoint(path, {text: torch.zeros(1)}, {"position": text})
    loaded = load_checkpoint(path)
    assert loaded is not None
    assert loaded[1] == {"position": text}
    assert not planted.path.exists()


def test_a_folder_or_a_link_to_nothing_in_its_place_is_no_checkpoint(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "nothing")
    assert load_checkpoint(path) is None
    path.unlink()
    path.mkdir()
    with pytest.raises(Damaged):
        load_checkpoint(path)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(path: Path) -> None:
    content = path.read_bytes()
    with pytest.raises(TypeError):
        save_checkpoint(path, some()[0], {"position": object()})
    assert path.read_bytes() == content
    assert [each.name for each in path.parent.iterdir()] == [FILE_NAME]
