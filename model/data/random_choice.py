"""Draws that repeat everywhere."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from model.rng import key

T = TypeVar("T")


class RandomChoice:
    """Draws that repeat on every Python version: built on ``random()`` alone, whose stream never changes."""

    def __init__(self, *names: str | int) -> None:
        self._random = random.Random(key(*names))

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self._random.random() * len(items))]

    def weighted(self, items: Sequence[tuple[T, float]]) -> T:
        """One of the (item, share) pairs' items; the shares add up to 1."""
        at = self._random.random()
        for item, share in items:
            at -= share
            if at < 0:
                return item
        return items[-1][0]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return [item for _, item in sorted(((self._random.random(), item) for item in items), key=_first)]

    def other(self, items: Sequence[T], than: T) -> T:
        return self.pick([item for item in items if item != than])


def _first(pair: tuple[float, T]) -> float:
    return pair[0]
