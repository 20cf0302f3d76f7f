"""What a tracking store holds, read back as evidence for reports. A run is believed if it is what the row declares now
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
from experiments.variant import Row, Suite
from harness.catalogue import Pair
from harness.declared import Declared, Training, declaration, matched, setup_of
from harness.delivery import SLOW, never, reason, within
from harness.holding import by_task, curve_check
from harness.legible import count, line, lined, misplaced, usual
from harness.measured import TrialRun, set_up
from harness.shown import RETIRED, Held, is_sound, seed_in, seen, unreadable
from harness.store import ANSWERS, PAGE, Store, sha256
from harness.tune.told import PAPER as STUDIES
from model.answers import ByTask
from model.errors import InputError
from reports.evidence import FACTS, Runs, Seed, SetUp

if TYPE_CHECKING:
    from mlflow.entities import Run

AGAIN = "harness sync from its results folder delivers it again"
DAMAGED = f"its values in the tracking store are not those that were delivered; {AGAIN}"
READ_OTHERWISE = f"delivered for another split, selection or overall formula; {AGAIN}"
UNCHECKED = f"delivered by an older version, which kept no checksums; {AGAIN}"


class Artifacts:
    """Reads the large parts of runs (``reports.evidence.Reader``). ``InputError`` for what cannot be read, or is not
    what was delivered."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._runs: dict[str, tuple[Held, Mapping[str, str]]] = {}

    def add(self, run: Run) -> Seed:
        """Know where the run's parts are, and their checksums."""
        self._runs[run.info.run_id] = seen(run), lined(run.data.tags)
        seed: Seed = seed_in(run)
        content, reason = line(seed.content), line(seed.reason)
        return dataclasses.replace(seed, content=content, reason=reason, about=lined(seed.about), data=lined(seed.data))

    def tags(self, seed: Seed) -> Mapping[str, str]:
        return self._runs[seed.run][1]

    def answers(self, run: str) -> ByTask:
        import pandas as pd

        held, tags = self._runs[run]
        name = f"{tags['row']} seed {tags['seed']}"
        if not held.answers:
            return {}
        with asked(self.store):
            content = self.file(held)
            if content is None or sha256(content) != held.answers:
                how = "are gone" if content is None else "are not what was delivered"
                raise InputError(f"the answers of {name} in {self.store.shown} {how} (run {run}); {AGAIN}")
            return by_task(pd.read_parquet(io.BytesIO(content)))

    def file(self, run: Held) -> bytes | None:
        """The file of a run's answers, None if it is gone."""
        path = self.store.answers_file(run.place)
        if path is not None:
            return path.read_bytes() if path.exists() else None
        import tempfile

        if ANSWERS not in {file.path for file in self.store.client.list_artifacts(run.run)}:
            return None
        with tempfile.TemporaryDirectory() as folder:
            return Path(self.store.client.download_artifacts(run.run, ANSWERS, folder)).read_bytes()

    def curves(self, run: str, names: Sequence[str]) -> Mapping[str, Mapping[int, float]]:
        found = {}
        _, tags = self._runs[run]
        checks, name = json.loads(tags["curves"]), f"{tags['row']} seed {tags['seed']}"
        with asked(self.store):
            for metric in names:
                points = {point.step: point.value for point in self.store.client.get_metric_history(run, metric)}
                if points and checks.get(metric) != curve_check(points):
                    raise InputError(f"{metric} of {name} in {self.store.shown} is not what was delivered; {AGAIN}")
                if points:
                    found[metric] = dict(sorted(points.items()))
        return found


@contextmanager
def asked(store: Store, seconds: float = SLOW) -> Iterator[None]:
    """``InputError`` for whatever goes wrong in reading a store, and for a server that takes longer than this."""
    try:
        if store.remote:
            store.load()
        with within(seconds if store.remote else math.inf, never):
            yield
    except InputError:
        raise
    except Exception as error:  # MLflow's, its database's, its HTTP client's or a file's, whichever
        told = f"the tracking store {store.shown} cannot be read: {reason(error)}"
        raise InputError(f"{told}; harness doctor tells more") from None


class Stored:
    """A tracking store as evidence (``harness.measured.Evidence``)."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.name = f"the tracking store {store.shown}"
        self._faults: list[str] = []

    def setups(self, pairs: Iterable[Pair], only: str | None = None) -> list[SetUp]:
        wanted: dict[str, tuple[Suite, dict[str, Row]]] = {}
        for suite, row in pairs:
            wanted.setdefault(suite.slug, (suite, {}))[1][row.name] = row
        if damage := self.store.damage(deep=True):
            raise InputError(f"{self.name} cannot be read, it is damaged ({' '.join(damage.split())}); {AGAIN}")
        reader = Artifacts(self.store)
        rows: dict[str, dict[str, Runs]] = {}
        left_out: dict[str, dict[str, Mapping[int, str]]] = {}
        tags: dict[str, Mapping[str, str]] = {}
        for suite, named in wanted.values():
            for (setup, name), runs in by_row(self.store, suite, only).items():
                self._faults += [
                    f"{self.name}: {fault}" for run in runs if (fault := misplaced(run.info.run_id, run.data.tags))
                ]
                if name not in named:  # not in the registry any more
                    continue
                row = named[name]
                seeds, gone = chosen(suite, row, runs, reader)
                unchecked = {"setup": "", **lined(runs[0].data.tags), "data_notes": ""}
                tags.setdefault(setup, unchecked)
                if seeds:
                    tags[setup] = usual([reader.tags(seed) for seed in seeds])
                    rows.setdefault(setup, {})[f"{suite.slug}/{name}"] = Runs(suite, row, seeds, reader)
                if gone:
                    left_out.setdefault(setup, {})[f"{suite.slug}/{name}"] = gone
        order = [f"{suite.slug}/{name}" for suite, named in wanted.values() for name in named]
        made = [
            set_up(of, {slug: rows[name][slug] for slug in order if slug in rows.get(name, {})}, left_out.get(name, {}))
            for name, of in tags.items()
        ]
        return sorted(made, key=lambda each: [each.facts[name] for name in FACTS])

    def trials(self, only: str | None = None) -> list[TrialRun]:
        latest: dict[tuple[str, str, str], tuple[Held, TrialRun]] = {}
        with asked(self.store):
            for experiment in self.store.client.search_experiments(filter_string=f"name LIKE '{STUDIES}/%'"):
                for run in whole(self.store, experiment.experiment_id, "trial", only):
                    tags, held = lined(run.data.tags), seen(run)
                    key = (tags.get("arm", ""), tags.get("setup", ""), tags.get("trial", ""))
                    if fault := unreadable(run):
                        self._faults.append(f"{self.name}: run {run.info.run_id}, of a trial, is passed over, {fault}")
                    elif not held.sound:
                        self._faults.append(f"{self.name}: trial {key[2]} of {key[0]} is passed over; {DAMAGED}")
                    elif key not in latest or latest[key][0] < held:
                        latest[key] = held, TrialRun(tags, run.data.metrics)
        return [trial for _, trial in latest.values()]

    def faults(self) -> list[str]:
        return self._faults

    def ablations(self) -> list[str]:
        with asked(self.store):
            held = self.store.client.search_experiments(filter_string=f"name LIKE '{PAPER}/%'")
            return sorted(each.name.removeprefix(f"{PAPER}/") for each in held)


def by_row(store: Store, suite: Suite, only: str | None) -> dict[tuple[str, str], list[Run]]:
    """The whole runs of a suite's seeds, by set-up and the row's name without its variant."""
    found: dict[tuple[str, str], list[Run]] = {}
    with asked(store):
        experiment = store.client.get_experiment_by_name(suite.slug)
        if experiment is None or experiment.lifecycle_stage == "deleted":
            return {}
        for run in whole(store, experiment.experiment_id, "seed", only):
            tags = run.data.tags
            name = tags.get("row", "").removesuffix(tags.get("variant", ""))
            found.setdefault((tags.get("setup", ""), name), []).append(run)
    return found


def chosen(suite: Suite, row: Row, runs: Collection[Run], reader: Artifacts) -> tuple[list[Seed], dict[int, str]]:
    """The seeds that a row has among its runs of one set-up, and why it does not have others."""
    faults: dict[int, str] = {}
    believed: dict[tuple[str, int], tuple[Held, Run]] = {}  # by training
    for run in runs:
        held, tags = seen(run), run.data.tags
        fault = unbelievable(run, declaration(suite, row))
        seed = count(tags.get("seed", ""))
        if seed is None:
            continue
        key = (held.cell, seed)
        if fault:
            faults[key[1]] = fault
        elif key not in believed or believed[key][0] < held:
            believed[key] = held, run
    candidates = [(training_of(run), run) for _, run in believed.values()]
    setup = setup_of(usual([run.data.tags for _, run in candidates])) if candidates else None
    found = matched(Declared(suite, row, setup), candidates)
    missed = {seed: fault for seed, fault in faults.items() if seed not in found.kept}
    return [reader.add(run) for run in found.kept.values()], dict(sorted((missed | dict(found.left_out)).items()))


def unbelievable(run: Run, declared: str) -> str:
    """Why a run's values are not to be shown; empty if they are."""
    tags = run.data.tags
    if tags.get(RETIRED):
        return line(tags[RETIRED])[:200]
    if not tags.get("check"):
        return UNCHECKED
    if tags.get("declared") != declared:
        return READ_OTHERWISE
    if fault := unreadable(run):
        return f"run {run.info.run_id} in the tracking store cannot be read, {fault}; {AGAIN}"
    return "" if is_sound(run) else DAMAGED


def training_of(run: Run) -> Training:
    """What a run says of its training."""
    tags = run.data.tags
    return Training(
        cell=tags["cell"],
        key=tags.get("digest", ""),
        seed=int(tags["seed"]),
        data=seed_in(run).data,
        encoder=tags.get("encoder_identity", ""),
        starts=json.loads(tags.get("starts") or "{}"),
    )


def whole(store: Store, experiment: str, kind: str, only: str | None) -> Iterator[Run]:
    """The runs of a kind that were written whole and not superseded, or that their row does not have any more."""
    wanted = f"tags.kind = '{kind}'" + (f" and tags.setup = '{only}'" if only else "")
    token = None
    while token != "":
        page: Any = store.client.search_runs([experiment], filter_string=wanted, max_results=PAGE, page_token=token)
        for run in page:
            gone = run.data.tags.get("superseded") == "true" and not run.data.tags.get(RETIRED)
            if not gone and run.info.status != "RUNNING":
                yield run
        token = page.token or ""
