"""What a cell costs, as far as can be told before it is trained: passes of rows through the encoder, as its techniques
count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from functools import lru_cache

from harness.cell import Cell
from harness.sources import data_of
from model.data.examples import Corpus, Split
from model.data.reviews import Reviews, reviews
from model.passes import FORWARD, keeps, of_update
from model.recipe import Branch, Recipe
from model.seams import Encoder, History, Sizes
from model.technique import parts

SCORED: tuple[Split, ...] = ("dev", "test")


def cost(cell: Cell) -> float:
    """In plain updates of one row; scoring is passes forward. Every update that the schedule and the combiner make
    counts, with the passes that the regularizers add to it."""
    return _cost(cell.recipe, cell.source, tuple(sorted(cell.scored.items())), cell.training_sample)


def makings(cells: Iterable[Cell], known: Container[str]) -> float:
    """The same for the encoders of these cells that are made first, each once; those of the ``known`` identities, and
    what they were made from, are there."""
    told = [(cell.encoder in known, part) for cell in cells for part in parts(cell.recipe.encoder)]
    there = {part for made, part in told if made}
    return sum(part.making() for part in {part for _, part in told} - there if isinstance(part, Encoder))


@lru_cache(maxsize=256)
def _cost(recipe: Recipe, source: str, caps: tuple[tuple[str, int], ...], sample: int) -> float:
    corpus, scored, once = data_of(recipe, source), 0.0, 0.0
    for branch in recipe.branches:
        rows = FORWARD.updates * scored_rows(corpus, branch, dict(caps), sample)
        if keeps(recipe, branch.key, False):  # what the encoder gives is kept
            once += rows
        else:
            scored += rows
    sizes = Sizes(
        {
            branch.key: training_rows(corpus, branch)
            for branch in recipe.branches
            if branch.key in recipe.schedule.tasks()
        },
        recipe.batch,
    )
    once += sum(FORWARD.updates * rows for task, rows in sizes.rows.items() if keeps(recipe, task, True))
    trained = sum(of_update(recipe, task).updates * rows for task, rows in trained_rows(recipe, sizes).items())
    return trained + once + max(1, recipe.epochs) * scored


def trained_rows(recipe: Recipe, sizes: Sizes) -> Counter[str]:
    """Of each task in the whole training, as often as they are trained on."""
    rows: Counter[str] = Counter()
    for number in range(recipe.epochs):
        planned = recipe.schedule.epoch(number, sizes, History())
        steps = recipe.combiner.steps(planned, recipe.schedule.tasks())
        batches = Counter((task, step.batches) for step in steps for task in step.tasks)
        for (task, which), count in batches.items():
            whole, more = divmod(batches[task, "next"], sizes.batches(task))
            short = sizes.rows[task] - (sizes.batches(task) - 1) * sizes.batch  # the rows of a last batch
            if which == "next":
                rows[task] += whole * sizes.rows[task] + more * sizes.batch
            else:
                rows[task] += count * (sizes.batch if more else short)
    return rows


def training_rows(corpus: Corpus, branch: Branch) -> int:
    """Of the task's own, and of its extra sources."""
    whole = len(corpus.splits[branch.key, "train"])
    more = sum(len(reviews(source, corpus)) for source in branch.extra if isinstance(source, Reviews))
    return min(branch.rows or whole, whole) + more


def scored_rows(corpus: Corpus, branch: Branch, caps: dict[str, int], sample: int) -> int:
    """After each epoch."""
    rows = min(branch.rows or sample, sample, len(corpus.splits[branch.key, "train"]))
    for split in SCORED:
        examples = corpus.get(branch.key, split)
        if examples is not None and examples.labelled:
            rows += min(len(examples), caps.get(branch.key, len(examples)))
    return rows
