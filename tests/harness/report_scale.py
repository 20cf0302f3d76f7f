"""Tracking stores of many runs, written into the database at once: what delivery would take hours for."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.tracking import MlflowClient

from experiments.variant import Row, Suite, overall
from harness.catalogue import Pair
from model.technique import flatten
from tests.harness.homes import METRICS, TAGS, TASKS, empty
from tests.harness.report_homes import drawn

ITEMS = {"sst": 1000, "quora": 2000, "sts": 300}
EPOCHS = 5
POOL = 499  # different files of answers

Values = tuple[Any, ...]
INSERTS = {
    "runs": "INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage, "
    "artifact_uri, experiment_id) VALUES (?, ?, 'UNKNOWN', 'unknown', 'FINISHED', ?, ?, 'active', ?, ?)",
    "tags": "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)",
    "params": "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
    "metrics": "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, 0, ?, ?, 0)",
    "latest": "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, 0, ?, ?, 0)",
    "inputs": "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id) "
    "VALUES (?, 'DATASET', ?, 'RUN', ?)",
}


def fill(home: Path, pairs: Sequence[Pair], seeds: int) -> None:
    """A home whose store has this many seeds of each row, each with its answers."""
    (home / "cells").mkdir(parents=True)
    (home / "mlflow.db").write_bytes(empty())
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    slugs = dict.fromkeys(suite.slug for suite, _ in pairs)
    experiments = {
        slug: client.create_experiment(slug, artifact_location=(home / "artifacts" / slug).as_uri()) for slug in slugs
    }
    pool = list(answer_files(home / "pool"))
    with closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        for slug, experiment in experiments.items():
            database.executemany(
                "INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source) "
                "VALUES (?, ?, ?, 'abcdef', 'local', 'embedded')",
                [(f"{slug}#{task}", experiment, task) for task in TASKS],
            )
        number = 0
        for suite, row in pairs:
            for seed in range(seeds):
                file, scores = pool[number % POOL]
                run = f"{number:032x}"
                place = home / "artifacts" / suite.slug / run / "artifacts"
                place.mkdir(parents=True)
                os.link(file, place / "predictions.parquet")
                held = run_of(suite, row, seed, run, scores)
                times = (1000 * number, 1000 * number + 60, place.as_uri(), experiments[suite.slug])
                database.execute(INSERTS["runs"], (run, f"{row.name} seed {seed}", *times))
                for table, values in held.items():
                    database.executemany(INSERTS[table], values)
                number += 1


def answer_files(folder: Path) -> Iterator[tuple[Path, dict[str, float]]]:
    """Files of answers on dev and test, and the scores on dev."""
    folder.mkdir()
    gold = {
        (split, task): drawn(split, task).integers(5 if task == "sst" else 2, size=size).astype(float)
        for split in ("dev", "test")
        for task, size in ITEMS.items()
    }
    for at in range(POOL):
        random, tables, scores = drawn("pool", at), [], {}
        for (split, task), label in gold.items():
            wrong = random.uniform(size=len(label)) < 0.4
            given = np.where(wrong, random.integers(2, size=len(label)), label).astype(float)
            given = given + random.normal(size=len(label)) if task == "sts" else given
            ids = [f"{split}-{task}-{item:012x}" for item in range(len(label))]
            tables.append(pd.DataFrame({"id": ids, "label": label, "answer": given, "split": split, "task": task}))
            if split == "dev":
                known = np.corrcoef(label, given)[0, 1] if task == "sts" else np.mean(label == given)
                scores[METRICS[task]] = float(known)
        pd.concat(tables).to_parquet(folder / f"{at}.parquet")
        yield folder / f"{at}.parquet", scores


def run_of(suite: Suite, row: Row, seed: int, run: str, scores: dict[str, float]) -> dict[str, list[Values]]:
    """What delivery writes of a run: about 20 tags, 45 parameters and 35 metrics of five epochs."""
    total = overall(suite.formula, scores)
    told = scores | ({} if total is None else {"overall": total})
    by_epoch = {f"{split}/{name}": value for split in ("train", "dev", "test") for name, value in told.items()}
    by_epoch |= {f"health/{kind}/{task}": 0.1 for kind in ("loss", "collapsed", "gap", "cosine") for task in TASKS}
    by_epoch |= {"health/conflict": 0.25, "health/items_per_second": 1000.0}
    last = {f"{prefix}/{name}": value for prefix in ("reported", "reported_train") for name, value in told.items()}
    last |= {"reported/epoch": float(EPOCHS), "seconds": 60.0, "training_seconds": 50.0, "items": 960.0}
    last |= {"peak_memory_bytes": 1e9}
    tags = TAGS | {"kind": "seed", "row": row.name, "seed": str(seed), "cell": f"cell{run}", "digest": f"key{run}"}
    tags |= {"suite": suite.slug, "paper": suite.paper, "split": row.split, "trained": f"2026 {run}", "threads": "1"}
    tags |= {"device": "cpu", "torch": "2", "warnings": "[]", "fresh": "[]", "revision": "abc", "version": "0"}
    tags |= {"data_notes": json.dumps({"notes": [], "duplicates": {}})}
    points = [(name, value, run, epoch) for name, value in by_epoch.items() for epoch in range(1, EPOCHS + 1)]
    points += [(name, value, run, 0) for name, value in last.items()]
    return {
        "tags": [(name, value, run) for name, value in tags.items()],
        "params": [(name, str(value), run) for name, value in flatten(suite.recipe(row)).items()],
        "metrics": points,
        "latest": [(name, value, run, EPOCHS) for name, value in by_epoch.items()] + points[-len(last) :],
        "inputs": [(f"{run}{task}", f"{suite.slug}#{task}", run) for task in TASKS],
    }
