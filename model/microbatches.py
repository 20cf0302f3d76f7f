"""The losses of an update one after another, and a batch in parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from torch import Tensor


def none_if_empty(losses: Iterator[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]] | None:
    """The same losses, or None where there is not even one."""

    def again(first: list[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
        yield first.pop()  # whose graph nothing else holds
        yield from losses

    first = list(itertools.islice(losses, 1))
    return again(first) if first else None


def split(items: np.ndarray, pieces: int) -> list[np.ndarray]:
    """The items in at most so many parts of nearly equal size, none empty."""
    return [items] if pieces == 1 else np.array_split(items, min(pieces, len(items)))
