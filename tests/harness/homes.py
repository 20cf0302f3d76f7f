"""Homes made by hand, as trainings leave them, and all that a tracking store holds, to be compared."""

from __future__ import annotations

import io
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
import pandas as pd
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from experiments.suite import Row, Suite
from harness.cells.atomic import checksummed
from harness.cells.cell import Cell, describe_cell
from harness.cells.record import Record, file_checksums, write_failure
from harness.cells.row_result import row_result
from harness.planning.content import encoder_identity
from harness.planning.manifest import setup_manifests
from harness.planning.matching import parse_setup
from harness.planning.plan import scale_recipe
from harness.registry.selectors import all_rows, find
from harness.tracking.database import PROXIED, make_database
from harness.tracking.deliverables import collect_deliverables
from model.digest import digest
from model.errors import InputError

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

TASKS = ("sst", "quora", "sts")
METRICS = {"sst": "sst_accuracy", "quora": "quora_accuracy", "sts": "sts_pearson"}
TAGS = {"setup": "s1", "profile": "demo", "data": "d1", "data_source": "embedded", "encoder": "tiny", "variant": ""}
PRINTS = {task: f"print-{task}" for task in TASKS}  # fingerprints
IDS = 5


@cache
def empty() -> bytes:
    """An empty database of MLflow's, which takes seconds to make; here, beside what was left of one half made."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mlflow.db.part").write_bytes(b"half made")
        make_database(Path(folder) / "mlflow.db")
        return (Path(folder) / "mlflow.db").read_bytes()


def declared(row: str, seed: int = 0, prints: Mapping[str, str] = PRINTS, **tags: str) -> Cell:
    """The cell that a row (its full slug) has in the set-up of these tags."""
    suite, declared_row = find(row)
    setup = parse_setup(TAGS | tags)
    assert setup is not None
    recipe = scale_recipe(suite, declared_row, setup)
    try:
        encoder = encoder_identity(recipe.encoder, {"text": "text"})
    except InputError:  # it is not in this machine's cache
        encoder = f"content of {recipe.encoder.slug}"
    return Cell(
        recipe=recipe,
        seed=seed,
        source="embedded",
        data=prints,
        encoder=encoder,
        scored=setup.profile.dev,
        training_sample=setup.profile.training_sample,
    )


def cell(
    home: Path, row: str, *, seed: int = 0, ended: int = 1, epochs: int = 3, training: int = 1, **tags: str
) -> Path:
    """A finished cell for a row (its full slug): figures that depend on seed and ``ended``, the minute it ended in.
    One correlation is undefined."""
    of = declared(row, seed, **tags)
    folder = home / "cells" / of.id
    folder.mkdir(parents=True, exist_ok=True)
    drawn = np.random.default_rng([seed, ended])
    journal = [checksummed(epoch(number, drawn)) for number in range(1, epochs + 1)]
    (folder / "journal.jsonl").write_text("".join(f"{line}\n" for line in journal))
    machine = {"threads": 1, "device": "cpu", "code": {"version": "0", "revision": "abc"}}
    about = describe_cell(of) | machine | {"started": moment(ended - 1)}
    (folder / "cell.json").write_text(checksummed(about))
    (folder / "predictions.npz").write_bytes(predictions(epochs, drawn))
    spent = {"seconds": 60.25, "training_seconds": 50.5, "items": 960, "peak_memory_bytes": 10**9}
    outcome = {"status": "done", "epochs": epochs, "checks": file_checksums(folder), "ended": moment(ended)}
    (folder / "outcome.json").write_text(checksummed(outcome | spent | {"training": training}))
    return folder


def failed(home: Path, row: str, *, seed: int = 0, ended: int = 1) -> Path:
    """A cell whose training failed before it began."""
    of = declared(row, seed)
    write_failure(home, of, "the loss of sst is nan", "")
    folder = home / "cells" / of.id
    outcome = {"status": "failed", "reason": "the loss of sst is nan", "ended": moment(ended), "training": 1}
    (folder / "outcome.json").write_text(checksummed(outcome))
    return folder


def moment(minute: int) -> str:
    return f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00.000+00:00"


def epoch(number: int, drawn: np.random.Generator) -> dict[str, Any]:
    scores = {split: {name: drawn.uniform() for name in METRICS.values()} for split in ("train", "dev", "test")}
    if number == 1:
        scores["dev"]["sts_pearson"] = math.nan
    signals = {"loss/sst": drawn.uniform(), "collapsed/sst": float(number == 1)}
    return {"epoch": number, "scores": scores, "signals": signals, "training_seconds": 16.5, "items": 320}


def predictions(epochs: int, drawn: np.random.Generator) -> bytes:
    arrays: dict[str, Any] = {}
    for split in ("dev", "test"):
        for task in TASKS:
            arrays[f"{split}/{task}/ids"] = np.array([f"{task}{at}" for at in range(IDS)], dtype=np.str_)
            arrays[f"{split}/{task}/labels"] = drawn.integers(2, size=IDS)
            arrays |= {f"{split}/{task}/{number}": drawn.uniform(size=IDS) for number in range(1, epochs + 1)}
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def reads(home: Path, row: str, *seeds: int, **tags: str) -> Path:
    """Note that a row (its full slug), which may not be in the registry, was planned with these seeds."""
    suite, _, name = row.rpartition("/")
    registered = any(row == f"{each.slug}/{of.name}" for each, of in all_rows())
    cells = {declared(row, seed, **tags).id if registered else f"{seed:024d}": seed for seed in seeds}
    rows = [{"suite": suite, "row": name, "name": name + tags.get("variant", ""), "cells": cells}]
    path = home / "readers" / f"{digest([row, cells, tags])}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(checksummed({"tags": TAGS | tags, "rows": rows}))
    return path


def planned(home: Path) -> dict[str, list[str]]:
    """The rows that were planned to read each cell, with their variants, by cell."""
    result: dict[str, list[str]] = {}
    for manifest in setup_manifests(home):
        for (suite, row), cells in manifest.rows.items():
            for cell in cells:
                result.setdefault(cell, []).append(f"{suite}/{row}{manifest.tags['variant']}")
    return {cell: sorted(rows) for cell, rows in result.items()}


def stored_runs(uri: str, ids: bool = False) -> dict[tuple[str, ...], Any]:
    """All that a store shows, by suite, row, set-up and seed: what is the same however often it is made again. With
    ``ids``, what changes then too. A run that is there twice, or half written, fails."""
    client = MlflowClient(uri)
    shown: dict[tuple[str, ...], Any] = {}
    for experiment in client.search_experiments():
        runs = {run.info.run_id: run for run in client.search_runs([experiment.experiment_id])}
        for run in runs.values():
            if run.data.tags.get("superseded") != "true":
                key = (experiment.name, *(run.data.tags.get(name, "") for name in ("row", "setup", "seed")))
                assert key not in shown, key
                assert run.info.status != "RUNNING", key
                shown[key] = all_of(client, run, runs) | ({"id": run.info.run_id} if ids else {})
    return shown


def all_of(client: MlflowClient, run: Run, runs: Mapping[str, Run]) -> dict[str, Any]:
    """Of one run. Its parent is named by its row, numbers that may be NaN are in words."""
    tags = dict(run.data.tags)
    parent = tags.pop("mlflow.parentRunId", None)
    tags.pop("home", None)  # a random name
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "tags": tags,
        "parent": parent and runs[parent].data.tags["row"],
        "times": parent and (run.info.start_time, run.info.end_time),
        "params": run.data.params,
        "metrics": {name: history(client, run.info.run_id, name) for name in run.data.metrics},
        "data": sorted((each.dataset.name, each.dataset.digest) for each in run.inputs.dataset_inputs),
        "answers": answers(client, run.info.run_id),
    }


def history(client: MlflowClient, run: str, name: str) -> list[tuple[int, str]]:
    return [(point.step, repr(point.value)) for point in client.get_metric_history(run, name)]


def answers(client: MlflowClient, run: str) -> str | None:
    """The stored predictions in words."""
    place = urlparse(client.get_run(run).info.artifact_uri)
    if place.scheme == PROXIED and client.tracking_uri.startswith("sqlite"):  # below the database's folder
        database = Path(client.tracking_uri.removeprefix("sqlite:///"))
        file = database.parent.joinpath("artifacts", place.path.strip("/"), "predictions.parquet")
        return str(pd.read_parquet(file).to_csv()) if file.exists() else None
    if "predictions.parquet" not in {file.path for file in client.list_artifacts(run)}:
        return None
    return str(pd.read_parquet(client.download_artifacts(run, "predictions.parquet")).to_csv())


def seeds(shown: Mapping[tuple[str, ...], Any]) -> Sequence[tuple[str, ...]]:
    """The runs that are a seed's."""
    return [key for key in shown if key[-1]]


def missing(home: Path, uri: str) -> list[str]:
    """What the journals of a results folder hold and a store does not, or not so; and what it holds that no journal
    does."""
    shown, wanted = stored_runs(uri), dict[tuple[str, ...], Any]()
    for entry in collect_deliverables(home, print).entries:
        wanted[entry.suite.slug, entry.name, entry.tags["setup"], str(entry.seed)] = entry.record
    faults = [f"{key} is extra" for key in seeds(shown) if key not in wanted]
    for key, record in wanted.items():
        if key not in shown:
            faults.append(f"{key} is missing")
            continue
        run = shown[key]
        if run["params"] != {name: str(value) for name, value in record.metadata.get("settings", {}).items()}:
            faults.append(f"{key}: params differ")
        if (run["tags"]["cell"], run["tags"]["trained"]) != (record.id, record.trained):
            faults.append(f"{key}: it is another training")
        if record.done:
            faults += [
                f"{key}: {text}" for text in differences(run, record, find(f"{key[0]}/{key[1].partition('[')[0]}"))
            ]
    return faults


def differences(run: Mapping[str, Any], record: Record, row: tuple[Suite, Row]) -> Iterator[str]:
    """Metrics and predictions of a run that are not those of its cell."""
    journalled: dict[str, list[tuple[int, str]]] = {}
    for entry in record.epochs:
        for split, scores in entry["scores"].items():
            for name, value in scores.items():
                journalled.setdefault(f"{split}/{name}", []).append((entry["epoch"], repr(value)))
        for name, value in entry["signals"].items():
            journalled.setdefault(f"health/{name}", []).append((entry["epoch"], repr(float(value))))
    result = row_result(*row, record)
    journalled["reported/epoch"] = [(0, repr(float(result.epoch)))]
    journalled |= {f"reported/{name}": [(result.epoch, repr(score))] for name, score in result.scores.items()}
    journalled |= {f"reported_train/{name}": [(result.epoch, repr(score))] for name, score in result.train.items()}
    journalled |= {name: [(0, repr(float(record.outcome[name])))] for name in ("seconds", "items")}
    for name, points in journalled.items():
        if run["metrics"].get(name) != points:
            yield f"{name} is {run['metrics'].get(name)}, not {points}"
    for answer in record.answers(result.epoch)["dev", "sst"].answers:
        if str(float(answer)) not in run["answers"]:
            yield f"the answer {answer} is missing"
