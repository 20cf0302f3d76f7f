"""What a tracking store holds, read back for reports. A run is believed if it is what the row declares now
and if its values are those that were delivered; else it is left out by name."""

from __future__ import annotations

import dataclasses
import io
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.ablation import PAPER
from experiments.suite import Row, Suite
from harness.console.redact import reason
from harness.planning.matching import DeclaredRow, Training, match_trainings, parse_setup, reading_digest
from harness.registry.selectors import Pair
from harness.tracking.connection import Connection, sha256
from harness.tracking.current_runs import PAGE, RETIRED, StoredRun, is_intact, read_seed, stored_run, unreadable
from harness.tracking.foreign_text import clean_tags, majority_tags, one_line, parse_count, placement_fault
from harness.tracking.from_cells import build_setup
from harness.tracking.results_source import TrialRun
from harness.tracking.run_payload import answers_of_table, curve_check
from harness.tracking.run_writer import ANSWERS
from harness.tracking.time_limits import SLOW, never, time_limit
from harness.tracking.trial_payload import PAPER as STUDIES
from model.answers import ByTask
from model.errors import InputError
from reports.results import FACTS, Runs, Seed, SetUp

if TYPE_CHECKING:
    from mlflow.entities import Run

AGAIN = "harness sync from its results folder delivers it again"
DAMAGED = f"its values in the tracking store are not those that were delivered; {AGAIN}"
READ_OTHERWISE = f"delivered for another split, selection or overall formula; {AGAIN}"
UNCHECKED = f"delivered by an older version, which kept no checksums; {AGAIN}"


class RunReader:
    """Reads the large parts of runs (``reports.results.Reader``). ``InputError`` for what cannot be read, or is not
    what was delivered."""

    def __init__(self, store: Connection) -> None:
        self.store = store
        self._runs: dict[str, tuple[StoredRun, Mapping[str, str]]] = {}

    def add(self, run: Run) -> Seed:
        """Know where the run's parts are, and their checksums."""
        self._runs[run.info.run_id] = stored_run(run), clean_tags(run.data.tags)
        seed: Seed = read_seed(run)
        content, reason = one_line(seed.content), one_line(seed.reason)
        return dataclasses.replace(
            seed, content=content, reason=reason, about=clean_tags(seed.about), data=clean_tags(seed.data)
        )

    def tags(self, seed: Seed) -> Mapping[str, str]:
        return self._runs[seed.run][1]

    def answers(self, run: str) -> ByTask:
        import pandas as pd

        stored, tags = self._runs[run]
        name = f"{tags['row']} seed {tags['seed']}"
        if not stored.answers:
            return {}
        with store_errors(self.store):
            content = self.file(stored)
            if content is None or sha256(content) != stored.answers:
                fault = "are gone" if content is None else "are not what was delivered"
                raise InputError(f"the answers of {name} in {self.store.shown} {fault} (run {run}); {AGAIN}")
            return answers_of_table(pd.read_parquet(io.BytesIO(content)))

    def file(self, run: StoredRun) -> bytes | None:
        """The file of a run's answers, None if it is gone."""
        path = self.store.answers_file(run.artifact_uri)
        if path is not None:
            return path.read_bytes() if path.exists() else None
        import tempfile

        if ANSWERS not in {file.path for file in self.store.client.list_artifacts(run.run)}:
            return None
        with tempfile.TemporaryDirectory() as folder:
            return Path(self.store.client.download_artifacts(run.run, ANSWERS, folder)).read_bytes()

    def curves(self, run: str, names: Sequence[str]) -> Mapping[str, Mapping[int, float]]:
        curves = {}
        _, tags = self._runs[run]
        checks, name = json.loads(tags["curves"]), f"{tags['row']} seed {tags['seed']}"
        with store_errors(self.store):
            for metric in names:
                points = {point.step: point.value for point in self.store.client.get_metric_history(run, metric)}
                if points and checks.get(metric) != curve_check(points):
                    raise InputError(f"{metric} of {name} in {self.store.shown} is not what was delivered; {AGAIN}")
                if points:
                    curves[metric] = dict(sorted(points.items()))
        return curves


@contextmanager
def store_errors(store: Connection, seconds: float = SLOW) -> Iterator[None]:
    """``InputError`` for whatever goes wrong in reading a store, and for a server that takes longer than this."""
    try:
        if store.remote:
            store.load()
        with time_limit(seconds if store.remote else math.inf, never):
            yield
    except InputError:
        raise
    except Exception as error:  # MLflow's, its database's, its HTTP client's or a file's, whichever
        message = f"the tracking store {store.shown} cannot be read: {reason(error)}"
        raise InputError(f"{message}; harness doctor tells more") from None


class StoredResults:
    """A tracking store, as reports read it (``harness.tracking.results_source.ResultsSource``)."""

    def __init__(self, store: Connection) -> None:
        self.store = store
        self.name = f"the tracking store {store.shown}"
        self._faults: list[str] = []

    def setups(self, pairs: Iterable[Pair], only: str | None = None) -> list[SetUp]:
        wanted: dict[str, tuple[Suite, dict[str, Row]]] = {}
        for suite, row in pairs:
            wanted.setdefault(suite.slug, (suite, {}))[1][row.name] = row
        if damage := self.store.damage(deep=True):
            raise InputError(f"{self.name} cannot be read, it is damaged ({' '.join(damage.split())}); {AGAIN}")
        reader = RunReader(self.store)
        rows: dict[str, dict[str, Runs]] = {}
        left_out: dict[str, dict[str, Mapping[int, str]]] = {}
        tags: dict[str, Mapping[str, str]] = {}
        for suite, suite_rows in wanted.values():
            for (setup, name), runs in runs_by_row(self.store, suite, only).items():
                self._faults += [
                    f"{self.name}: {fault}"
                    for run in runs
                    if (fault := placement_fault(run.info.run_id, run.data.tags))
                ]
                if name not in suite_rows:  # not in the registry any more
                    continue
                row = suite_rows[name]
                seeds, missing = select_seeds(suite, row, runs, reader)
                unchecked = {"setup": "", **clean_tags(runs[0].data.tags), "data_notes": ""}
                tags.setdefault(setup, unchecked)
                if seeds:
                    tags[setup] = majority_tags([reader.tags(seed) for seed in seeds])
                    rows.setdefault(setup, {})[f"{suite.slug}/{name}"] = Runs(suite, row, seeds, reader)
                if missing:
                    left_out.setdefault(setup, {})[f"{suite.slug}/{name}"] = missing
        order = [f"{suite.slug}/{name}" for suite, suite_rows in wanted.values() for name in suite_rows]
        setups = [
            build_setup(
                setup_tags,
                {slug: rows[name][slug] for slug in order if slug in rows.get(name, {})},
                left_out.get(name, {}),
            )
            for name, setup_tags in tags.items()
        ]
        return sorted(setups, key=lambda each: [each.facts[name] for name in FACTS])

    def trials(self, only: str | None = None) -> list[TrialRun]:
        latest: dict[tuple[str, str, str], tuple[StoredRun, TrialRun]] = {}
        with store_errors(self.store):
            for experiment in self.store.client.search_experiments(filter_string=f"name LIKE '{STUDIES}/%'"):
                for run in complete_runs(self.store, experiment.experiment_id, "trial", only):
                    tags, stored = clean_tags(run.data.tags), stored_run(run)
                    key = (tags.get("arm", ""), tags.get("setup", ""), tags.get("trial", ""))
                    if fault := unreadable(run):
                        self._faults.append(f"{self.name}: run {run.info.run_id}, of a trial, is passed over, {fault}")
                    elif not stored.intact:
                        self._faults.append(f"{self.name}: trial {key[2]} of {key[0]} is passed over; {DAMAGED}")
                    elif key not in latest or latest[key][0] < stored:
                        latest[key] = stored, TrialRun(tags, run.data.metrics)
        return [trial for _, trial in latest.values()]

    def faults(self) -> list[str]:
        return self._faults

    def ablations(self) -> list[str]:
        with store_errors(self.store):
            experiments = self.store.client.search_experiments(filter_string=f"name LIKE '{PAPER}/%'")
            return sorted(each.name.removeprefix(f"{PAPER}/") for each in experiments)


def runs_by_row(store: Connection, suite: Suite, only: str | None) -> dict[tuple[str, str], list[Run]]:
    """The whole runs of a suite's seeds, by set-up and the row's name without its variant."""
    by_row: dict[tuple[str, str], list[Run]] = {}
    with store_errors(store):
        experiment = store.client.get_experiment_by_name(suite.slug)
        if experiment is None or experiment.lifecycle_stage == "deleted":
            return {}
        for run in complete_runs(store, experiment.experiment_id, "seed", only):
            tags = run.data.tags
            name = tags.get("row", "").removesuffix(tags.get("variant", ""))
            by_row.setdefault((tags.get("setup", ""), name), []).append(run)
    return by_row


def select_seeds(suite: Suite, row: Row, runs: Collection[Run], reader: RunReader) -> tuple[list[Seed], dict[int, str]]:
    """The seeds that a row has among its runs of one set-up, and why it does not have others."""
    faults: dict[int, str] = {}
    trusted: dict[tuple[str, int], tuple[StoredRun, Run]] = {}  # by training
    for run in runs:
        stored, tags = stored_run(run), run.data.tags
        fault = describe_mistrust(run, reading_digest(suite, row))
        seed = parse_count(tags.get("seed", ""))
        if seed is None:
            continue
        key = (stored.cell, seed)
        if fault:
            faults[key[1]] = fault
        elif key not in trusted or trusted[key][0] < stored:
            trusted[key] = stored, run
    candidates = [(training_of(run), run) for _, run in trusted.values()]
    setup = parse_setup(majority_tags([run.data.tags for _, run in candidates])) if candidates else None
    matched = match_trainings(DeclaredRow(suite, row, setup), candidates)
    unmatched = {seed: fault for seed, fault in faults.items() if seed not in matched.kept}
    return [reader.add(run) for run in matched.kept.values()], dict(
        sorted((unmatched | dict(matched.left_out)).items())
    )


def describe_mistrust(run: Run, declared: str) -> str:
    """Why a run's values are not to be shown; empty if they are."""
    tags = run.data.tags
    if tags.get(RETIRED):
        return one_line(tags[RETIRED])[:200]
    if not tags.get("check"):
        return UNCHECKED
    if tags.get("declared") != declared:
        return READ_OTHERWISE
    if fault := unreadable(run):
        return f"run {run.info.run_id} in the tracking store cannot be read, {fault}; {AGAIN}"
    return "" if is_intact(run) else DAMAGED


def training_of(run: Run) -> Training:
    """What a run says of its training."""
    tags = run.data.tags
    return Training(
        cell=tags["cell"],
        key=tags.get("digest", ""),
        seed=int(tags["seed"]),
        data=read_seed(run).data,
        encoder=tags.get("encoder_identity", ""),
        starts=json.loads(tags.get("starts") or "{}"),
    )


def complete_runs(store: Connection, experiment: str, kind: str, only: str | None) -> Iterator[Run]:
    """The runs of a kind that were written whole and not superseded, or that their row does not have any more."""
    query = f"tags.kind = '{kind}'" + (f" and tags.setup = '{only}'" if only else "")
    token = None
    while token != "":
        page: Any = store.client.search_runs([experiment], filter_string=query, max_results=PAGE, page_token=token)
        for run in page:
            superseded = run.data.tags.get("superseded") == "true" and not run.data.tags.get(RETIRED)
            if not superseded and run.info.status != "RUNNING":
                yield run
        token = page.token or ""
