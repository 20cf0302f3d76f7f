"""Trainings for the measures: the data's rows, an encoder of a shape, and a training that goes an update at a time."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.ratio import Failed, Skipped
from benchmarks.settings import Settings
from benchmarks.shapes import Shape, encoder
from harness.planning.data import open_data
from model.batching import TokenTable, tokenise
from model.data.examples import Examples, Split
from model.encoders.loading import load
from model.network import Network
from model.objectives.bce import BceWithLogits
from model.objectives.cross_entropy import CrossEntropy
from model.objectives.mse import Mse
from model.pairing.joint import Joint
from model.pairing.separate import Concatenate, Difference
from model.recipe import Branch, Recipe
from model.run import EvaluatedSplit, Run
from model.schedules.joint import Together
from model.schedules.single_task import Alone
from model.task import QUORA, SST, STS
from model.train import Tick, train

SENTIMENT = Branch(task=SST, objective=CrossEntropy())
PAIRS = Branch(task=QUORA, pairing=Joint(), objective=CrossEntropy())
SINGLE_TASK = {  # one task, batches of 8, the starter's AdamW
    "sst": Recipe(branches=(SENTIMENT,), schedule=Alone(task="sst"), epochs=1),
    "quora": Recipe(branches=(PAIRS,), schedule=Alone(task="quora"), epochs=1),
}
THREE = Recipe(  # a batch of 8 of each task in every update, pairs encoded apart
    branches=(
        SENTIMENT,
        Branch(task=QUORA, pairing=Concatenate(), objective=BceWithLogits()),
        Branch(task=STS, pairing=Difference(), objective=Mse()),
    ),
    schedule=Together(),
    epochs=1,
)


def rows(data: str, task: str, split: Split, wanted: int) -> Examples:
    """So many rows of the data, a prefix of a fixed permutation; repeated from the start where the data has fewer."""
    examples = open_data(data).get(task, split)
    if examples is None:
        raise Skipped(f"the data has no {split} set of {task}")
    if wanted <= len(examples):
        return examples.first(wanted)
    return examples.take(np.resize(np.arange(len(examples)), wanted))


def run(
    settings: Settings, recipe: Recipe, shape: Shape, train_rows: int, scored: dict[EvaluatedSplit, int] | None = None
) -> Run:
    """A training of this recipe on so many rows of each task, scored after each epoch on so many of these splits."""
    import torch

    torch.set_num_threads(settings.threads)
    built, tokenizer = load(str(encoder(shape, settings.data, settings.scratch)), 0)

    def table(branch: Branch, split: Split, wanted: int) -> TokenTable:
        examples = rows(settings.data, branch.key, split, wanted)
        return tokenise(examples, tokenizer, joint=branch.pairing.joint, max_tokens=recipe.max_tokens)

    return Run(
        network=Network(recipe, built, 0),
        recipe=recipe,
        seed=0,
        train={branch.key: table(branch, "train", train_rows) for branch in recipe.branches},
        score={
            (split, branch.key): table(branch, split, wanted)
            for branch in recipe.branches
            for split, wanted in (scored or {}).items()
        },
    )


class Updates:
    """A training that others take turns with. Two of the same rows, seed and batch size have the same batch in the
    same update, whatever else their recipes do."""

    def __init__(self, run: Run) -> None:
        self.events = train(run)

    def seconds(self) -> float:
        """The seconds of the next update. ``Failed`` at the end of the epoch, where there would be more to do."""
        began = time.monotonic()
        event = next(self.events)
        spent = time.monotonic() - began
        if not isinstance(event, Tick):
            raise Failed("the epoch ended before the measuring did")
        return spent
