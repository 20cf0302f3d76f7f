"""What a cell costs, as far as can be told before it is trained: tokens that pass through the encoder, as often as its
techniques say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from statistics import mean

from harness.cells.cell import Cell
from harness.planning.data import data_of
from model.data.examples import Corpus, Examples, Split
from model.data.reviews import Reviews, reviews
from model.interfaces import Encoder, History, Sizes
from model.passes import FORWARD
from model.recipe import Branch, Recipe
from model.settings import parts
from model.update_cost import is_encoded_once, update_passes

SCORED: tuple[Split, ...] = ("dev", "test")
SAMPLE = 400  # rows whose words are counted
SCORING = 0.35  # of a pass in training: batches are large, and nothing is kept for the way back
HEADS = 0.2  # of a pass's overhead: an update of the heads alone
SETTING_UP = 180  # of a cell, in passes of a batch that had no tokens


def cost(cell: Cell) -> float:
    """In plain updates of one token; scoring is passes forward. Every update that the schedule and the combiner make
    counts, with the passes that the regularizers add to it, and what a pass takes beyond its tokens."""
    return _cost(cell.recipe, cell.source, tuple(sorted(cell.scored.items())), cell.training_sample)


def encoder_costs(cells: Iterable[Cell], existing: Container[str]) -> float:
    """The same for the encoders of these cells that are made first, each once; those of the ``existing`` identities,
    and what they were made from, are there."""
    pairs = [(cell.encoder in existing, part) for cell in cells for part in parts(cell.recipe.encoder)]
    made_parts = {part for is_made, part in pairs if is_made}
    return sum(part.making() for part in {part for _, part in pairs} - made_parts if isinstance(part, Encoder))


@lru_cache(maxsize=256)
def _cost(recipe: Recipe, source: str, caps: tuple[tuple[str, int], ...], sample: int) -> float:
    corpus, overhead = data_of(recipe, source), recipe.encoder.overhead
    total = SETTING_UP * overhead
    for branch in recipe.branches:
        once = is_encoded_once(recipe, branch.key, False)
        times = 1 if once else max(1, recipe.epochs)
        items = times * scored_rows(corpus, branch, dict(caps), sample)
        total += FORWARD.updates * SCORING * items * item_tokens(recipe, branch, corpus)
    sizes = Sizes(
        {
            branch.key: training_rows(corpus, branch)
            for branch in recipe.branches
            if branch.key in recipe.schedule.tasks()
        },
        recipe.batch,
    )
    for task, items in trained_rows(recipe, sizes).items():
        tokens, calls = item_tokens(recipe, recipe.branch(task), corpus), items / recipe.batch
        if recipe.trainable == "heads":
            total += HEADS * overhead * calls
        if is_encoded_once(recipe, task, True):
            total += FORWARD.updates * sizes.rows[task] * tokens
        else:
            total += update_passes(recipe, task).updates * (items * tokens + overhead * calls)
    return recipe.encoder.effort * total


def sample_lengths(examples: Examples, joint: bool, most: int) -> tuple[tuple[int, ...], ...]:
    """The tokens of a sample of items, about: words, and the marks around them. Two numbers for a pair that is encoded
    apart."""
    sample = examples.texts[:: max(1, len(examples) // SAMPLE)]
    counted = [[len(text.split()) for text in texts] for texts in sample]
    if joint:
        return tuple((min(most, sum(words) + len(words) + 1),) for words in counted)
    return tuple(tuple(min(most, each + 2) for each in words) for words in counted)


def item_tokens(recipe: Recipe, branch: Branch, corpus: Corpus) -> float:
    """Of an item in a pass, with its share of the padding where that is computed, and of what the head takes."""
    sampled = sample_lengths(corpus.splits[branch.key, "train"], branch.pairing.joint, recipe.max_tokens)
    if not sampled:
        return 0.0
    padded = recipe.encoder.padded or recipe.needs_padding
    tokens = padded_tokens(sampled, recipe.batch) if padded else mean(map(sum, sampled))
    return tokens * (1 + branch.head.passes)


def padded_tokens(sampled: Sequence[Sequence[int]], batch: int) -> float:
    """An item's tokens where each of its rows is as long as the longest of a random batch: the mean of a maximum of
    independent draws."""
    rows = len(sampled[0])
    ordered = sorted(length for each in sampled for length in each)
    below = [(at / len(ordered)) ** (rows * batch) for at in range(len(ordered) + 1)]
    return rows * sum(length * (below[at + 1] - below[at]) for at, length in enumerate(ordered))


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
