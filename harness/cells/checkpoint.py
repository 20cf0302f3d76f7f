"""Checkpoints: one safetensors file with all that a training needs to go on, and a checksum over it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cells.atomic import Damaged, atomic_path

if TYPE_CHECKING:
    from torch import Tensor

FILE_NAME = "checkpoint.safetensors"


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write the tensors, with ``state`` (plain data) in the file's header, whole or not at all."""
    from safetensors.torch import save_file

    stored = unshared(tensors)
    text = json.dumps(state)
    with atomic_path(path) as part:
        save_file(stored, part, {"facts": text, "check": str(checksum(stored, text))})


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and facts, or None where there is no file. ``Damaged`` unless they are what was written. Nothing in the
    file is ever executed."""
    from safetensors import safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as stored:
            header = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        text = header["facts"]
        if str(checksum(tensors, text)) == header["check"]:
            state: dict[str, Any] = json.loads(text)
            return tensors, state
    except Exception as error:  # safetensors has one error for all
        raise Damaged(f"{path} is damaged ({' '.join(str(error).split())[:100]})") from None
    raise Damaged(f"{path} is damaged (its checksum differs)")


def unshared(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, copied where two would share memory, which safetensors refuses."""
    copies: dict[str, Tensor] = {}
    storages: set[int] = set()
    for name, tensor in tensors.items():
        copy = tensor.cpu().contiguous()
        storage = copy.untyped_storage().data_ptr()
        copies[name] = copy.clone() if storage in storages else copy
        storages.add(storage)
    return copies


def checksum(tensors: Mapping[str, Tensor], text: str) -> int:
    """Over every tensor's name, kind and bytes, and the text."""
    import torch

    value = zlib.crc32(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        value = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), value)
        value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, value)
    return value
