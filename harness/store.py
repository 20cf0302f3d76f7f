"""The tracking store; with ``harness.stored``, which reads it, and ``harness.views``, all that knows MLflow. One
experiment a suite, a parent run a row, a child a seed; one a study, a parent an arm, a child a trial."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.variant import Suite
from harness import views
from harness.durable import aside
from harness.holding import Holding, Point, answers, holding, levels
from harness.reading import Entry
from harness.secrets import hidden
from harness.shown import PARENT, Held, Place, Shown, seen
from model.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.tracking import MlflowClient

CALM = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # training waits for no server
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines a run
}
ELSEWHERE = ("databricks", "uc:", "arn:")  # addresses without //
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
PER_CALL = {"metrics": 1000, "params": 100}  # what one log_batch may carry
PAGE = 500  # runs a search gives at a time: within the timeout, at some milliseconds each


class Store:
    """MLflow's tracking store at a URI: by default that of ``MLFLOW_TRACKING_URI``, else SQLite in the home. One
    process of a home writes at a time; other homes may write to the same store. ``InputError`` for what is no URI; else
    its errors are MLflow's, whichever these are."""

    def __init__(self, home: Path, uri: str | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        given = uri or os.environ.get("MLFLOW_TRACKING_URI")
        if given and "://" not in given and not given.startswith(ELSEWHERE):  # it is not shown: it may hold a password
            whose = "--to" if uri else "MLFLOW_TRACKING_URI"
            raise InputError(f"{whose} is no address of a tracking store; give http://HOST:PORT or sqlite:///FILE")
        if not given and set("%?") & set(str(home.resolve())):
            raise InputError(f"a database's address cannot hold % or ? as in {home}; choose another --home")
        self.home, self.uri = home, given or f"sqlite:///{(home / 'mlflow.db').resolve()}"
        self._experiments: dict[str, str] = {}
        self._shown: dict[str, Shown] = {}
        self._looks: dict[str, tuple[Suite, str, str | None]] = {}  # the view that each experiment has

    @cached_property
    def client(self) -> MlflowClient:
        import logging

        from mlflow.store.db import utils
        from mlflow.tracking import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what fails is raised, too
        for name, value in CALM.items():
            os.environ.setdefault(name, value)
        utils.MAX_RETRY_COUNT = 1  # of a database that cannot be opened; MLflow's ten take 100 seconds
        if self.file is not None and not self.file.exists():
            make(self.file)
        return MlflowClient(self.uri)

    @property
    def file(self) -> Path | None:
        """The database's file, if it is one."""
        before, scheme, path = self.uri.partition("sqlite:///")
        return Path(path.partition("?")[0]) if scheme and not before else None

    @property
    def own(self) -> Path | None:
        """The home's database, if that is the store: it holds nothing that could not be made again."""
        here = (self.home / "mlflow.db").resolve()
        return here if self.file is not None and self.file.resolve() == here else None

    @property
    def shown(self) -> str:
        """The address without its secrets."""
        return hidden(self.uri)

    def damage(self) -> str:
        """What is wrong with the home's database, if anything."""
        if self.own is None or not self.own.exists():
            return ""
        if not self.own.stat().st_size:
            return "it is empty"
        try:
            with closing(sqlite3.connect(self.own)) as database:
                database.text_factory = bytes  # it may quote what is no text
                (told,) = database.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:  # it may be locked, too
            return str(error) if error.sqlite_errorcode & 0xFF in DAMAGE else ""
        except UnicodeDecodeError:
            return "its structure is no text"
        return "" if told == b"ok" else told.decode(errors="backslashreplace")

    def forget(self) -> None:
        """Know nothing of what the store holds; it is asked again."""
        for known in (self._experiments, self._shown, self._looks):
            known.clear()

    def browse(self) -> str:
        """The command that opens MLflow's pages on this store, on this machine alone."""
        if not self.uri.startswith("sqlite"):
            return self.shown
        beside = Path(sys.executable).with_name("harness")  # in a virtual environment that may not be active
        command = os.path.relpath(beside) if beside.exists() else "harness"
        return f"{min(command, str(beside), key=len)} ui --home {self.home}"

    def keep(self, entry: Entry) -> bool:
        """Have one child run; False if it was there. A later training of a row's seed supersedes an earlier one, never
        the other way round; a run that was left half written is replaced. ``Unreadable`` if the cell is."""
        experiment = self._experiment(entry.suite, entry.part.partition(" ")[0])
        shown, here = self._runs(experiment), Place(entry.name, entry.part, entry.tags["setup"])
        runs, trained = shown.runs.get(here, []), entry.record.trained
        latest = there = max((run for run in runs if run.whole), default=None)
        if latest is None or latest.trained < trained:
            held = holding(entry)
            given = answers(entry.record, held.answered)
            latest = self._write(experiment, self._parent(experiment, shown, entry), entry, held, given)
        # half a run of a later training stays: its home may just be writing it, and makes it good if it must
        shown.leave(here, [latest, *(run for run in runs if not run.whole and run.trained > trained)])
        return latest is not there

    def settle(self) -> None:
        """After writing: in a store that other homes may have written to at the same time, agree with them. In the
        home's own, have SQLite count what its tables hold, so that it looks up a history by its run: else it reads
        every run's. Then have the pages' views name what is there. No loss where it cannot be done now."""
        if self.own is None:
            self._shown.clear()
        elif self.own.exists():
            with suppress(sqlite3.Error), closing(sqlite3.connect(self.own, timeout=1.0)) as database:
                database.execute("PRAGMA analysis_limit=400")
                database.execute("ANALYZE metrics")
        else:
            return
        with suppress(Exception):  # MLflow's, whichever
            for experiment, (suite, kind, before) in self._looks.items():
                lines = {run.line for runs in self._runs(experiment).runs.values() for run in runs}
                if (view := views.view(suite, kind, lines, before)) != before:
                    self.client.set_experiment_tag(experiment, views.VIEW, view)

    def _experiment(self, suite: Suite, kind: str) -> str:
        """The experiment's id; it is made when first needed."""
        if suite.slug not in self._experiments:
            found = self.client.get_experiment_by_name(suite.slug)
            if found is not None and found.lifecycle_stage == "deleted":
                self.client.restore_experiment(found.experiment_id)
            tags = found.tags if found else views.of_suite(suite, kind)
            made = str(found.experiment_id) if found else self._made(suite, tags)
            self._experiments[suite.slug] = made
            self._looks[made] = suite, kind, tags.get(views.VIEW)
        return self._experiments[suite.slug]

    def _made(self, suite: Suite, tags: Mapping[str, str]) -> str:
        location = (self.file.parent / "artifacts" / suite.slug).resolve().as_uri() if self.file else None
        try:
            return str(self.client.create_experiment(suite.slug, artifact_location=location, tags=dict(tags)))
        except Exception:
            found = self.client.get_experiment_by_name(suite.slug)  # by another home, in the meantime
            if found is None:
                raise
            return str(found.experiment_id)

    def _runs(self, experiment: str) -> Shown:
        if experiment not in self._shown:
            self._shown[experiment] = Shown(self.client, experiment, PAGE)
        return self._shown[experiment]

    def _parent(self, experiment: str, shown: Shown, entry: Entry) -> str:
        """The row's run. One that is half written, or just being written from another home, is completed: what is
        written to it twice is there once."""
        here = Place(entry.name, "", entry.tags["setup"])
        if here not in shown.runs and self.own is None:
            shown.look(f"tags.kind = 'row' AND tags.setup = '{here.setup}'")
        if here not in shown.runs:
            tags = {"kind": "row", "row": entry.name, "suite": entry.suite.slug, "paper": entry.suite.paper}
            tags |= dict(entry.tags) | levels(entry) | views.of_row(entry)
            run = self.client.create_run(experiment, run_name=entry.name, tags=tags)
            shown.runs[here] = [seen(run)]
        row = min(shown.runs[here])
        if not row.whole:
            self._batch(row.run, [(f"printed/{name}", value, 0) for name, value in entry.row.printed.items()])
            self.client.set_terminated(row.run)
            shown.runs[here] = [row._replace(whole=True)]
        return row.run

    def _write(self, experiment: str, parent: str, entry: Entry, held: Holding, given: pd.DataFrame | None) -> Held:
        run = self.client.create_run(
            experiment,
            run_name=f"{entry.name} {entry.part}",
            start_time=held.start,
            tags={**held.tags, **views.of_part(entry, held), PARENT: parent},
        )
        self._batch(run.info.run_id, held.metrics, held.params)
        self._inputs(run.info.run_id, held)
        if given is not None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "predictions.parquet"
                given.to_parquet(path)
                self.client.log_artifact(run.info.run_id, str(path))
        self.client.set_terminated(run.info.run_id, held.status, end_time=held.end)
        return seen(run)._replace(whole=True)

    def _batch(self, run: str, metrics: Sequence[Point], params: Mapping[str, str] | None = None) -> None:
        from mlflow.entities import Metric, Param

        points = [Metric(name, float(value), 0, step) for name, value, step in metrics]
        settings = [Param(name, value) for name, value in (params or {}).items()]
        for at in range(0, len(points), PER_CALL["metrics"]):
            self.client.log_batch(run, metrics=points[at : at + PER_CALL["metrics"]])
        for at in range(0, len(settings), PER_CALL["params"]):
            self.client.log_batch(run, params=settings[at : at + PER_CALL["params"]])

    def _inputs(self, run: str, held: Holding) -> None:
        from mlflow.entities import Dataset, DatasetInput

        data = [
            Dataset(name=task, digest=digest[:36], source_type="local", source=held.source)
            for task, digest in held.data.items()
        ]
        self.client.log_inputs(run, [DatasetInput(dataset) for dataset in data])


def make(file: Path) -> None:
    """An empty database, whole or not at all: MLflow cannot go on with one that is half made."""
    for suffix in ("-journal", "-wal", "-shm"):  # of an earlier one: SQLite would write them into this one
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    for left in file.parent.glob(f"{file.name}.*.part*"):  # by a process that was killed at it
        left.unlink()
    with aside(file) as part:  # under another name at every try: MLflow keeps hold of the files it opened
        migrate(part)


def migrate(file: Path) -> None:
    """Have MLflow make its tables, by all the migrations of its history: this takes seconds."""
    from mlflow.tracking import MlflowClient

    MlflowClient(f"sqlite:///{file}").search_experiments(max_results=1)
