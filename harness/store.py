"""The tracking store; with ``harness.stored``, which reads it, and ``harness.views``, all that knows MLflow. One
experiment a suite, a parent run a row, a child a seed; one a study, a parent an arm, a child a trial."""

from __future__ import annotations

import hashlib
import importlib
import os
import sqlite3
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from experiments.variant import Suite
from harness import views
from harness.declared import declaration
from harness.durable import aside, write_aside
from harness.holding import Holding, Point, answers, holding, levels, row_check, table
from harness.reading import Entry
from harness.secrets import hidden
from harness.seed import check
from harness.shown import PARENT, RETIRED, Held, Place, Shown, seen
from model.answers import ByTask
from model.errors import InputError
from model.recipe import digest

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

CALM = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # training waits for no server
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # it may say an hour
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines a run
}
ELSEWHERE = ("databricks", "uc:", "arn:")  # addresses without //
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
PER_CALL = {"metrics": 1000, "params": 100}  # what one log_batch may carry
ANSWERS = "predictions.parquet"
NOTED = "noted"  # the tag with a digest of the note that was written
PROXIED = "mlflow-artifacts"  # the scheme of places that a server looks up below a folder of its own
LIBRARIES = ("mlflow.tracking", "mlflow.entities", "pandas", "pyarrow.parquet")
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
        self.deep = False  # read artifacts and indexes, too, to know whether they are what was written

    def load(self) -> None:
        """Import what writing needs: it takes seconds, and must not end half way."""
        for name in LIBRARIES:
            importlib.import_module(name)

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
        if self.own is not None:
            relocate(self.own)
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
    def remote(self) -> bool:
        """Whether a server is asked, which may take any time to answer."""
        return self.uri.lower().startswith(("http://", "https://", *ELSEWHERE))

    @property
    def shown(self) -> str:
        """The address without its secrets."""
        return hidden(self.uri)

    def damage(self, deep: bool = False) -> str:
        """What is wrong with the home's database, if anything; ``deep`` has any database's indexes compared with its
        tables, too: a search finds by them, and leaves out without a word what they have lost."""
        file = self.file if deep else self.own
        if file is None or not file.exists():
            return ""
        if not file.stat().st_size:
            return "it is empty"
        try:
            with closing(sqlite3.connect(file)) as database:
                database.text_factory = bytes  # it may quote what is no text
                (told,) = database.execute(f"PRAGMA {'integrity' if deep else 'quick'}_check(1)").fetchone()
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
        """Have one child run; False if it was there, as the cell has it and the row reads it now. One that says
        anything else is superseded, and so is one that was left half written or damaged; but for those of other homes:
        theirs of the same declaration by a later training alone, and of another declaration by nothing. ``Unreadable``
        if the cell is."""
        experiment = self._experiment(entry.suite, entry.part.partition(" ")[0])
        shown, here = self._runs(experiment), Place(entry.name, entry.part, entry.tags["setup"])
        parent = self._parent(experiment, shown, entry)
        runs, wanted = shown.runs.get(here, []), (entry.record.id, declaration(entry.suite, entry.row))
        alike = [run for run in runs if run.whole and run.reading == wanted and run.sound and self.answered(run)]
        order = (entry.record.training, entry.content)
        later = [run for run in alike if (run.training, run.content) >= order and self.own is None]
        there = latest = max((run for run in alike if (run.training, run.content) == order), default=None)
        there = latest = max(later, default=there)
        if latest is None:
            held = holding(entry)
            latest = self._write(experiment, parent, entry, held, answers(entry.record, held.answered))
        shown.leave(here, [latest, *(run for run in runs if run is not there and self._is_elsewheres(run, wanted))])
        return latest is not there

    def retire(self, suite: Suite, name: str, part: str, setup: str, fault: str) -> None:
        """Have no run of a part that the row does not have any more, and say why; but for those of other homes."""
        experiment = self._experiment(suite, part.partition(" ")[0])
        shown, here = self._runs(experiment), Place(name, part, setup)
        if here in shown.runs:
            stay = [run for run in shown.runs[here] if self._is_elsewheres(run, ("", ""))]
            for run in shown.runs[here]:
                if run not in stay:
                    self.client.set_tag(run.run, RETIRED, fault)
            shown.leave(here, stay)

    def _is_elsewheres(self, run: Held, wanted: tuple[str, str]) -> bool:
        """Whether a run is another home's to keep: it says something of another declaration, or is being written. What
        an older version delivered names no home, and is replaced: nobody believes it any more."""
        theirs = self.own is None and run.home not in ("", self.identity)
        return theirs and (run.reading != wanted or not run.whole)

    @cached_property
    def identity(self) -> str:
        """What tells this home's runs from others' in a store that they share: a random name, kept in it."""
        path = self.home / "identity"
        try:
            return path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            name = uuid.uuid4().hex
            write_aside(path, f"{name}\n")
            return name

    def answered(self, run: Held) -> bool:
        """Whether the answers that a run was given are there; of a store of files, and byte for byte if ``deep``."""
        path = self.answers_file(run.place)
        if not run.answers or path is None:
            return True
        try:
            return sha256(path.read_bytes()) == run.answers if self.deep else path.stat().st_size > 0
        except OSError:
            return False

    def answers_file(self, place: str) -> Path | None:
        """Where a run's answers are, of its artifacts' place, if the database is a file: below its folder, wherever
        that has been moved."""
        parts = urlparse(place)
        if self.file is None or parts.scheme not in ("", "file", PROXIED):
            return None
        path = PurePosixPath(unquote(parts.path))
        if parts.scheme == PROXIED:
            return self.file.parent.joinpath("artifacts", *path.relative_to("/").parts, ANSWERS)
        moved = self.file.parent.joinpath("artifacts", *path.parts[-4:], ANSWERS)  # paper/table/run/artifacts
        return moved if moved.exists() else Path(path) / ANSWERS

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
            tags = views.of_suite(suite, kind)
            tags[NOTED] = digest(tags[views.NOTE])
            made = str(found.experiment_id) if found else self._made(suite, tags)
            if found:
                self._describe(made, tags, found.tags)
                tags = found.tags
            self._experiments[suite.slug] = made
            self._looks[made] = suite, kind, tags.get(views.VIEW)
        return self._experiments[suite.slug]

    def _describe(self, experiment: str, tags: Mapping[str, str], there: Mapping[str, str]) -> None:
        """Have an experiment say what its suite declares now; a note that a user has written over stays."""
        theirs = digest(there.get(views.NOTE, "")) != there.get(NOTED, digest(there.get(views.NOTE, "")))
        wanted = {name: value for name, value in tags.items() if name != views.VIEW}
        for name in (views.NOTE, NOTED) if theirs or NOTED not in there else ():
            del wanted[name]
        for name, value in wanted.items():
            if there.get(name) != value:
                self.client.set_experiment_tag(experiment, name, value)

    def _made(self, suite: Suite, tags: Mapping[str, str]) -> str:
        location = (self.file.parent / "artifacts" / suite.slug).resolve().as_uri() if self.file else None
        location = f"{PROXIED}:/{suite.slug}" if self.own else location
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
        before = shown.runs.get(here, [])
        if not before or (before[0].content != row_check(entry) and (self.own or before[0].home == self.identity)):
            tags = {"kind": "row", "row": entry.name, "suite": entry.suite.slug, "paper": entry.suite.paper}
            tags |= {"content": row_check(entry), "home": self.identity}
            tags |= dict(entry.tags) | levels(entry) | views.of_row(entry)
            run = self.client.create_run(experiment, run_name=entry.name, tags=tags)
            shown.leave(here, [seen(run)])
            shown.adopt(here, run.info.run_id)
        row = min(shown.runs[here])
        if not row.whole:
            self._batch(row.run, [(f"printed/{name}", value, 0) for name, value in entry.row.printed.items()])
            self.client.set_terminated(row.run)
            shown.runs[here] = [row._replace(whole=True)]
        return row.run

    def _write(self, experiment: str, parent: str, entry: Entry, held: Holding, given: ByTask) -> Held:
        file = table(given).to_parquet() if given else b""
        tags = dict(held.tags) | {"home": self.identity, "answers": sha256(file) if file else ""}
        if held.seed is not None:
            tags["check"] = check(held.seed, tags)
        run = self.client.create_run(
            experiment,
            run_name=f"{entry.name} {entry.part}",
            start_time=held.start,
            tags={**tags, **views.of_part(entry, held), PARENT: parent},
        )
        self._batch(run.info.run_id, held.metrics, held.params)
        self._inputs(run.info.run_id, held)
        if file:
            self._attach(run, file)
        self.client.set_terminated(run.info.run_id, held.status, end_time=held.end)
        return seen(run)._replace(whole=True, sound=True)

    def _attach(self, run: Run, file: bytes) -> None:
        """Give a run its answers. Those of the home's own store are written below the home, whatever a database that
        was copied from elsewhere says."""
        path = self.answers_file(str(run.info.artifact_uri)) if self.own else None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_aside(path, file)
            return
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / ANSWERS).write_bytes(file)
            self.client.log_artifact(run.info.run_id, str(Path(folder) / ANSWERS))

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


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def relocate(file: Path) -> None:
    """Have the home's own database name no folder, so that the home can be copied and moved: where artifacts are is
    said by whoever serves it. Only what the harness made is touched."""
    ours = f"artifact_location LIKE '%/artifacts/' || name AND artifact_location NOT LIKE '{PROXIED}:%'"
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=10.0)) as database, database:
        database.execute(
            f"UPDATE runs SET artifact_uri = (SELECT '{PROXIED}:/' || name FROM experiments "
            "WHERE experiment_id = runs.experiment_id) || '/' || run_uuid || '/artifacts' "
            f"WHERE experiment_id IN (SELECT experiment_id FROM experiments WHERE {ours})"
        )
        database.execute(f"UPDATE experiments SET artifact_location = '{PROXIED}:/' || name WHERE {ours}")
        database.execute(
            f"UPDATE experiments SET artifact_location = '{PROXIED}:/0' WHERE experiment_id = 0 "
            "AND NOT EXISTS (SELECT 1 FROM runs WHERE experiment_id = 0)"
        )


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
