"""MLflow's experiments: one a suite, with its note and its saved view."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from experiments.suite import Suite
from harness.tracking import ui_notes
from model.digest import digest

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

NOTE_DIGEST = "noted"  # the tag with a digest of the note that was written


class Experiments:
    """The experiments that a process has used, each made when it is first needed; ``artifacts_uri`` gives the URI of
    a suite's artifacts, None where the server chooses it."""

    def __init__(self, client: MlflowClient, artifacts_uri: Callable[[Suite], str | None]) -> None:
        self.client, self.artifacts_uri = client, artifacts_uri
        self._ids: dict[str, str] = {}
        self._views: dict[str, tuple[Suite, str, str | None]] = {}  # the view that each experiment has

    def id_of(self, suite: Suite, kind: str) -> str:
        """The id of a suite's experiment; ``kind`` is that of its rows' parts, seeds or trials."""
        if suite.slug not in self._ids:
            stored = self.client.get_experiment_by_name(suite.slug)
            if stored is not None and stored.lifecycle_stage == "deleted":
                self.client.restore_experiment(stored.experiment_id)
            tags = ui_notes.experiment_tags(suite, kind)
            tags[NOTE_DIGEST] = digest(tags[ui_notes.NOTE])
            experiment = str(stored.experiment_id) if stored else self._create(suite, tags)
            if stored:
                self._update_tags(experiment, tags, stored.tags)
                tags = stored.tags
            self._ids[suite.slug] = experiment
            self._views[experiment] = suite, kind, tags.get(ui_notes.VIEW)
        return self._ids[suite.slug]

    def _create(self, suite: Suite, tags: Mapping[str, str]) -> str:
        location = self.artifacts_uri(suite)
        try:
            return str(self.client.create_experiment(suite.slug, artifact_location=location, tags=dict(tags)))
        except Exception:
            stored = self.client.get_experiment_by_name(suite.slug)  # by another results folder, in the meantime
            if stored is None:
                raise
            return str(stored.experiment_id)

    def _update_tags(self, experiment: str, tags: Mapping[str, str], stored: Mapping[str, str]) -> None:
        """Have an experiment say what its suite declares now; a note that a user has written over stays."""
        edited = digest(stored.get(ui_notes.NOTE, "")) != stored.get(NOTE_DIGEST, digest(stored.get(ui_notes.NOTE, "")))
        wanted = {name: value for name, value in tags.items() if name != ui_notes.VIEW}
        for name in (ui_notes.NOTE, NOTE_DIGEST) if edited or NOTE_DIGEST not in stored else ():
            del wanted[name]
        for name, value in wanted.items():
            if stored.get(name) != value:
                self.client.set_experiment_tag(experiment, name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def update_view(self, experiment: str, lines: set[str]) -> None:
        """Have the saved view name these lines of the table."""
        suite, kind, before = self._views[experiment]
        if (view := ui_notes.saved_view(suite, kind, lines, before)) != before:
            self.client.set_experiment_tag(experiment, ui_notes.VIEW, view)
