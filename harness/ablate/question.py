"""What ``harness ablate`` was asked, as an ablation."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.ablation import Ablation
from harness import catalogue
from model.data.course import shown
from model.errors import InputError

LEVELS = {"": False, "off": False, "on": True}


def question(row: str, against: str, added: Sequence[str], held: Sequence[str]) -> Ablation:
    """The ablation of two rows by their full slugs. ``InputError``."""
    suite, own = catalogue.find(row)
    other, theirs = catalogue.find(against)
    levels: dict[str, bool] = {}
    for text in held:
        name, _, level = text.partition("=")
        if level not in LEVELS or not name:
            raise InputError(f"--hold {shown(text, 80)} is not FACTOR, FACTOR=on or FACTOR=off")
        levels[name] = LEVELS[level]
    changes = tuple(map(catalogue.change, added))
    told = Ablation(suite=suite, row=own, other=other, against=theirs, added=changes, held=levels)
    return catalogue.ablation(told.table)
