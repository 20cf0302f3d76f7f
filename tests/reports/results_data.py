"""Evidence made from arrays, as a tracking store would give it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas
from numpy.typing import NDArray

from experiments.suite import Row, Suite
from model.answers import Answers, ByTask
from model.metrics import score
from model.task import TASKS
from reports.results import Runs, Seed, SetUp

Floats = NDArray[np.float64]
FACTS = {"profile": "demo", "data": "d1", "data_source": "made", "encoder": "tiny", "variant": ""}


@dataclasses.dataclass
class Kept:
    """A reader of answers and curves that are given."""

    tables: dict[str, pandas.DataFrame] = dataclasses.field(default_factory=dict)
    history: dict[str, Mapping[str, Mapping[int, float]]] = dataclasses.field(default_factory=dict)

    def answers(self, run: str) -> ByTask:
        frame = self.tables.get(run, pandas.DataFrame())
        return {
            (str(split), str(task)): Answers(
                part["id"].to_numpy(str), part["answer"].to_numpy(float), part["label"].to_numpy(float)
            )
            for (split, task), part in (frame.groupby(["split", "task"], sort=False) if len(frame) else ())
        }

    def curves(self, run: str, names: Sequence[str]) -> Mapping[str, Mapping[int, float]]:
        return {name: points for name, points in self.history.get(run, {}).items() if name in names}


def table(split: str, by_task: Mapping[str, tuple[Floats, Floats]]) -> pandas.DataFrame:
    """Answers and labels by task as a run keeps them."""
    parts = [
        pandas.DataFrame(
            {
                "id": [f"{task}{at}" for at in range(len(labels))],
                "label": labels,
                "answer": answers,
                "split": split,
                "task": task,
            }
        )
        for task, (answers, labels) in by_task.items()
    ]
    return pandas.concat(parts, ignore_index=True)


def measured(
    suite: Suite, row: Row, by_seed: Mapping[int, Mapping[str, tuple[Floats, Floats]]], reader: Kept, cell: str = ""
) -> Runs:
    """A row whose seeds gave these answers (by seed, then task: answers and labels)."""
    seeds = []
    for seed, by_task in by_seed.items():
        run = f"{suite.slug}/{row.name}#{seed}"
        reader.tables[run] = table(row.split, by_task)
        scores = {TASKS[task].metric_name: score(TASKS[task], *pair) for task, pair in by_task.items()}
        seeds.append(example_seed(seed, run, cell or f"{row.name}-{seed}", scores, tuple(by_task)))
    return Runs(suite, row, seeds, reader)


def example_seed(seed: int, run: str, cell: str, scores: Mapping[str, float], tasks: Sequence[str]) -> Seed:
    return Seed(
        seed=seed,
        run=run,
        cell=cell,
        done=True,
        epoch=3,
        scores=scores,
        train=scores,
        totals={"seconds": 10.0, "training_seconds": 8.0, "items": 800.0, "peak_memory_bytes": 2.0**29},
        about={"threads": "1", "device": "cpu", "torch": "2", "trained": "2026-01-01"},
        data=dict.fromkeys(tasks, "f1"),
    )


def setup(rows: Sequence[Runs]) -> SetUp:
    return SetUp(name="0123456789abcdef", facts=FACTS, rows={each.slug: each for each in rows})


def right(labels: Floats, correct: Floats) -> Floats:
    """Answers that are the labels where ``correct`` is 1, else another class."""
    return np.where(correct == 1, labels, (labels + 1) % 2)
