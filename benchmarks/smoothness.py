"""SMART, and SMART with momentum BPPO, against the plain step: SST alone, batches of 8, bert-base shape.

The trainings take turns in one process, update by update, on the same batches. The gradient shares that a training
notes once an epoch (``Loop.weigh``, a backward pass more) fall into the dropped updates: they come with an epoch's
first one, and the epoch is longer than the measuring.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from benchmarks.apart import answer, apart
from benchmarks.material import SINGLE_TASK, Updates, run
from benchmarks.ratio import Bound, Figure, alternate, ratios
from benchmarks.settings import Settings
from benchmarks.shapes import BERT_BASE, encoder
from harness.execution.local import worker_environment
from model.interfaces import Regularizer
from model.regularizers.proximal import MomentumProximal
from model.regularizers.smart import Smart

SMART = Bound("SMART step, K = 1", "plain step", "at most", 2.80)
BPPO = Bound("SMART with momentum BPPO step", "plain step", "at most", 3.20)
BOUNDS = (SMART, BPPO)
ROUNDS, WARM_UP = 24, 3


KINDS: dict[str, tuple[Regularizer, ...]] = {
    "plain": (),
    "smart": (Smart(),),
    "smart and bppo": (Smart(), MomentumProximal()),
}


def measure(settings: Settings) -> list[Figure]:
    """Three trainings in turn, so that both figures have the same plain steps below them."""
    shape = settings.shape(BERT_BASE)
    encoder(shape, settings.data, settings.scratch)
    environment = worker_environment(settings.threads)
    by_contender = apart("smoothness", settings.job(), environment, settings.scratch, settings.report)
    facts = {"seconds": by_contender, "shape": shape.name}
    return [
        Figure(SMART, ratios(by_contender["smart"], by_contender["plain"]), facts),
        Figure(BPPO, ratios(by_contender["smart and bppo"], by_contender["plain"]), facts),
    ]


def times(job: dict[str, Any]) -> dict[str, list[float]]:
    """Seconds of each update."""
    settings, plain = Settings.of(job), SINGLE_TASK["sst"]
    rounds, shape = settings.count(ROUNDS), settings.shape(BERT_BASE)
    rows = plain.batch * (rounds + WARM_UP + 1)
    trainings = {
        name: Updates(run(settings, dataclasses.replace(plain, regularizers=regularizers), shape, rows))
        for name, regularizers in KINDS.items()
    }
    return alternate({name: training.seconds for name, training in trainings.items()}, rounds, WARM_UP)


if __name__ == "__main__":
    answer(times)
