"""Rows with a frozen encoder, its dropout off: what an epoch costs once the encoder has seen every sentence.

Seconds of training and scoring of the later epochs (their median) over those of the first, in fresh trainings. A short
one comes first and is dropped, so that the first epoch does not pay for a cold process.
"""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import time
from typing import Any

from benchmarks.apart import answer, apart
from benchmarks.material import SINGLE_TASK, run
from benchmarks.ratio import Bound, Figure, tell
from benchmarks.settings import Settings
from benchmarks.shapes import BERT_BASE, encoder
from harness.execution.local import worker_environment
from model.recipe import AdamW
from model.train import Epoch, train

LATER = Bound("frozen encoder, later epochs", "its first epoch", "at most", 1 / 15)
BOUNDS = (LATER,)
ROWS, DEV, EPOCHS, TRAININGS = 240, 120, 4, 3


def measure(settings: Settings) -> list[Figure]:
    """One ratio a training."""
    shape = settings.shape(BERT_BASE)
    encoder(shape, settings.data, settings.scratch)
    measured = apart("frozen", settings.job(), worker_environment(settings.threads), settings.scratch, settings.report)
    later = [statistics.median(seconds[1:]) / seconds[0] for seconds in measured["own"]]
    return [Figure(LATER, tuple(later), measured | {"shape": shape.name})]


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds of each epoch of each training: ``own`` as the training counts them, ``wall`` from one to the next."""
    settings = Settings.of(job)
    rows, dev = settings.count(ROWS, 16), settings.count(DEV, 16)
    epochs(settings, 8, 8, 1)
    trainings = [epochs(settings, rows, dev, EPOCHS) for _ in range(settings.count(TRAININGS))]
    return {"own": [own for own, _ in trainings], "wall": [wall for _, wall in trainings], "rows": rows, "scored": dev}


def epochs(settings: Settings, rows: int, dev: int, number: int) -> tuple[list[float], list[float]]:
    """Seconds of each epoch of one training, by its own count and by the clock."""
    recipe = dataclasses.replace(
        SINGLE_TASK["sst"],
        trainable="heads",
        encoder_dropout_when_frozen=False,
        optimizer=AdamW(rate=1e-3),
        epochs=number,
    )
    training = run(settings, recipe, settings.shape(BERT_BASE), rows, {"dev": dev})
    own, ends = [], [time.monotonic()]
    for event in train(training):
        if isinstance(event, Epoch):
            own.append(event.training_seconds + event.scoring_seconds)
            ends.append(time.monotonic())
    tell("seconds of each epoch: " + ", ".join(f"{seconds:.2f}" for seconds in own))
    return own, [after - before for before, after in itertools.pairwise(ends)]


if __name__ == "__main__":
    answer(work)
