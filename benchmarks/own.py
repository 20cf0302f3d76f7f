"""Our side of a comparison, in a process of its own with a worker's environment."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.apart import answer
from benchmarks.material import SINGLE_TASK, run
from benchmarks.settings import Settings
from benchmarks.shapes import BERT_BASE
from model.batching import by_length
from model.run import Run
from model.settings import edit
from model.train import Tick, answer_all, train


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """``work`` "train" (the second of two epochs) or "score"; ``task``, ``rows``,
    ``precision`` (None: the recipe's), and the call's settings."""
    settings = Settings.of(job)
    recipe = SINGLE_TASK[job["task"]]
    if job["precision"] is not None:
        recipe = edit(recipe, "precision", job["precision"])
    shape = settings.shape(BERT_BASE)
    if job["work"] == "train":
        training = run(settings, edit(recipe, "epochs", 2), shape, job["rows"])
        return {"seconds": fit(training), "items": job["rows"]}
    training = run(settings, recipe, shape, recipe.batch, {"dev": job["rows"]})
    batches = sum(1 for _ in by_length(training.score["dev", job["task"]], training.scoring_tokens))
    return {"seconds": score(training, job["task"]), "items": job["rows"], "batch": job["rows"] / batches}


def fit(run: Run) -> float:
    """Seconds from the end of the first epoch to the end of the last update."""
    began = ended = 0.0
    for event in train(run):
        if isinstance(event, Tick):
            ended = time.monotonic()
        elif event.number == 1:
            began = time.monotonic()
    return ended - began


def score(run: Run, task: str) -> float:
    """Seconds of scoring all dev rows, after the last few of them."""
    table = run.score["dev", task]
    warm_up = run.train[task]
    answer_all(run, task, warm_up)
    began = time.monotonic()
    answer_all(run, task, table)
    return time.monotonic() - began


if __name__ == "__main__":
    answer(measure)
