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

NAME = "checkpoint.safetensors"


def save(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write the tensors, with ``facts`` (plain data) in the file's header, whole or not at all."""
    from safetensors.torch import save_file

    held = apart(tensors)
    text = json.dumps(facts)
    with atomic_path(path) as part:
        save_file(held, part, {"facts": text, "check": str(checksum(held, text))})


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
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
            facts: dict[str, Any] = json.loads(text)
            return tensors, facts
    except Exception as error:  # safetensors has one error for all
        raise Damaged(f"{path} is damaged ({' '.join(str(error).split())[:100]})") from None
    raise Damaged(f"{path} is damaged (its checksum differs)")


def apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, copied where two would share memory, which safetensors refuses."""
    held: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        own = tensor.cpu().contiguous()
        place = own.untyped_storage().data_ptr()
        held[name] = own.clone() if place in seen else own
        seen.add(place)
    return held


def checksum(tensors: Mapping[str, Tensor], text: str) -> int:
    """Over every tensor's name, kind and bytes, and the text."""
    import torch

    value = zlib.crc32(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        value = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), value)
        value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, value)
    return value
