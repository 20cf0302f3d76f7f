"""Random streams keyed by name, so that adding one thing never shifts the noise of another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from model.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Generator, nn


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


@contextmanager
def seeded(*names: str | int) -> Iterator[None]:
    """Run with torch's global generator on a named stream, and put its state back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key(*names))
        yield


def initialise(module: nn.Module, seed: int, prefix: str) -> None:
    """Fresh weights, each submodule from the stream of its own name: an added one shifts no other."""
    for name, part in module.named_modules(prefix=prefix):
        reset = getattr(part, "reset_parameters", None)
        if callable(reset):
            with seeded(seed, "weights", name):
                reset()
