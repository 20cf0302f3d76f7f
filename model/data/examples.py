"""Labelled text in memory: what every data source gives and everything else reads."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from model.errors import InputError
from model.rng import permutation
from model.task import Task

Split = Literal["train", "dev", "test"]


class DataError(InputError):
    """Data that cannot be used. The message says what, where (file:line) and how to mend it."""


@dataclasses.dataclass(frozen=True)
class Dropped:
    """A row that was left out, and why."""

    where: str  # file:line
    why: str


@dataclasses.dataclass(frozen=True)
class Examples:
    """The rows of one task and split. ``labels`` is int64 (classes) or float64 (scores), -1 where there is none;
    ``texts`` holds one or two sentences a row."""

    task: Task
    split: Split
    ids: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    labels: np.ndarray
    dropped: tuple[Dropped, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def labelled(self) -> bool:
        return len(self) > 0 and bool((self.labels != -1).all())

    def take(self, positions: Iterable[int]) -> Examples:
        """These rows, in this order."""
        at = np.asarray(list(positions), dtype=np.int64)
        return dataclasses.replace(
            self,
            ids=tuple(self.ids[i] for i in at),
            texts=tuple(self.texts[i] for i in at),
            labels=self.labels[at],
        )

    def first(self, rows: int | None) -> Examples:
        """``rows`` of them: a prefix of one fixed permutation, so that 8,000 nest in 9,000. All of them, in file
        order, when ``rows`` is None or no smaller than their number."""
        if rows is None or rows >= len(self):
            return self
        return self.take(permutation(len(self), "subset", self.task.name, self.split)[:rows])

    @property
    def fingerprint(self) -> str:
        """A hash of ids, texts and labels."""
        running = hashlib.sha256()
        for identity, text, label in zip(self.ids, self.texts, self.labels.tolist(), strict=True):
            running.update("\x1f".join((identity, *text, repr(label))).encode() + b"\x1e")
        return running.hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Corpus:
    """All splits of all tasks from one source. ``source`` says where it came from in a few words; ``text`` is
    target-domain text for pre-training, ``reviews`` extra sentiment data, both possibly empty."""

    source: str
    splits: Mapping[tuple[str, Split], Examples]
    text: tuple[str, ...] = ()
    reviews: Examples | None = None
    notes: tuple[str, ...] = ()

    def get(self, task: str, split: Split) -> Examples | None:
        return self.splits.get((task, split))

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(task for task, _ in self.splits))
