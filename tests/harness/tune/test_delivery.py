"""Ended trials in the tracking store: each once, with all its numbers, as often as the store is made again."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from experiments import studies
from harness.cells.atomic import append_line, checksummed
from harness.cells.trial import Trial
from harness.execution.config import ExecutionConfig
from harness.tracking import trial_payload
from harness.tracking.deliverables import collect_deliverables
from harness.tracking.store import Store
from harness.tracking.sync import Count, Delivery
from harness.tune import run as run_module
from harness.tune.run import cost_unit
from harness.tune.study_run import StudyRun
from tests.harness.conftest import Invoke
from tests.harness.homes import TAGS, all_of, empty
from tests.harness.tune.journals import SECONDS, ManualPool, dev_scores, line, make_study_run, train_to_end

Shown = dict[tuple[str, ...], Any]


@pytest.fixture(autouse=True)
def fast_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases are copies of one."""
    empty()
    monkeypatch.setattr("harness.tracking.database.migrate_database", lambda file: file.write_bytes(empty()))


def run_noted_study(home: Path, study_run: StudyRun, trials: int) -> list[Trial]:
    """A study without a tracking store, with a failed trial and pruned ones; each is noted as it ends."""
    config = ExecutionConfig(home=home, jobs=1, threads=1, device="cpu")
    pool = ManualPool(home)
    queue = pool.make_queue(
        study_run,
        trials,
        2,
        lambda trial: trial_payload.write_trial(
            home, run_module.trial_record(study_run, cost_unit(config), trial, TAGS)
        ),
    )
    while pool.step(queue):
        if len(queue.trials) == 3 and queue.trials[2].running:
            pool.fail(queue.cell(queue.trials[2]), "the loss of sst is nan")
    return queue.storage.trials()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


Delivered = tuple[Path, list[Trial], Shown]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    """Such a results folder whose trials are in its tracking store, and all that this holds."""
    home = tmp_path_factory.mktemp("delivered") / "home"
    trials = run_noted_study(home, make_study_run(), 8)
    (home / "mlflow.db").write_bytes(empty())
    assert deliver(home) == Count(new=8)
    return home, trials, shown(uri(home))


def deliver(home: Path, uri: str | None = None) -> Count:
    with Delivery(Store(home, uri), print) as delivery:
        return delivery.deliver_all(home)


def uri(home: Path) -> str:
    return f"sqlite:///{home / 'mlflow.db'}"


def shown(uri: str) -> Shown:
    """All that a store shows of trials and their parents, each once and whole."""
    client, runs_shown = MlflowClient(uri), Shown()
    for experiment in client.search_experiments():
        runs = {run.info.run_id: run for run in client.search_runs([experiment.experiment_id])}
        for run in runs.values():
            key = (experiment.name, run.data.tags["row"], run.data.tags.get("trial", ""))
            assert key not in runs_shown
            runs_shown[key] = all_of(client, run, runs)
            assert runs_shown[key]["status"] != "RUNNING"
    return runs_shown


def check(run: dict[str, Any], trial: Trial, study_run: StudyRun) -> None:
    """A trial's run has what the trial came to, epoch by epoch."""
    status = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}[trial.state]
    assert (run["status"], run["parent"], run["name"]) == (
        status,
        study_run.name,
        f"{study_run.name} trial {trial.number}",
    )
    tags, metrics = run["tags"], run["metrics"]
    assert (tags["kind"], tags["trial"], tags["state"], tags["cell"]) == (
        *("trial", str(trial.number), trial.state, trial.cell),
    )
    assert (tags["reason"], tags["start"], tags["reused"]) == (trial.reason, trial.start, str(trial.reused).lower())
    assert (tags["sampler"], tags["pruner"], tags["sampler_seed"]) == ("tpe", "hyperband", "0")
    assert {name: tags[name] for name in TAGS} == TAGS
    assert json.loads(tags["params"]) == trial.params
    assert {name: float(run["params"][name]) for name in trial.params} == trial.params
    assert metrics["cost"] == [(0, repr(trial.cost))]
    assert metrics["epochs"] == [(0, repr(float(len(trial.curve))))]
    for name in ("sst_accuracy", "quora_accuracy", "sts_pearson"):
        points = [(epoch, repr(dev_scores(trial.params, epoch)[name])) for epoch in sorted(trial.curve)]
        assert metrics.get(f"dev/{name}", []) == points
    assert {name for name in metrics if name.startswith("reported/")} == (
        {f"reported/{name}" for name in (*trial.scores, "epoch")} if trial.curve else set()
    )
    for name, score in trial.scores.items():
        assert metrics[f"reported/{name}"] == [(trial.epoch, repr(score))]
    start, end = run["times"]
    assert end == round(1000 * datetime.datetime.fromisoformat(trial.ended).timestamp())
    assert end - start == round(1000 * SECONDS * len(trial.curve))


def test_every_ended_trial_is_there_once_with_all_its_numbers(delivered: Delivered) -> None:
    (home, trials, runs), study_run = delivered, make_study_run()
    assert {trial.state for trial in trials} == {"complete", "pruned", "failed"}
    assert set(runs) == {("tuning/baseline", study_run.name, number) for number in ("", *map(str, range(8)))}
    for trial in trials:
        check(runs["tuning/baseline", study_run.name, str(trial.number)], trial, study_run)
    parent = runs["tuning/baseline", study_run.name, ""]
    assert (parent["parent"], parent["tags"]["kind"]) == (None, "row")
    assert deliver(home) == Count(present=8)


def test_sync_tells_another_store_the_same_whatever_became_of_the_cells(
    delivered: Delivered, home: Path, invoke: Invoke
) -> None:
    (delivered_home, trials, runs), study_run = delivered, make_study_run()
    shutil.copytree(delivered_home, home, ignore=shutil.ignore_patterns("mlflow.db*"))
    cut = next(trial for trial in trials if trial.state == "pruned")
    train_to_end(home, study_run.cell(cut.params), cut.params, study_run.epochs)  # a row wanted it
    (home / "studies" / "optuna.log").unlink()
    other = f"sqlite:///{home.parent / 'other.db'}"
    result = invoke("sync", "--home", home, "--to", other)
    assert (result.exit_code, result.output) == (0, f"{other}: 8 new, 0 there before, 0 not delivered\n")
    assert shown(other) == runs


def test_a_trial_whose_cell_has_lost_its_epochs_is_left_for_later(home: Path) -> None:
    """Another process trains it from the start."""
    study_run = make_study_run()
    trials = run_noted_study(home, study_run, 4)
    path = home / "cells" / trials[0].cell / "journal.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text(f"{first}\n")
    assert deliver(home) == Count(new=3, left=1)
    path.write_text("".join(f"{each}\n" for each in (first, *rest)))
    assert deliver(home) == Count(new=1, present=3)
    check(shown(uri(home))["tuning/baseline", study_run.name, "0"], trials[0], study_run)


def test_damaged_files_cost_their_own_trial_alone(home: Path) -> None:
    trials = run_noted_study(home, make_study_run(), 4)
    append_line(home / "cells" / trials[0].cell / "journal.jsonl", "{")
    noted = sorted((home / "readers").glob("trial-*.json"))
    assert len(noted) == 4
    damaged = next(path for path in noted if json.loads(path.read_text())["trial"]["number"] == 1)
    damaged.write_text(damaged.read_text().replace("complete", "pruned"))
    said: list[str] = []
    entries = collect_deliverables(home, said.append).entries
    assert [entry.part for entry in entries] == ["trial 2", "trial 3"]
    assert {text.partition(" is damaged")[0] for text in said} == {
        f"{home / 'cells' / trials[0].cell / 'journal.jsonl'}:{len(trials[0].curve) + 1}",
        str(damaged),
    }


def test_a_study_that_left_the_registry_is_told_and_skipped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_noted_study(home, make_study_run(), 2)
    monkeypatch.delitem(studies.STUDIES, "baseline")
    said: list[str] = []
    assert collect_deliverables(home, said.append).entries == []
    assert said == ["left out, not in the registry or in a file that was named: tuning/baseline"]


def test_noting_again_changes_nothing(home: Path) -> None:
    study_run = make_study_run()
    trials = run_noted_study(home, study_run, 3)
    deliver(home)
    files = {path: path.read_bytes() for path in (home / "readers").iterdir()}
    for trial in trials:
        trial_payload.write_trial(home, run_module.trial_record(study_run, "CPU-seconds", trial, TAGS))
    assert {path: path.read_bytes() for path in (home / "readers").iterdir()} == files
    assert deliver(home) == Count(present=3)


def test_a_trial_without_an_overall_has_the_scores_that_there_are(home: Path) -> None:
    study_run = make_study_run()
    cell = study_run.cell(SETTINGS)
    folder = home / "cells" / cell.id
    train_to_end(home, cell, SETTINGS, 3)
    journal = [
        checksummed(line({"sst_accuracy": 0.5, "quora_accuracy": 0.25, "sts_pearson": None}, at)) for at in (1, 2)
    ]
    (folder / "journal.jsonl").write_text("".join(f"{each}\n" for each in journal))
    trial = Trial(
        number=0,
        params=SETTINGS,
        cell=cell.id,
        state="failed",
        scores={"sst_accuracy": 0.5, "quora_accuracy": 0.25},
        curve={1: float("nan"), 2: float("nan")},
        epoch=1,
        cost=7.0,
        reason="no overall",
        ended="2026-01-01T00:00:00.000+00:00",
    )
    trial_payload.write_trial(home, run_module.trial_record(study_run, "CPU-seconds", trial, TAGS))
    assert deliver(home) == Count(new=1)
    run = shown(uri(home))["tuning/baseline", study_run.name, "0"]
    assert (run["status"], run["tags"]["reason"]) == ("FAILED", "no overall")
    assert run["metrics"]["reported/sst_accuracy"] == [(1, "0.5")]
    assert "reported/overall" not in run["metrics"]
    assert run["metrics"]["epochs"] == [(0, "2.0")]


SETTINGS = {"lr": 2e-5, "dropout": 0.25, "weight_decay": 1e-3}
