"""The cell of a row and a seed: the recipe with the content of its data and encoder."""

from __future__ import annotations

import dataclasses

from harness.cells.cell import Cell
from harness.planning.content import data_identity, encoder_identity, pinned
from harness.planning.data import fingerprints_of
from harness.planning.setup import Setup
from model.data.commits import pinned as pinned_data
from model.recipe import Recipe


def cell_of(recipe: Recipe, seed: int, setup: Setup) -> Cell:
    """The training, its encoder at the commit that a hub id stands for in the local cache."""
    recipe = dataclasses.replace(recipe, encoder=pinned(recipe.encoder))
    prints = fingerprints_of(recipe, setup.data)
    return Cell(
        recipe=recipe,
        seed=seed,
        source=pinned_data(setup.data),
        data=data_identity(recipe, prints),
        encoder=encoder_identity(recipe.encoder, prints),
        scored=setup.profile.dev,
        training_sample=setup.profile.training_sample,
    )
