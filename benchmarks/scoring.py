"""Scoring dev rows: items a second of ``answer_all`` over those of ``Trainer.predict``, fp32, each in a fresh process.

Our batches hold a number of tokens, Trainer's a number of items: it runs with 32 and with as many as our batches hold
on average, and the faster of the two is the peer.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from benchmarks.finetuning import TASKS, own, trainer, trainer_missing
from benchmarks.ratio import Bound, Figure, alternate, ratios
from benchmarks.settings import Settings
from benchmarks.shapes import BERT_BASE

ROWS, ROUNDS, BATCH = 600, 6, 32
SCORING = {task: Bound(f"scoring items/s, {task}", "Trainer.predict, fp32", "at least", 1.8) for task in TASKS}
BOUNDS = tuple(SCORING.values())


def measure(settings: Settings) -> list[Figure]:
    """SST and Quora, each on its own."""
    trainer_missing()
    return [compare(settings, task) for task in TASKS]


def compare(settings: Settings, task: str) -> Figure:
    versions: dict[str, str] = {}
    job: dict[str, Any] = {"threads": settings.threads, "rows": settings.count(ROWS, 64)}
    ours_job = job | {"work": "score", "task": task, "precision": None}
    mean = round(own(settings, ours_job)["batch"])

    def ours() -> float:
        return float(own(settings, ours_job)["seconds"])

    def theirs(batch: int) -> Callable[[], float]:
        def seconds() -> float:
            measured = trainer(settings, task, "predict", job | {"work": "predict", "batch": batch})
            versions.update(measured["versions"])
            return float(measured["seconds"])

        return seconds

    peers = {f"Trainer by {batch}": theirs(batch) for batch in sorted({mean, BATCH})}
    by_contender = alternate({"ours": ours, **peers}, settings.count(ROUNDS), report=settings.report)
    best = min(peers, key=lambda name: statistics.median(by_contender[name]))
    facts = {
        "versions": versions,
        "seconds": by_contender,
        "items": job["rows"],
        "items a batch of ours": mean,
        "peer": best,
        "shape": settings.shape(BERT_BASE).name,
    }
    return Figure(SCORING[task], ratios(by_contender[best], by_contender["ours"]), facts)
