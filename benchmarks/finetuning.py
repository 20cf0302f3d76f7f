"""Fine-tuning on SST and on Quora: items a second of our loop over those of transformers' Trainer.

Both train two epochs on the same rows in batches of 8 in a fresh process, the second of which counts; ours with the
environment of a worker, Trainer with none of it. SST has single sentences, Quora is encoded as joint pairs.
Trainer runs with its random sampling, and with its grouping by length; ours in bf16 is set against Trainer in fp32.
"""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.apart import apart
from benchmarks.material import SINGLE_TASK, rows
from benchmarks.ratio import Bound, Figure, Skipped, alternate, ratios
from benchmarks.settings import Settings
from benchmarks.shapes import BERT_BASE, encoder
from harness.execution.local import worker_environment

TASKS = ("sst", "quora")
UPDATES, ROUNDS = 25, 6  # of an epoch
DYNAMIC, LENGTHS = "Trainer, dynamic padding, fp32", "Trainer, grouped by length, fp32"
PLAIN = Bound("fine-tuning items/s", DYNAMIC, "at least", 1.6)
GROUPED = Bound("fine-tuning items/s by length", LENGTHS, "at least", 1.05)
BF16 = Bound("fine-tuning items/s in bf16", DYNAMIC, "at least", 2.8)
BOUNDS = (PLAIN, GROUPED, BF16)


def trainer_missing() -> None:
    """``Skipped`` where Trainer cannot run."""
    if importlib.util.find_spec("accelerate") is None:
        raise Skipped("Trainer needs the package accelerate: pip install 'ablation-harness[bench]'")


def no_bf16() -> str | None:
    """Why bf16 is not measured here, if it is not."""
    cpu = Path("/proc/cpuinfo")
    flags = set(cpu.read_text(encoding="utf-8").split()) if cpu.exists() else set()
    return None if "amx_bf16" in flags else "this CPU has no amx_bf16, without which small passes stay in fp32"


def measure(settings: Settings) -> list[Figure]:
    """Every round runs ours, Trainer both ways, and ours in bf16; each trains as many items of either task, and what
    counts is the seconds of both."""
    trainer_missing()
    reason, versions, by_task = no_bf16(), dict[str, str](), defaultdict[str, list[float]](list)
    batch = SINGLE_TASK["sst"].batch
    rows = settings.count(UPDATES, 6) * batch
    common = {"work": "train", "threads": settings.threads, "rows": rows}

    def both(name: str, run: Callable[[str], float]) -> float:
        for task in TASKS:
            by_task[f"{name}, {task}"].append(run(task))
        return sum(by_task[f"{name}, {task}"][-1] for task in TASKS)

    def ours(precision: str | None) -> Callable[[], float]:
        def seconds(task: str) -> float:
            return float(own(settings, common | {"task": task, "precision": precision})["seconds"])

        return lambda: both(f"ours {precision or 'fp32'}", seconds)

    def theirs(sampling: str) -> Callable[[], float]:
        def seconds(task: str) -> float:
            measured = trainer(settings, task, "train", common | {"sampling": sampling, "batch": batch})
            versions.update(measured["versions"])
            return float(measured["seconds"])

        return lambda: both(f"Trainer {sampling}", seconds)

    contenders = {"ours": ours(None), "Trainer": theirs("random"), "Trainer grouped": theirs("group_by_length")}
    if reason is None:
        contenders["ours bf16"] = ours("bf16")
    by_contender = alternate(contenders, settings.count(ROUNDS), report=settings.report)
    facts = {"versions": versions, "seconds": dict(by_task), "items": rows, "shape": settings.shape(BERT_BASE).name}
    return [
        Figure(PLAIN, ratios(by_contender["Trainer"], by_contender["ours"]), facts),
        Figure(GROUPED, ratios(by_contender["Trainer grouped"], by_contender["ours"]), facts),
        Figure(BF16, skipped=reason)
        if reason
        else Figure(BF16, ratios(by_contender["Trainer"], by_contender["ours bf16"]), facts),
    ]


def own(settings: Settings, job: dict[str, Any]) -> dict[str, Any]:
    """Our side in a fresh process."""
    encoder(settings.shape(BERT_BASE), settings.data, settings.scratch)  # once, out here
    return apart("own", settings.job() | job, worker_environment(settings.threads), settings.scratch)


def trainer(settings: Settings, task: str, work: str, job: dict[str, Any]) -> dict[str, Any]:
    """Trainer's side in a fresh process, on the rows that ours has."""
    recipe = SINGLE_TASK[task]
    branch = recipe.branch(task)
    examples = rows(settings.data, task, "train" if work == "train" else "dev", job["rows"])
    call = {
        "encoder": str(encoder(settings.shape(BERT_BASE), settings.data, settings.scratch)),
        "classes": branch.objective.outputs(branch.task),
        "longest": recipe.max_tokens,
        "rate": recipe.optimizer.rate,
        "eps": recipe.optimizer.eps,
        "texts": examples.texts,
        "labels": examples.labels.tolist(),
    }
    return apart("peer", call | job, {}, settings.scratch)
