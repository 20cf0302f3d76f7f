"""Which runs of an experiment are shown: one of each row, and one of each of its parts, however many results folders
write there at the same time. Nothing is deleted: on a server that may take a right which its writers lack. What is not
to be shown is tagged ``superseded``, and that holds whatever its writer still adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from harness.tracking.foreign_text import parse_count, seed_fault, trial_fault
from harness.tracking.seed_result import seed_check, stored_seed
from model.digest import digest

PARENT = "mlflow.parentRunId"
RETIRED = "retired"  # why a row does not have it any more, of a run that is superseded by nothing
LINE = "line"  # of the table that a run belongs to, as the pages name it: a row in a set-up
PARTS = ("seed", "trial")  # kinds of runs under a row's
TRIAL = (  # tags of a trial that reports read
    *("study", "arm", "repeats", "base", "sampler", "pruner", "sampler_seed", "epochs", "unit", "space", "setup"),
    *("profile", "data", "data_source", "encoder", "variant", "trial", "state", "params", "cell", "reused", "reason"),
)
PAGE = 500  # runs a search gives at a time: within the timeout, at some milliseconds each
VALUES = ("reported/", "health/", "cost", "epochs")  # of a trial


class Client(Protocol):
    """MLflow's."""

    def search_runs(
        self, experiment_ids: list[str], filter_string: str, *, max_results: int, page_token: str | None
    ) -> Any: ...

    def set_tag(self, run_id: str, key: str, value: str) -> Any: ...

    def set_terminated(self, run_id: str, status: str) -> Any: ...


class RunKey(NamedTuple):
    """``part`` is empty for the row's own run."""

    row: str
    part: str
    setup: str


class StoredRun(NamedTuple):
    """A run in the store: a row's, or a row and seed's. ``complete`` unless it is being written, or its writer was
    ended in the middle; ``intact`` if its values are those that were written. They sort by the cell's training, as
    counted in its results folder, and where two folders count alike by what the training left."""

    training: int
    content: str
    run: str
    complete: bool
    intact: bool
    parent: str
    line: str
    cell: str
    declared: str
    home: str
    answers: str
    artifact_uri: str

    @property
    def reading(self) -> tuple[str, str]:
        """The training and how it is read: what a declaration decides."""
        return self.cell, self.declared


class CurrentRuns:
    """The runs of an experiment that are shown, and those that may be being written."""

    def __init__(self, client: Client, experiment: str) -> None:
        self.client, self.experiment = client, experiment
        self.runs = self._search()
        self._deduplicate()

    def refresh(self, query: str) -> None:
        """Know of what other results folders wrote since, as far as this filter finds it."""
        self.runs |= self._search(query)

    def keep_only(self, key: RunKey, kept: Sequence[StoredRun]) -> None:
        """Have only these runs of a key."""
        for run in self.runs.get(key, ()):
            if run not in kept:
                self.client.set_tag(run.run, "superseded", "true")
                if not run.complete:
                    self.client.set_terminated(run.run, "KILLED")
        self.runs[key] = list(kept)

    def move_parts(self, row: RunKey, parent: str) -> None:
        """Have a row's parts under its new run."""
        for key, runs in self.runs.items():
            if key.part and (key.row, key.setup) == (row.row, row.setup):
                for run in runs:
                    self.client.set_tag(run.run, PARENT, parent)
                self.runs[key] = [run._replace(parent=parent) for run in runs]

    def _search(self, query: str = "") -> dict[RunKey, list[StoredRun]]:
        runs: dict[RunKey, list[StoredRun]] = {}
        token = None
        while token != "":
            page = self.client.search_runs([self.experiment], query, max_results=PAGE, page_token=token)
            for run in page:
                tags = run.data.tags
                key = key_of_run(tags)
                if key is not None and tags.get("superseded") != "true":
                    runs.setdefault(key, []).append(stored_run(run))
            token = page.token or ""
        return runs

    def _deduplicate(self) -> None:
        """Where results folders did not see each other, leave one run of each key, the same whoever looks: of a row the
        first by name, and of its parts the latest training, under it."""
        rows = {key: min(runs) for key, runs in self.runs.items() if not key.part}
        for key, row in rows.items():
            self.keep_only(key, [row])
        for key, runs in self.runs.items():
            if key.part:
                latest = {run.reading: run for run in sorted(run for run in runs if run.complete)}
                self.keep_only(key, [run for run in runs if run in latest.values() or not run.complete])
                parent = rows.get(RunKey(key.row, "", key.setup))
                for run in latest.values() if parent else ():
                    if parent and run.parent != parent.run:
                        self.client.set_tag(run.run, PARENT, parent.run)


def key_of_run(tags: Mapping[str, str]) -> RunKey | None:
    """None for a run of somebody else's, which does not say."""
    kind = tags.get("kind", "")
    if not kind or any(name not in tags for name in ("row", "setup", *((kind,) if kind in PARTS else ()))):
        return None
    return RunKey(tags["row"], f"{kind} {tags[kind]}" if kind in PARTS else "", tags["setup"])


def stored_run(run: Any) -> StoredRun:
    tags = run.data.tags
    return StoredRun(
        training=parse_count(tags.get("training", "")) or 0,  # an older version counted none
        content=tags.get("content", ""),
        run=run.info.run_id,
        complete=run.info.status != "RUNNING",
        intact=is_intact(run),
        parent=tags.get(PARENT, ""),
        line=tags.get(LINE, ""),
        cell=tags.get("cell", ""),
        declared=tags.get("declared", ""),
        home=tags.get("home", ""),
        answers=tags.get("answers", ""),
        artifact_uri=str(run.info.artifact_uri),
    )


def is_intact(run: Any) -> bool:
    """Whether the values of a row's part are those that were delivered, and can be read."""
    tags = run.data.tags
    if tags.get("kind") not in CHECKS:
        return True
    try:
        return bool(tags.get("check") == CHECKS[tags["kind"]](run) and not unreadable(run))
    except (KeyError, ValueError, TypeError, OverflowError):  # what it holds is not of the kind that was written
        return False


def unreadable(run: Any) -> str:
    """Why a row's part cannot be read; empty if it can."""
    return (trial_fault if run.data.tags.get("kind") == "trial" else seed_fault)(run.data.tags, run.data.metrics)


def run_seed_check(run: Any) -> str:
    return seed_check(read_seed(run), run.data.tags)


def read_seed(run: Any) -> Any:
    """The ``reports.results.Seed`` that a run holds."""
    data = {each.dataset.name: each.dataset.digest for each in (run.inputs.dataset_inputs if run.inputs else ())}
    return stored_seed(run.info.run_id, run.data.tags, run.data.metrics, run.info.status == "FINISHED", data)


def run_trial_check(run: Any) -> str:
    return values_check(run.data.tags, run.data.metrics)


def values_check(tags: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    """A digest of what reports read of a trial."""
    trial_tags = {name: tags.get(name, "") for name in TRIAL}
    return digest(
        [trial_tags, {name: float(value) for name, value in sorted(metrics.items()) if name.startswith(VALUES)}]
    )


CHECKS: Mapping[str, Callable[[Any], str]] = {"seed": run_seed_check, "trial": run_trial_check}
