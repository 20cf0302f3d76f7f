"""What a tracking store holds, read back as evidence for reports."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlparse

from experiments.variant import Row, Suite
from harness.catalogue import Pair
from harness.delivery import reason
from harness.seed import seed_of
from harness.shown import seen
from harness.sources import own_fingerprints
from harness.store import PAGE, Store
from model.data.examples import DataError
from model.errors import InputError
from model.recipe import Recipe, versions
from reports.evidence import FACTS, Runs, Seed, SetUp

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run

ANSWERS = "predictions.parquet"


class Artifacts:
    """Reads the large parts of runs (``reports.evidence.Reader``). ``InputError`` for what cannot be read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._places: dict[str, str] = {}  # of each run's artifacts

    def placed(self, run: str, place: str) -> None:
        self._places[run] = place

    def answers(self, run: str) -> pd.DataFrame:
        import pandas as pd

        place = urlparse(self._places[run])
        with asked(self.store):
            if place.scheme in ("", "file"):
                path = self.here(Path(unquote(place.path)) / ANSWERS)
                return pd.read_parquet(path) if path.exists() else pd.DataFrame()
            if ANSWERS not in {file.path for file in self.store.client.list_artifacts(run)}:
                return pd.DataFrame()
            with tempfile.TemporaryDirectory() as folder:
                return pd.read_parquet(self.store.client.download_artifacts(run, ANSWERS, folder))

    def here(self, path: Path) -> Path:
        """The file beside the database, which may have been moved with it, if it is there."""
        if self.store.file is None:
            return path
        moved = self.store.file.parent.joinpath("artifacts", *path.parts[-5:])  # paper/table/run/artifacts/file
        return moved if moved.exists() else path

    def curves(self, run: str, names: Sequence[str]) -> Mapping[str, Mapping[int, float]]:
        found = {}
        with asked(self.store):
            for name in names:
                points = {point.step: point.value for point in self.store.client.get_metric_history(run, name)}
                if points:
                    found[name] = dict(sorted(points.items()))
        return found


@contextmanager
def asked(store: Store) -> Iterator[None]:
    """``InputError`` for whatever goes wrong in reading a store."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # MLflow's, its database's, its HTTP client's or a file's, whichever
        told = f"the tracking store {store.shown} cannot be read: {reason(error)}"
        raise InputError(f"{told}; harness doctor tells more") from None


def setups(store: Store, pairs: Iterable[Pair], only: str | None = None) -> list[SetUp]:
    """The evidence on these rows, one object a set-up (``only``: this one), in the order of profile, data, encoder and
    variant. ``InputError`` where the store cannot be read."""
    wanted: dict[str, tuple[Suite, dict[str, Row]]] = {}
    for suite, row in pairs:
        wanted.setdefault(suite.slug, (suite, {}))[1][row.name] = row
    reader = Artifacts(store)
    found: dict[str, dict[str, Runs]] = {}
    facts: dict[str, Mapping[str, str]] = {}
    stale: dict[str, set[str]] = {}
    for suite, rows in wanted.values():
        newest = {name: versions(suite.recipe(row)) for name, row in rows.items()}
        current = {name: own_data(suite.recipe(row)) for name, row in rows.items()}
        for each in runs(store, suite, only):
            own = rows.get(each.row.removesuffix(each.facts["variant"]))
            if own is None:  # not in the registry any more
                continue
            facts.setdefault(each.setup, each.facts)
            here, slug = found.setdefault(each.setup, {}), f"{suite.slug}/{own.name}"
            if any(newest[own.name].get(part, version) != version for part, version in each.versions.items()) or any(
                each.seed.data.get(task, found) != found for task, found in current[own.name].items()
            ):
                stale.setdefault(each.setup, set()).add(slug)
                continue
            reader.placed(each.seed.run, each.place)
            measured = here.setdefault(slug, Runs(suite, own, [], reader))
            measured.seeds = sorted([*measured.seeds, each.seed], key=by_seed)
    made = [setup(name, facts[name], found[name], wanted, stale.get(name, set())) for name in found]
    return sorted(made, key=lambda each: [each.facts[name] for name in FACTS])


def own_data(recipe: Recipe) -> dict[str, str]:
    """What the files of the recipe's own tasks hold now; nothing where they cannot be read."""
    with suppress(DataError):
        return own_fingerprints(recipe)
    return {}


def by_seed(seed: Seed) -> int:
    return seed.seed


def setup(
    name: str,
    facts: Mapping[str, str],
    rows: Mapping[str, Runs],
    order: Mapping[str, tuple[Suite, Mapping[str, Row]]],
    stale: Collection[str],
) -> SetUp:
    """Rows in the registry's order."""
    slugs = [f"{suite.slug}/{each}" for suite, held in order.values() for each in held]
    told = json.loads(facts["data_notes"] or "{}")
    return SetUp(
        name=name,
        facts={key: facts[key] for key in FACTS},
        rows={slug: rows[slug] for slug in slugs if slug in rows},
        notes=tuple(told.get("notes", ())),
        duplicates=told.get("duplicates", {}),
        stale=frozenset(stale),
    )


class Tried(NamedTuple):
    """A trial's run."""

    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def trials(store: Store, studies: str, only: str | None = None) -> list[Tried]:
    """The whole runs of all trials (of one set-up), in experiments ``studies``/NAME; the latest of each."""
    latest: dict[tuple[str, str, str], Tried] = {}
    with asked(store):
        for experiment in store.client.search_experiments(filter_string=f"name LIKE '{studies}/%'"):
            for run in whole(store, experiment.experiment_id, "trial", only):
                each = Tried(run.data.tags, run.data.metrics)
                key = (each.tags["arm"], each.tags["setup"], each.tags["trial"])
                if key not in latest or latest[key].tags["trained"] < each.tags["trained"]:
                    latest[key] = each
    return list(latest.values())


def whole(store: Store, experiment: str, kind: str, only: str | None) -> Iterator[Run]:
    """The runs of a kind that were written whole and not superseded."""
    wanted = f"tags.kind = '{kind}'" + (f" and tags.setup = '{only}'" if only else "")
    token = None
    while token != "":
        page: Any = store.client.search_runs([experiment], filter_string=wanted, max_results=PAGE, page_token=token)
        for run in page:
            if run.data.tags.get("superseded") != "true" and seen(run).whole:
                yield run
        token = page.token or ""


class Found(NamedTuple):
    """A seed's run: what is kept of it, for a run as MLflow gives it is large."""

    trained: str
    setup: str
    row: str  # with its variant
    seed: Seed
    facts: Mapping[str, str]
    place: str  # of its artifacts
    versions: Mapping[str, int]  # of the code that trained it


def runs(store: Store, suite: Suite, only: str | None) -> list[Found]:
    """The whole runs of a suite's seeds, the latest of each."""
    latest: dict[tuple[str, int, str], Found] = {}
    with asked(store):
        experiment = store.client.get_experiment_by_name(suite.slug)
        if experiment is None or experiment.lifecycle_stage == "deleted":
            return []
        for run in whole(store, experiment.experiment_id, "seed", only):
            each = kept(run)
            key = (each.row, each.seed.seed, each.setup)
            if key not in latest or latest[key].trained < each.trained:
                latest[key] = each
    return list(latest.values())


def kept(run: Run) -> Found:
    tags = run.data.tags
    return Found(
        trained=tags.get("trained", ""),
        setup=tags["setup"],
        row=tags["row"],
        seed=seed(run),
        facts={name: tags.get(name, "") for name in (*FACTS, "data_notes")},
        place=str(run.info.artifact_uri),
        versions=json.loads(tags.get("versions") or "{}"),
    )


def seed(run: Run) -> Seed:
    data = {each.dataset.name: each.dataset.digest for each in (run.inputs.dataset_inputs if run.inputs else ())}
    return seed_of(run.info.run_id, run.data.tags, run.data.metrics, run.info.status == "FINISHED", data)
