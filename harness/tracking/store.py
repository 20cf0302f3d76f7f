"""The tracking store: one experiment a suite, a parent run a row, a child a seed; one a study, a parent an arm, a child
a trial. ``harness.tracking.queries`` reads it."""

from __future__ import annotations

import uuid
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.suite import Suite
from harness.cells.atomic import write_atomic
from harness.cells.row_result import ResultEntry
from harness.planning.matching import reading_digest
from harness.tracking import ui_notes
from harness.tracking.connection import Connection, sha256
from harness.tracking.current_runs import PARENT, RETIRED, CurrentRuns, RunKey, StoredRun, stored_run
from harness.tracking.database import analyze_metrics
from harness.tracking.experiments import Experiments
from harness.tracking.run_payload import (
    RunPayload,
    answers_table,
    factor_tags,
    read_answers,
    row_check,
    run_payload,
)
from harness.tracking.run_writer import log_batches, log_data, upload_answers
from harness.tracking.seed_result import seed_check
from model.answers import ByTask

if TYPE_CHECKING:
    from mlflow.entities import Run


class Store(Connection):
    """A tracking store that results are written to. One process of a results folder writes at a time; other results
    folders may write to the same store."""

    def __init__(self, home: Path, uri: str | None = None) -> None:
        super().__init__(home, uri)
        self._runs: dict[str, CurrentRuns] = {}  # by experiment
        self.deep = False  # read artifacts and indexes, too, to know whether they are what was written

    @cached_property
    def experiments(self) -> Experiments:
        return Experiments(self.client, self.artifacts_uri)

    def forget(self) -> None:
        """Know nothing of what the store holds; it is asked again."""
        self._runs.clear()
        self.__dict__.pop("experiments", None)

    def deliver(self, entry: ResultEntry) -> bool:
        """Have one child run; False if it was there, as the cell has it and the row reads it now. One that says
        anything else is superseded, and so is one that was left half written or damaged; but for those of other results
        folders: theirs of the same declaration by a later training alone, and of another declaration by nothing.
        ``Unreadable`` if the cell is."""
        experiment = self.experiments.id_of(entry.suite, entry.part.partition(" ")[0])
        current, key = self._current_runs(experiment), RunKey(entry.name, entry.part, entry.tags["setup"])
        parent = self._parent(experiment, current, entry)
        runs, reading = current.runs.get(key, []), (entry.record.id, reading_digest(entry.suite, entry.row))
        alike = [run for run in runs if run.complete and run.reading == reading and run.intact and self.answered(run)]
        order = (entry.record.training, entry.content)
        later = [run for run in alike if (run.training, run.content) >= order and self.own is None]
        stored = latest = max((run for run in alike if (run.training, run.content) == order), default=None)
        stored = latest = max(later, default=stored)
        if latest is None:
            payload = run_payload(entry)
            latest = self._write(experiment, parent, entry, payload, read_answers(entry.record, payload.answered))
        others = [run for run in runs if run is not stored and self._is_elsewheres(run, reading)]
        current.keep_only(key, [latest, *others])
        return latest is not stored

    def retire(self, suite: Suite, name: str, part: str, setup: str, fault: str) -> None:
        """Have no run of a part that the row does not have any more, and say why; but for those of other results
        folders."""
        experiment = self.experiments.id_of(suite, part.partition(" ")[0])
        current, key = self._current_runs(experiment), RunKey(name, part, setup)
        if key in current.runs:
            others = [run for run in current.runs[key] if self._is_elsewheres(run, ("", ""))]
            for run in current.runs[key]:
                if run not in others:
                    self.client.set_tag(run.run, RETIRED, fault)
            current.keep_only(key, others)

    def _is_elsewheres(self, run: StoredRun, reading: tuple[str, str]) -> bool:
        """Whether a run is another results folder's to keep: it is of another declaration, or is being written. What an
        older version delivered names no results folder, and is replaced: nobody believes it any more."""
        foreign = self.own is None and run.home not in ("", self.identity)
        return foreign and (run.reading != reading or not run.complete)

    @cached_property
    def identity(self) -> str:
        """A random name, kept in the results folder, of its runs in a store that it shares with others."""
        path = self.home / "identity"
        try:
            return path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            name = uuid.uuid4().hex
            write_atomic(path, f"{name}\n")
            return name

    def answered(self, run: StoredRun) -> bool:
        """Whether the answers that a run was given are there; of a store of files, and byte for byte if ``deep``."""
        path = self.answers_file(run.artifact_uri)
        if not run.answers or path is None:
            return True
        try:
            return sha256(path.read_bytes()) == run.answers if self.deep else path.stat().st_size > 0
        except OSError:
            return False

    def settle(self) -> None:
        """After writing: in a store that other results folders may have written to at the same time, agree with them;
        have the own database count its metrics. Then have the pages' views name what is there. No loss where it cannot
        be done now."""
        if self.own is None:
            self._runs.clear()
        elif self.own.exists():
            analyze_metrics(self.own)
        else:
            return
        with suppress(Exception):  # MLflow's, whichever
            for experiment in self.experiments:
                lines = {run.line for runs in self._current_runs(experiment).runs.values() for run in runs}
                self.experiments.update_view(experiment, lines)

    def _current_runs(self, experiment: str) -> CurrentRuns:
        if experiment not in self._runs:
            self._runs[experiment] = CurrentRuns(self.client, experiment)
        return self._runs[experiment]

    def _parent(self, experiment: str, current: CurrentRuns, entry: ResultEntry) -> str:
        """The row's run. One that is half written, or just being written from another results folder, is completed:
        what is written to it twice is there once."""
        key = RunKey(entry.name, "", entry.tags["setup"])
        if key not in current.runs and self.own is None:
            current.refresh(f"tags.kind = 'row' AND tags.setup = '{key.setup}'")
        before = current.runs.get(key, [])
        if not before or (before[0].content != row_check(entry) and (self.own or before[0].home == self.identity)):
            tags = {"kind": "row", "row": entry.name, "suite": entry.suite.slug, "paper": entry.suite.paper}
            tags |= {"content": row_check(entry), "home": self.identity}
            tags |= dict(entry.tags) | factor_tags(entry) | ui_notes.row_tags(entry)
            run = self.client.create_run(experiment, run_name=entry.name, tags=tags)
            current.keep_only(key, [stored_run(run)])
            current.move_parts(key, run.info.run_id)
        row = min(current.runs[key])
        if not row.complete:
            log_batches(
                self.client, row.run, [(f"printed/{name}", value, 0) for name, value in entry.row.printed.items()]
            )
            self.client.set_terminated(row.run)
            current.runs[key] = [row._replace(complete=True)]
        return row.run

    def _write(
        self, experiment: str, parent: str, entry: ResultEntry, payload: RunPayload, answers: ByTask
    ) -> StoredRun:
        file = answers_table(answers).to_parquet() if answers else b""
        tags = dict(payload.tags) | {"home": self.identity, "answers": sha256(file) if file else ""}
        if payload.seed is not None:
            tags["check"] = seed_check(payload.seed, tags)
        run = self.client.create_run(
            experiment,
            run_name=f"{entry.name} {entry.part}",
            start_time=payload.start,
            tags={**tags, **ui_notes.part_tags(entry, payload), PARENT: parent},
        )
        log_batches(self.client, run.info.run_id, payload.metrics, payload.params)
        log_data(self.client, run.info.run_id, payload.data, payload.source)
        if file:
            self._attach(run, file)
        self.client.set_terminated(run.info.run_id, payload.status, end_time=payload.end)
        return stored_run(run)._replace(complete=True, intact=True)

    def _attach(self, run: Run, file: bytes) -> None:
        """Give a run its answers. Those of the own store are written below the results folder, whatever a database that
        was copied from elsewhere says."""
        path = self.answers_file(str(run.info.artifact_uri)) if self.own else None
        if path is None:
            upload_answers(self.client, run.info.run_id, file)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, file)
