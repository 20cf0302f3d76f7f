"""Homes of many cells, whose answers are links to a few files: what training them would take weeks for."""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from harness.cells.atomic import checksummed
from harness.cells.cell import describe_cell
from harness.registry.selectors import Pair
from model.digest import digest
from tests.harness.homes import METRICS, TAGS, TASKS, declared, moment
from tests.harness.report_homes import drawn

ITEMS = {"sst": 1000, "quora": 2000, "sts": 300}
EPOCHS = 5
POOL = 499  # different files of answers


class Answered(NamedTuple):
    """A file of answers on dev and test, its checksum, and the scores on dev."""

    file: Path
    check: int
    scores: dict[str, float]


def fill(home: Path, pairs: Sequence[Pair], seeds: int) -> None:
    """A results folder with this many seeds of each row, each with its answers."""
    pool = list(answered(home.parent / "pool"))
    rows, number = [], 0
    for suite, row in pairs:
        slug, cells = f"{suite.slug}/{row.name}", {}
        first = declared(slug)
        for seed in range(seeds):
            cell = declared(slug, seed) if seed else first
            cells[cell.id] = seed
            folder = home / "cells" / cell.id
            if not folder.exists():
                folder.mkdir(parents=True)
                leave(folder, describe_cell(cell), pool[number % POOL])
                number += 1
        rows.append({"suite": suite.slug, "row": row.name, "name": row.name, "cells": cells})
    tags = TAGS | {"data_notes": json.dumps({"notes": [], "duplicates": {}})}
    (home / "readers").mkdir()
    entry = {"tags": tags, "rows": rows}
    (home / "readers" / f"{digest(entry)}.json").write_text(checksummed(entry))


def leave(folder: Path, about: dict[str, Any], answers: Answered) -> None:
    """What a finished training leaves."""
    machine = {"threads": 1, "device": "cpu", "torch": "2", "code": {"version": "0"}, "started": moment(0)}
    texts = {
        "cell.json": checksummed(about | machine),
        "journal.jsonl": "".join(checksummed(epoch(number, answers.scores)) + "\n" for number in range(1, EPOCHS + 1)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    os.link(answers.file, folder / "predictions.npz")
    checks = {name: zlib.crc32(text.encode()) for name, text in texts.items()} | {"predictions.npz": answers.check}
    spent = {"seconds": 60.0, "training_seconds": 50.0, "items": 960, "peak_memory_bytes": 10**9}
    outcome = {"status": "done", "epochs": EPOCHS, "checks": checks, "ended": moment(1), "training": 1}
    (folder / "outcome.json").write_text(checksummed(outcome | spent | {"warnings": [], "fresh": []}))


def epoch(number: int, scores: dict[str, float]) -> dict[str, Any]:
    """A journal's line: the last one has the scores of the answers that are kept."""
    last = scores if number == EPOCHS else {name: score / 2 for name, score in scores.items()}
    signals = {f"{kind}/{task}": 0.1 for kind in ("loss", "collapsed", "gap", "cosine") for task in TASKS}
    return {
        "epoch": number,
        "scores": {"train": last, "dev": last, "test": last},
        "signals": signals | {"collapsed/sst": 0.0, "conflict": 0.25},
        "training_seconds": 10.0,
        "items": 192,
    }


def answered(folder: Path) -> Iterator[Answered]:
    """Files of answers on dev and test at the last epoch."""
    folder.mkdir()
    gold = {
        (split, task): drawn(split, task).integers(5 if task == "sst" else 2, size=size).astype(float)
        for split in ("dev", "test")
        for task, size in ITEMS.items()
    }
    for at in range(POOL):
        random, arrays, scores = drawn("pool", at), {}, {}
        for (split, task), label in gold.items():
            wrong = random.uniform(size=len(label)) < 0.4
            predictions = np.where(wrong, random.integers(2, size=len(label)), label).astype(float)
            predictions = predictions + random.normal(size=len(label)) if task == "sts" else predictions
            arrays[f"{split}/{task}/ids"] = np.array([f"{split}-{task}-{item:012x}" for item in range(len(label))])
            arrays[f"{split}/{task}/labels"] = label
            arrays |= {f"{split}/{task}/{EPOCHS}": predictions}
            if split == "dev":
                metric = np.corrcoef(label, predictions)[0, 1] if task == "sts" else np.mean(label == predictions)
                scores[METRICS[task]] = float(metric)
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
        path = folder / f"{at}.npz"
        path.write_bytes(stream.getvalue())
        yield Answered(path, zlib.crc32(stream.getvalue()), scores)
