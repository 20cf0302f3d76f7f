"""Random streams keyed by name, so that adding one thing never shifts the noise of another."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from model.lazy import torch

if TYPE_CHECKING:
    from torch import Generator


def key(*names: str | int) -> int:
    """A 63-bit seed for one stream, e.g. ``key(seed, "order", "sst", epoch)``."""
    text = "\x1f".join(f"{type(name).__name__}:{name}" for name in names)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def permutation(size: int, *names: str | int) -> np.ndarray:
    """A random order of ``range(size)`` that depends on the names and the size alone."""
    return np.random.Generator(np.random.PCG64(key(*names))).permutation(size)


def seed_global(seed: int, device: str = "cpu") -> None:
    """Seed the generator that dropout on this device draws from. ``torch.manual_seed`` would seed all devices and,
    before CUDA is up, keep a formatted stack for each call."""
    if device == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.cuda.manual_seed(seed)


def generator(*names: str | int, device: str = "cpu") -> Generator:
    """A torch generator for one stream."""
    return torch.Generator(device=device).manual_seed(key(*names))
