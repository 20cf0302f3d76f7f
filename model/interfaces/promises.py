"""Promises of a technique that let it be computed in a faster way than the plain one."""

from __future__ import annotations

from collections.abc import Mapping


def withdraw(kind: type, computations: tuple[str, ...], plain: Mapping[str, bool]) -> None:
    """A class with a computation of its own inherits no promise about its parent's: those that it does not state
    itself are set to their ``plain`` values."""
    own = vars(kind)
    if not own.keys().isdisjoint(computations):
        for name in plain.keys() - own.keys():
            setattr(kind, name, plain[name])
