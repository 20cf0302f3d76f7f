"""What a cell costs, as far as can be told before it is trained."""

from __future__ import annotations

from harness.cell import Cell
from harness.sources import data_of
from model.data.examples import Split
from model.regularizers.smart import Smart

SCORED: tuple[Split, ...] = ("dev", "test")


def cost(cell: Cell) -> float:
    """Items of training plus items of scoring (a forward pass, a third of an update), in items; SMART costs
    (6 + 2K) / 3 of a plain update, an anchor one forward more (see the reference on pass counts)."""
    recipe, corpus = cell.recipe, data_of(cell.recipe, cell.source)
    trained = scored = 0.0
    for branch in recipe.branches:
        whole = len(corpus.splits[branch.key, "train"])
        if branch.key in recipe.schedule.tasks():
            factor = 1.0
            for regularizer in recipe.regularizers:
                if regularizer.applies(branch.key):
                    factor += (3 + 2 * regularizer.steps) / 3 if isinstance(regularizer, Smart) else 1 / 3
            trained += factor * min(branch.rows or whole, whole)
        for split in SCORED:
            examples = corpus.get(branch.key, split)
            if examples is not None and examples.labelled:
                scored += min(len(examples), cell.scored.get(branch.key, len(examples)))
        scored += min(cell.training_sample, whole)
    return recipe.epochs * (trained + scored / 3) if recipe.epochs else scored / 3
