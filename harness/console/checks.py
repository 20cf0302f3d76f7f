"""Checks of values typed on a command line; each error is one sentence."""

from __future__ import annotations

import difflib
import os

from model.errors import InputError, shown
from model.names import unprintable

LONGEST = 1000  # characters of an option
MOST = 1000  # seeds, jobs or threads


def closest_names(name: str, names: list[str]) -> str:
    """The names closest to a wrong one."""
    return ", ".join(difflib.get_close_matches(name, names, n=3, cutoff=0.4) or sorted(names)[:12])


def check_text(option: str, text: str) -> None:
    """``InputError`` unless the text can stand in a message, a file and the tracking store."""
    if not text:
        raise InputError(f"{option} is empty; leave it out or give it a value")
    if len(text) > LONGEST:
        raise InputError(f"{option} {shown(text, 80)} has {len(text):,} characters; use at most {LONGEST:,}")
    odd = unprintable(text)
    if odd is not None:
        raise InputError(f"{option} {shown(text, 80)} holds {odd!r}, which cannot be printed; rename what it names")


def check_user(option: str, name: str) -> None:
    """``InputError`` for a file name that starts with ``~`` and a user who is not there."""
    if name.startswith("~") and os.path.expanduser(name) == name:
        raise InputError(f"{option}: there is no user {shown(name.partition('/')[0][1:])}; write {shown(name, 80)} out")


def check_number(option: str, number: int | None) -> None:
    """``InputError`` for fewer than one or more than a machine could have."""
    if number is not None and number < 1:
        raise InputError(f"{option} is {number}; it must be at least 1")
    if number is not None and number > MOST:
        raise InputError(f"{option} is {number:,}; it must be at most {MOST:,}")
