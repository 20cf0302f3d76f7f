"""Which runs of an experiment are shown: one of each row, and one of each of its parts, however many homes write there
at the same time. Nothing is deleted: on a server that may take a right which its writers lack. What is not to be shown
is tagged ``superseded``, and that holds whatever its writer still adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

PARENT = "mlflow.parentRunId"
LINE = "line"  # of the table that a run belongs to, as the pages name it: a row in a set-up
PARTS = ("seed", "trial")  # kinds of runs under a row's


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
    in the middle. They sort by training."""

    trained: str
    run: str
    whole: bool
    parent: str
    line: str


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

    def _found(self, wanted: str = "") -> dict[Place, list[Held]]:
        found: dict[Place, list[Held]] = {}
        token = None
        while token != "":
            page = self.client.search_runs([self.experiment], wanted, max_results=self.page, page_token=token)
            for run in page:
                tags = run.data.tags
                if "kind" in tags and tags.get("superseded") != "true":
                    found.setdefault(placed(tags), []).append(seen(run))
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
                latest = max((run for run in runs if run.whole), default=None)
                self.leave(place, [run for run in runs if run == latest or not run.whole])
                parent = rows.get(Place(place.row, "", place.setup))
                if latest and parent and latest.parent != parent.run:
                    self.client.set_tag(latest.run, PARENT, parent.run)


def placed(tags: Mapping[str, str]) -> Place:
    kind = tags["kind"]
    return Place(tags["row"], f"{kind} {tags[kind]}" if kind in PARTS else "", tags["setup"])


def seen(run: Any) -> Held:
    tags = run.data.tags
    whole = run.info.status != "RUNNING"
    return Held(tags.get("trained", ""), run.info.run_id, whole, tags.get(PARENT, ""), tags.get(LINE, ""))
