"""What a network answered: the one form in which answers go from a cell's folder, or a tracking store, to a report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Answers(NamedTuple):
    """One training's answers to one task on one split, at one epoch. All three are [items]."""

    names: NDArray[np.str_]  # the items' ids
    answers: NDArray[np.float64]  # the class, or the score
    labels: NDArray[np.float64]


ByTask = Mapping[tuple[str, str], Answers]  # by split and task


def fingerprint(answers: Mapping[str, Answers]) -> str:
    """A short hash of ids and answers by task."""
    running = hashlib.sha256()
    for task in sorted(answers):
        names = "\0".join(answers[task].names.tolist())
        running.update(f"{task}\0{len(answers[task].names)}\0{names}\0".encode(errors="backslashreplace"))
        running.update(np.ascontiguousarray(answers[task].answers, dtype="<f8").tobytes())
    return running.hexdigest()[:12]
