"""The tracking store: the only module that knows MLflow. One experiment a suite, a parent run a row, a child a seed."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.variant import Suite
from harness.reading import COLUMNS, Entry, alarm, began, flat_scores, reported
from harness.secrets import hidden

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

IMPATIENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
}  # training waits for no server
PER_CALL = {"metrics": 1000, "params": 100, "tags": 100}  # what one log_batch may carry


class Store:
    """MLflow's tracking store at a URI: by default that of ``MLFLOW_TRACKING_URI``, else SQLite in the home. One
    process writes at a time. Its errors are MLflow's, whichever these are."""

    def __init__(self, home: Path, uri: str | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        given = uri or os.environ.get("MLFLOW_TRACKING_URI")
        self.home, self.uri = home, given or f"sqlite:///{(home / 'mlflow.db').resolve()}"
        self._runs: dict[str, dict[tuple[str, str], Run]] = {}

    @cached_property
    def client(self) -> MlflowClient:
        import logging

        from mlflow.tracking import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        for name, value in IMPATIENT.items():
            os.environ.setdefault(name, value)
        return MlflowClient(self.uri)

    @property
    def file(self) -> Path | None:
        """The database's file, if it is one."""
        return Path(self.uri.removeprefix("sqlite:///")) if self.uri.startswith("sqlite:///") else None

    @property
    def shown(self) -> str:
        """The address without its secrets."""
        return hidden(self.uri)

    def damage(self) -> str:
        """What is wrong with the database's file, if anything."""
        if self.file is None or not self.file.exists():
            return ""
        try:
            with closing(sqlite3.connect(self.file)) as database:
                (told,) = database.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            return "" if "locked" in str(error) else str(error)
        return "" if told == "ok" else str(told)

    def forget(self) -> None:
        """Know nothing of what the store holds; it is asked again."""
        self._runs.clear()

    def browse(self) -> str:
        """The command that opens MLflow's pages on this store, on this machine alone."""
        if not self.uri.startswith("sqlite"):
            return self.shown
        beside = Path(sys.executable).with_name("harness")  # in a virtual environment that may not be active
        command = os.path.relpath(beside) if beside.exists() else "harness"
        return f"{min(command, str(beside), key=len)} ui --home {self.home}"

    def experiment(self, suite: Suite) -> str:
        """The experiment's id, made when first needed."""
        found = self.client.get_experiment_by_name(suite.slug)
        if found is not None:
            return str(found.experiment_id)
        location = (self.file.parent / "artifacts" / suite.slug).resolve().as_uri() if self.file else None
        tags = {
            "paper": suite.paper,
            "source": suite.source,
            "formula": suite.formula,
            "mlflow.note.content": f"{suite.title}\n\n" + "\n\n".join(suite.notes),
        }
        return str(self.client.create_experiment(suite.slug, artifact_location=location, tags=tags))

    def keep(self, entry: Entry) -> bool:
        """Have one child run; False if it was there. A later training of a row's seed supersedes an earlier one; a run
        that was left half written is replaced."""
        experiment = self.experiment(entry.suite)
        known = self._known(experiment)
        here = (f"{entry.name}#{entry.seed}", entry.tags["setup"])
        before = known.get(here)
        if before is not None and before.info.status != "RUNNING":
            if before.data.tags.get("trained", "") >= entry.record.trained:
                return False
            self.client.set_tag(before.info.run_id, "superseded", "true")
        elif before is not None:
            self.client.delete_run(before.info.run_id)
        parent = self._parent(experiment, known, entry)
        run = self.client.create_run(
            experiment,
            run_name=f"{entry.name} seed {entry.seed}",
            start_time=began(entry.record),
            tags=self._tags(entry, parent.info.run_id),
        )
        self._fill(run.info.run_id, entry)
        spent = round(1000 * entry.record.outcome.get("seconds", 0.0))
        status = "FINISHED" if entry.record.done else "FAILED"
        self.client.set_terminated(run.info.run_id, status, end_time=run.info.start_time + spent)
        known[here] = self.client.get_run(run.info.run_id)
        return True

    def _known(self, experiment: str) -> dict[tuple[str, str], Run]:
        if experiment not in self._runs:
            found: dict[tuple[str, str], Run] = {}
            for run in self._search(experiment, ""):
                tags = run.data.tags
                if "row" in tags and tags.get("superseded") != "true":
                    seed = f"#{tags['seed']}" if tags["kind"] == "seed" else ""
                    found[tags["row"] + seed, tags["setup"]] = run
            self._runs[experiment] = found
        return self._runs[experiment]

    def _search(self, experiment: str, query: str) -> Iterator[Run]:
        token = None
        while True:
            page = self.client.search_runs([experiment], query, max_results=5000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _parent(self, experiment: str, known: dict[tuple[str, str], Run], entry: Entry) -> Run:
        here = (entry.name, entry.tags["setup"])
        if here in known and known[here].info.status == "RUNNING":
            self.client.delete_run(known.pop(here).info.run_id)
        if here not in known:
            tags = {"kind": "row", "row": entry.name, "suite": entry.suite.slug, "paper": entry.suite.paper}
            note = {"mlflow.note.content": "\n\n".join((entry.row.title, *entry.row.notes))}
            run = self.client.create_run(experiment, run_name=entry.name, tags=tags | dict(entry.tags) | note)
            printed = {f"printed/{name}": value for name, value in entry.row.printed.items()}
            self._batch(run.info.run_id, metrics=[(name, value, 0) for name, value in printed.items()])
            self.client.set_terminated(run.info.run_id)
            known[here] = self.client.get_run(run.info.run_id)
        return known[here]

    def _tags(self, entry: Entry, parent: str) -> dict[str, str]:
        about = entry.record.about
        return (
            dict(entry.tags)
            | {
                "kind": "seed",
                "mlflow.parentRunId": parent,
                "paper": entry.suite.paper,
                "suite": entry.suite.slug,
                "row": entry.name,
                "seed": str(entry.seed),
                "cell": entry.record.id,
                "digest": about.get("key", ""),
                "split": entry.row.split,
                "trained": entry.record.trained,
                "alarm": alarm(entry),
                "reason": str(entry.record.outcome.get("reason", "")),
                "threads": str(about.get("threads", "")),
                "device": str(about.get("device", "")),
            }
            | {name: str(value) for name, value in about.get("code", {}).items()}
        )

    def _fill(self, run: str, entry: Entry) -> None:
        record = entry.record
        params = {name: str(value) for name, value in record.about.get("settings", {}).items()}
        metrics: list[tuple[str, float, int]] = []
        if record.done:
            told = reported(entry.suite, entry.row, record)
            for epoch in record.epochs:
                metrics += [(name, value, epoch["epoch"]) for name, value in flat_scores(entry.suite, epoch)]
            metrics += [
                (f"reported/{name}", value, told.epoch) for name, value in told.scores.items() if value is not None
            ]
            metrics += [
                (f"reported_train/{name}", value, told.epoch) for name, value in told.train.items() if value is not None
            ]
            metrics += [("reported/epoch", told.epoch, 0)]
            metrics += [
                (name, record.outcome[name], 0)
                for name in ("seconds", "training_seconds", "items", "peak_memory_bytes")
            ]
        self._batch(run, metrics=metrics, params=params)
        self._inputs(run, entry)
        if record.done:
            self._predictions(run, entry, told.epoch)

    def _batch(
        self, run: str, *, metrics: Sequence[tuple[str, float, int]] = (), params: Mapping[str, str] | None = None
    ) -> None:
        from mlflow.entities import Metric, Param

        points = [Metric(name, float(value), 0, step) for name, value, step in metrics]
        settings = [Param(name, value) for name, value in (params or {}).items()]
        for at in range(0, len(points), PER_CALL["metrics"]):
            self.client.log_batch(run, metrics=points[at : at + PER_CALL["metrics"]])
        for at in range(0, len(settings), PER_CALL["params"]):
            self.client.log_batch(run, params=settings[at : at + PER_CALL["params"]])

    def _inputs(self, run: str, entry: Entry) -> None:
        from mlflow.entities import Dataset, DatasetInput

        source = str(entry.record.about.get("source", ""))
        self.client.log_inputs(
            run,
            [
                DatasetInput(Dataset(name=task, digest=digest[:36], source_type="local", source=source))
                for task, digest in entry.record.about.get("data", {}).items()
            ],
        )

    def _predictions(self, run: str, entry: Entry, epoch: int) -> None:
        import pandas as pd

        told = []
        for task in entry.record.about["data"]:
            for split in ("dev", "test"):
                found = entry.record.predictions(split, task, epoch)
                if found is not None:
                    told.append(pd.DataFrame(found | {"split": split, "task": task}))
        if told:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "predictions.parquet"
                pd.concat(told).astype({"label": float, "answer": float}).to_parquet(path)
                self.client.log_artifact(run, str(path))

    def frame(self, suites: Sequence[Suite], setup: str) -> pd.DataFrame:
        """Reported results of a set-up, tidy: suite, row, seed, cell, split, metric, value, epoch, status, reason."""
        import pandas as pd

        told = []
        for suite in suites:
            for run in self._search(self.experiment(suite), f"tags.setup = '{setup}' and tags.kind = 'seed'"):
                if run.data.tags.get("superseded") != "true":
                    told += rows_of(run)
        return pd.DataFrame(told, columns=list(COLUMNS))


def rows_of(run: Run) -> list[dict[str, Any]]:
    """One tidy row a reported metric; a failed run gives one row without a metric."""
    tags, metrics = run.data.tags, run.data.metrics
    common = {
        "suite": tags["suite"],
        "row": tags["row"],
        "seed": int(tags["seed"]),
        "cell": tags["cell"],
        "epoch": metrics.get("reported/epoch"),
        "status": "done" if run.info.status == "FINISHED" else "failed",
        "reason": tags.get("reason", ""),
    }
    told = []
    for prefix, split in (("reported/", tags["split"]), ("reported_train/", "train")):
        told += [
            common | {"split": split, "metric": name.removeprefix(prefix), "value": value}
            for name, value in metrics.items()
            if name.startswith(prefix) and name != "reported/epoch"
        ]
    return told or [common | {"split": tags["split"], "metric": "", "value": float("nan")}]
