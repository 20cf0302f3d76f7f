"""What was measured in one set-up, as reports read it: rows, seeds, and each item's score when asked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import pandas
from numpy.typing import NDArray

from experiments.suite import Formula, Row, Suite
from model.answers import Answers, ByTask, fingerprint
from model.metrics import pearson
from model.task import TASKS, Task, of_metric
from reports.statistics.correlation import pseudo_values
from reports.suite_table.by_seed import COLUMNS

OVERALL = "overall"
GAP = "_gap"
FACTS = ("profile", "data", "data_source", "encoder", "variant")  # of a set-up


class Mismatch(ValueError):
    """Two rows, or two seeds of one, did not score the same items: they cannot be compared."""


class Reader(Protocol):
    """Where the large parts of a run are, read when they are asked for."""

    def answers(self, run: str) -> ByTask:
        """What was answered at the reported epoch, on every split; empty if nothing was kept."""

    def curves(self, run: str, names: Sequence[str]) -> Mapping[str, Mapping[int, float]]:
        """These metrics by epoch; a metric that was never written is left out."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seed:
    """One training as a row reads it. ``scores`` are on the row's split, both they and ``train`` at the reported
    epoch; a Pearson r that does not exist is not there. ``totals`` are seconds, items and bytes."""

    seed: int
    run: str
    cell: str
    done: bool
    content: str = ""  # a digest of all that the training left
    reason: str = ""
    epoch: int = 0
    scores: Mapping[str, float] = dataclasses.field(default_factory=dict)
    train: Mapping[str, float] = dataclasses.field(default_factory=dict)
    totals: Mapping[str, float] = dataclasses.field(default_factory=dict)
    health: Mapping[str, float] = dataclasses.field(default_factory=dict)  # signals after the last epoch
    about: Mapping[str, str] = dataclasses.field(default_factory=dict)  # digest, threads, device, alarm, code ...
    data: Mapping[str, str] = dataclasses.field(default_factory=dict)  # fingerprints by task

    @property
    def collapsed(self) -> list[str]:
        """The tasks with one answer for everything at the reported epoch."""
        return [task for task in self.about.get("alarm", "").rpartition(": ")[2].split(", ") if task in TASKS]


@dataclasses.dataclass(frozen=True)
class Items:
    """Each item's score, [seeds, items]: 1 or 0 for right or wrong, or the jackknife pseudo-value of Pearson's r.
    ``names`` are the items' ids in order."""

    seeds: tuple[int, ...]
    names: tuple[str, ...]
    labels: NDArray[np.float64]
    values: NDArray[np.float64]
    undefined: tuple[int, ...] = ()  # seeds whose answers are constant, so that there is no r


@dataclasses.dataclass
class Runs:
    """One row in one set-up. What its runs answered is read once, when first asked for, and kept as items' scores."""

    suite: Suite
    row: Row
    seeds: Sequence[Seed]
    reader: Reader

    @property
    def slug(self) -> str:
        return f"{self.suite.slug}/{self.row.name}"

    @property
    def done(self) -> list[Seed]:
        return [seed for seed in self.seeds if seed.done]

    def values(self, metric: str) -> dict[int, float]:
        """The metric by seed at the reported epoch; ``<task>_gap`` is its training minus its own split's score."""
        if metric.endswith(GAP):
            name = TASKS[metric.removesuffix(GAP)].metric_name
            both = [(each.seed, each.train.get(name), each.scores.get(name)) for each in self.done]
            by_seed = {seed: train - score for seed, train, score in both if train is not None and score is not None}
        else:
            by_seed = {each.seed: each.scores[metric] for each in self.done if metric in each.scores}
        return {seed: value for seed, value in by_seed.items() if math.isfinite(value)}

    def data(self, task: str) -> set[str]:
        """The task's data that its seeds were trained and scored on, by fingerprint."""
        return {each.data[task] for each in self.done if task in each.data}

    def items(self, task: str) -> Items | None:
        """The task's items on the row's split, None where no seed has kept any. ``Mismatch``."""
        task_items = self._read[0].get(task)
        if isinstance(task_items, Mismatch):
            raise task_items
        return task_items

    def items_or_none(self, task: str) -> Items | None:
        """The same, None for a mismatch too."""
        try:
            return self.items(task)
        except Mismatch:
            return None

    def prints(self) -> Mapping[int, str]:
        """A hash of all answers by seed."""
        return self._read[1]

    def forget(self) -> None:
        """Let go of the items; they are read again when asked for."""
        self.__dict__.pop("_read", None)

    @cached_property
    def _read(self) -> tuple[dict[str, Items | Mismatch], dict[int, str]]:
        answers: dict[str, dict[int, Answers]] = {}
        prints = {}
        for each in self.done:
            every = self.reader.answers(each.run)
            if not every:
                continue
            own = {task: read for (split, task), read in every.items() if split == self.row.split}
            prints[each.seed] = fingerprint(own)
            for task, read in own.items():
                answers.setdefault(task, {})[each.seed] = read
        return {task: items(f"{self.slug}, {task}", TASKS[task], by_seed) for task, by_seed in answers.items()}, prints


def items(where: str, task: Task, by_seed: Mapping[int, Answers]) -> Items | Mismatch:
    """The items' scores; a ``Mismatch`` to raise where seeds did not score the same."""
    first = next(iter(by_seed.values()))
    for seed, answers in by_seed.items():
        if not (np.array_equal(answers.names, first.names) and np.array_equal(answers.labels, first.labels)):
            return Mismatch(f"{where}: seeds {next(iter(by_seed))} and {seed} did not score the same items")
    scored = {seed: per_item(task, answers.answers, answers.labels) for seed, answers in by_seed.items()}
    defined = {seed: answers for seed, answers in scored.items() if answers is not None}
    return Items(
        seeds=tuple(defined),
        names=tuple(first.names.tolist()),
        labels=first.labels,
        values=np.stack(list(defined.values())) if defined else np.empty((0, len(first.names))),
        undefined=tuple(seed for seed in scored if seed not in defined),
    )


def per_item(task: Task, answers: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Each item's score; None for constant answers, which have no Pearson r."""
    if task.metric == "accuracy":
        right: NDArray[np.float64] = (answers == labels).astype(float)
        return right
    if math.isnan(pearson(answers, labels)):
        return None
    try:
        return pseudo_values(answers, labels)
    except ValueError:  # constant but for one item: without it there is no r
        return None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SetUp:
    """Everything of one profile, data, encoder and variant: nothing of two set-ups is ever averaged."""

    name: str  # a short digest
    facts: Mapping[str, str]  # by FACTS
    rows: Mapping[str, Runs]  # by full slug
    notes: Sequence[str] = ()
    duplicates: Mapping[str, int] = dataclasses.field(default_factory=dict)
    left_out: Mapping[str, Mapping[int, str]] = dataclasses.field(default_factory=dict)  # why, by full slug and seed

    @property
    def stale(self) -> frozenset[str]:
        """Full slugs of rows with a training that is not what they declare now."""
        return frozenset(self.left_out)

    @property
    def papers(self) -> set[str]:
        """Those of which a row has been run."""
        return {each.suite.paper for each in self.rows.values()}

    def suite(self, suite: Suite) -> dict[str, Runs]:
        """The suite's rows that have a run, by name."""
        return {each.row.name: each for each in self.rows.values() if each.suite.slug == suite.slug}


def blocks(formula: Formula, metric: str) -> list[tuple[str, float]]:
    """The tasks that a metric is made of, and their weights; none for a metric that has no items of its own."""
    if metric == OVERALL:
        return [("sst", 1 / 3), ("quora", 1 / 3), ("sts", 1 / 3 if formula == "plain" else 1 / 6)]
    task = of_metric(metric)
    return [(task.name, 1.0)] if task else []


def frame(rows: Sequence[Runs]) -> pandas.DataFrame:
    """One record a row, seed, split and metric, with the columns of ``reports.suite_table.by_seed``."""
    records = []
    for each in rows:
        for seed in each.seeds:
            status: Literal["done", "failed"] = "done" if seed.done else "failed"
            common = {
                "suite": each.suite.slug,
                "row": each.row.name,
                "seed": seed.seed,
                "cell": seed.cell,
                "epoch": seed.epoch,
                "status": status,
                "reason": seed.reason,
            }
            figures: list[tuple[str, str, float]] = [
                (each.row.split, name, value) for name, value in seed.scores.items()
            ]
            figures += [("train", name, value) for name, value in seed.train.items()]
            same = {TASKS[task].metric_name for task in seed.collapsed}
            records += [
                common | {"split": split, "metric": name, "value": value, "constant": split != "train" and name in same}
                for split, name, value in figures
            ]
            if not figures:
                records.append(common | {"split": each.row.split, "metric": "", "value": math.nan, "constant": False})
    return pandas.DataFrame(records, columns=[*COLUMNS, "constant"])
