"""Which runs of an experiment are shown: one of each row, and one of each of its parts, however many homes write there
at the same time. Nothing is deleted: on a server that may take a right which its writers lack. What is not to be shown
is tagged ``superseded``, and that holds whatever its writer still adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from harness.legible import count, of_seed, of_trial
from harness.seed import check, stored_seed
from model.recipe import digest

PARENT = "mlflow.parentRunId"
RETIRED = "retired"  # why a row does not have it any more, of a run that is superseded by nothing
LINE = "line"  # of the table that a run belongs to, as the pages name it: a row in a set-up
PARTS = ("seed", "trial")  # kinds of runs under a row's
TRIAL = (  # tags of a trial that reports read
    *("study", "arm", "repeats", "base", "sampler", "pruner", "sampler_seed", "epochs", "unit", "space", "setup"),
    *("profile", "data", "data_source", "encoder", "variant", "trial", "state", "params", "cell", "reused", "reason"),
)
VALUES = ("reported/", "health/", "cost", "epochs")  # of a trial


class Client(Protocol):
    """MLflow's."""

    def search_runs(
        self, experiment_ids: list[str], filter_string: str, *, max_results: int, page_token: str | None
    ) -> Any: ...

    def set_tag(self, run_id: str, key: str, value: str) -> Any: ...

    def set_terminated(self, run_id: str, status: str) -> Any: ...


class Place(NamedTuple):
    """``part`` is empty for the row's own run."""

    row: str
    part: str
    setup: str


class Held(NamedTuple):
    """A run in the store: a row's, or a row and seed's. ``whole`` unless it is being written, or its writer was ended
    in the middle; ``sound`` if its values are those that were written. They sort by the cell's training, as counted in
    its results folder, and where two folders count alike by what the training left."""

    training: int
    content: str
    run: str
    whole: bool
    sound: bool
    parent: str
    line: str
    cell: str
    declared: str
    home: str
    answers: str
    place: str  # of its artifacts

    @property
    def reading(self) -> tuple[str, str]:
        """The training and how it is read: what a declaration decides."""
        return self.cell, self.declared


class Shown:
    """The runs of an experiment that are shown, and those that may be being written."""

    def __init__(self, client: Client, experiment: str, page: int) -> None:
        self.client, self.experiment, self.page = client, experiment, page
        self.runs = self._found()
        self._agree()

    def look(self, wanted: str) -> None:
        """Know of what other homes wrote since, as far as this filter finds it."""
        self.runs |= self._found(wanted)

    def leave(self, place: Place, stay: Sequence[Held]) -> None:
        """Have only these runs at a place."""
        for run in self.runs.get(place, ()):
            if run not in stay:
                self.client.set_tag(run.run, "superseded", "true")
                if not run.whole:
                    self.client.set_terminated(run.run, "KILLED")
        self.runs[place] = list(stay)

    def adopt(self, row: Place, parent: str) -> None:
        """Have a row's parts under its new run."""
        for place, runs in self.runs.items():
            if place.part and (place.row, place.setup) == (row.row, row.setup):
                for run in runs:
                    self.client.set_tag(run.run, PARENT, parent)
                self.runs[place] = [run._replace(parent=parent) for run in runs]

    def _found(self, wanted: str = "") -> dict[Place, list[Held]]:
        found: dict[Place, list[Held]] = {}
        token = None
        while token != "":
            page = self.client.search_runs([self.experiment], wanted, max_results=self.page, page_token=token)
            for run in page:
                tags = run.data.tags
                place = placed(tags)
                if place is not None and tags.get("superseded") != "true":
                    found.setdefault(place, []).append(seen(run))
            token = page.token or ""
        return found

    def _agree(self) -> None:
        """Where homes did not see each other, leave one run at each place, the same whoever looks: of a row the first
        by name, and of its parts the latest training, under it."""
        rows = {place: min(runs) for place, runs in self.runs.items() if not place.part}
        for place, row in rows.items():
            self.leave(place, [row])
        for place, runs in self.runs.items():
            if place.part:
                latest = {run.reading: run for run in sorted(run for run in runs if run.whole)}
                self.leave(place, [run for run in runs if run in latest.values() or not run.whole])
                parent = rows.get(Place(place.row, "", place.setup))
                for run in latest.values() if parent else ():
                    if parent and run.parent != parent.run:
                        self.client.set_tag(run.run, PARENT, parent.run)


def placed(tags: Mapping[str, str]) -> Place | None:
    """None for a run of somebody else's, which does not say."""
    kind = tags.get("kind", "")
    if not kind or any(name not in tags for name in ("row", "setup", *((kind,) if kind in PARTS else ()))):
        return None
    return Place(tags["row"], f"{kind} {tags[kind]}" if kind in PARTS else "", tags["setup"])


def seen(run: Any) -> Held:
    tags = run.data.tags
    return Held(
        training=count(tags.get("training", "")) or 0,  # an older version counted none
        content=tags.get("content", ""),
        run=run.info.run_id,
        whole=run.info.status != "RUNNING",
        sound=is_sound(run),
        parent=tags.get(PARENT, ""),
        line=tags.get(LINE, ""),
        cell=tags.get("cell", ""),
        declared=tags.get("declared", ""),
        home=tags.get("home", ""),
        answers=tags.get("answers", ""),
        place=str(run.info.artifact_uri),
    )


def is_sound(run: Any) -> bool:
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
    return (of_trial if run.data.tags.get("kind") == "trial" else of_seed)(run.data.tags, run.data.metrics)


def seed_check(run: Any) -> str:
    return check(seed_in(run), run.data.tags)


def seed_in(run: Any) -> Any:
    """The seed that a run tells of (``reports.evidence.Seed``)."""
    data = {each.dataset.name: each.dataset.digest for each in (run.inputs.dataset_inputs if run.inputs else ())}
    return stored_seed(run.info.run_id, run.data.tags, run.data.metrics, run.info.status == "FINISHED", data)


def trial_check(run: Any) -> str:
    return values_check(run.data.tags, run.data.metrics)


def values_check(tags: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    """A digest of what reports read of a trial."""
    told = {name: tags.get(name, "") for name in TRIAL}
    return digest([told, {name: float(value) for name, value in sorted(metrics.items()) if name.startswith(VALUES)}])


CHECKS: Mapping[str, Callable[[Any], str]] = {"seed": seed_check, "trial": trial_check}
