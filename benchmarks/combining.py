"""PCGrad on three tasks against the summed loss, a batch of 8 of each task in every update, bert-base shape.

Time: two trainings in one process take turns, update by update, on the same batches. Memory: each in a fresh process;
what is compared is the peak of resident memory during ``STEPS`` updates (the second and later ones hold AdamW's
moments). The facts have what was resident before the first, too: the growth above it has a larger ratio, because
weights and libraries then count on neither side.
"""

from __future__ import annotations

import dataclasses
import functools
import gc
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from benchmarks.apart import answer, apart, forget_peak, peak, resident
from benchmarks.material import THREE, Updates, run
from benchmarks.ratio import Bound, Figure, alternate, ratios
from benchmarks.settings import Settings
from benchmarks.shapes import BERT_BASE, encoder
from harness.execution.local import worker_environment
from model.combiners.pcgrad import PcGrad
from model.combiners.sum import Sum
from model.interfaces import Combiner, Step

TIME = Bound("PCGrad step, 3 tasks", "summed-loss step", "at most", 1.15)
MEMORY = Bound("PCGrad peak memory, 3 tasks", "summed-loss step", "at most", 1.10)
BOUNDS = (TIME, MEMORY)
ROUNDS, WARM_UP, STEPS, PROCESSES = 24, 3, 3, 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summed(Combiner):
    """The usual step: one backward pass of the summed loss, all graphs alive."""

    slug: ClassVar[str] = "summed"

    def backward(
        self, step: Step, losses: Iterable[tuple[str, Tensor]], shared: list[nn.Parameter], seed: int
    ) -> dict[str, float]:
        torch.stack([loss for _, loss in losses]).sum().backward()
        return {}


COMBINERS: dict[str, Combiner] = {"pcgrad": PcGrad(), "summed": Summed(), "one by one": Sum()}


def measure(settings: Settings) -> list[Figure]:
    """Time and memory."""
    return [in_time(settings), in_memory(settings)]


def in_time(settings: Settings) -> Figure:
    shape = settings.shape(BERT_BASE)
    encoder(shape, settings.data, settings.scratch)
    job = settings.job() | {"work": "time"}
    by_contender = apart("combining", job, worker_environment(settings.threads), settings.scratch, settings.report)
    return Figure(
        TIME, ratios(by_contender["pcgrad"], by_contender["summed"]), {"seconds": by_contender, "shape": shape.name}
    )


def in_memory(settings: Settings) -> Figure:
    shape = settings.shape(BERT_BASE)
    encoder(shape, settings.data, settings.scratch)
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in COMBINERS}

    def most(name: str) -> float:
        job = settings.job() | {"work": "memory", "combiner": name}
        measured[name].append(apart("combining", job, worker_environment(settings.threads), settings.scratch))
        return float(measured[name][-1]["peak"])

    contenders = {name: functools.partial(most, name) for name in COMBINERS}
    by_contender = alternate(contenders, settings.count(PROCESSES), report=settings.report)
    return Figure(
        MEMORY, ratios(by_contender["pcgrad"], by_contender["summed"]), {"bytes": measured, "shape": shape.name}
    )


def training(settings: Settings, combiner: str, updates: int) -> Updates:
    """A training of at least so many updates in its epoch."""
    recipe = dataclasses.replace(THREE, combiner=COMBINERS[combiner])
    return Updates(run(settings, recipe, settings.shape(BERT_BASE), recipe.batch * (updates + 1)))


def work(job: dict[str, Any]) -> dict[str, Any]:
    settings = Settings.of(job)
    return memory(settings, job["combiner"]) if job["work"] == "memory" else times(settings)


def times(settings: Settings) -> dict[str, list[float]]:
    """Seconds of each update of two trainings in turn."""
    rounds = settings.count(ROUNDS)
    contenders = {name: training(settings, name, rounds + WARM_UP).seconds for name in COMBINERS}
    return alternate(contenders, rounds, WARM_UP)


def memory(settings: Settings, combiner: str) -> dict[str, int]:
    """Bytes resident before the first of a few updates, and their peak."""
    updates = training(settings, combiner, STEPS)
    gc.collect()
    forget_peak()
    before = resident()
    for _ in range(STEPS):
        updates.seconds()
    return {"before": before, "peak": peak()}


if __name__ == "__main__":
    answer(work)
