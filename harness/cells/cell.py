"""A cell: one training, named by the hash of all that decides its result. The unit of work, resume and sharing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from experiments.suite import Formula
from harness.cells.scores import comparable
from model.digest import digest
from model.recipe import Recipe, versions
from model.selection import Selection
from model.settings import describe, flatten


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """``recipe`` is scaled and its encoder resolved; ``data`` maps each task to its fingerprint, ``encoder`` is the
    content identity of the weights (a folder's path is not hashed), ``scored`` the caps on the scored sets. Profile
    and names are not in the hash."""

    recipe: Recipe
    seed: int
    source: str  # how to open the data; not hashed
    data: Mapping[str, str]
    encoder: str
    scored: Mapping[str, int]
    training_sample: int

    @cached_property
    def key(self) -> str:
        """Identity apart from the code that trains: what a stale cell has in common with its successor."""
        described = describe(self.recipe)
        return compute_key(described, self.seed, self.data, self.encoder, self.scored, self.training_sample)

    @cached_property
    def id(self) -> str:
        """The folder's name under ``<home>/cells``."""
        return compute_id(self.key, versions(self.recipe))


def compute_key(
    described: Mapping[str, Any],
    seed: int,
    data: Mapping[str, str],
    encoder: str,
    scored: Mapping[str, int],
    training_sample: int,
) -> str:
    """``Cell.key`` from a recipe's description."""
    content = {
        "recipe": {name: value for name, value in described.items() if name != "encoder"},
        "seed": seed,
        "data": dict(data),
        "encoder": encoder,
        "scored": dict(scored),
        "training_sample": training_sample,
    }
    return digest(content, 24)


def compute_id(key: str, code: Mapping[str, int]) -> str:
    """``Cell.id``: the key and the versions of the code that trains."""
    return digest([key, dict(code)], 24)


@dataclasses.dataclass(frozen=True)
class WeightRetention:
    """Which epochs' weights a worker leaves in the cell's folder: ``all``, or those that a selection chooses under a
    suite's formula for overall (none of them: no weights)."""

    all: bool = False
    choices: tuple[tuple[Selection, Formula], ...] = ()

    def epochs(self, dev: Sequence[Mapping[str, float | None]]) -> set[int]:
        """The positions to keep, seen from the dev scores so far."""
        if self.all:
            return set(range(len(dev)))
        return {selection.choose(comparable(formula, dev)) for selection, formula in self.choices}


def describe_cell(cell: Cell) -> dict[str, Any]:
    """What defines the cell, as cell.json has it: its name can be computed again from this alone."""
    return {
        "id": cell.id,
        "key": cell.key,
        "seed": cell.seed,
        "recipe": describe(cell.recipe),
        "settings": flatten(cell.recipe),
        "versions": versions(cell.recipe),
        "data": dict(cell.data),
        "source": cell.source,
        "encoder": cell.encoder,
    }
