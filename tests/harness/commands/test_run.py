"""``harness run`` with real processes and a real store, on the embedded data and a throw-away encoder."""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from experiments.profiles import PROFILES
from harness.cells.record import read_records
from harness.commands import run as running
from tests.harness.conftest import Invoke
from tests.harness.homes import planned

SUITE = "bertram/table1"
SMALL = ("--set", "epochs=2", "--jobs", "1", "--device", "cpu")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_suite_runs_to_a_table_and_runs_again_without_training(invoke: Invoke, encoder: Path, home: Path) -> None:
    command = ("run", SUITE, "--rows", "03-sst-quora,13-combined-test,12-combined", "--seeds", "2", *SMALL)
    first = invoke(*command, "--encoder", encoder)
    assert first.exit_code == 0, first.output
    assert "03-sst-quora" in first.output
    assert "majority class" in first.output
    assert "shows the machinery" in first.output
    cells = list(read_records(home))
    assert len(cells) == 4  # 12 and 13 share theirs
    started = {cell.metadata["started"] for cell in cells}
    second = invoke(*command, "--encoder", encoder)
    assert second.exit_code == 0
    assert {cell.metadata["started"] for cell in read_records(home)} == started
    same, report = (result.output.split("Exploring")[1].partition("report: ")[::2] for result in (first, second))
    assert same[0] == report[0]  # the same table
    assert same[1].split()[0] == report[1].split()[0] and "(unchanged)" in report[1]
    assert Path(same[1].split()[0]).read_bytes().startswith(b"%PDF")

    for suffix in ("md", "csv"):
        assert list((home / "reports").glob(f"bertram-table1-demo*.{suffix}"))
    check_store(home)
    check_results(invoke, home)


def check_store(home: Path) -> None:
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(SUITE)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    parents = {run.info.run_id: run for run in runs if run.data.tags["kind"] == "row"}
    children = [run for run in runs if run.data.tags["kind"] == "seed"]
    assert len(parents) == 3
    assert len(children) == 6  # one a row and seed, although two rows share cells
    for run in children:
        tags = run.data.tags
        assert parents[tags["mlflow.parentRunId"]].data.tags["row"] == tags["row"]
        for name in ("paper", "row", "seed", "digest", "data", "profile", "cell", "setup", "threads", "version"):
            assert tags[name], name
        assert float(run.data.params["optimizer.rate"]) == pytest.approx(1e-5 * PROFILES["demo"].rate_multiplier)
        assert run.data.params["epochs"] == "2"
        assert run.info.end_time - run.info.start_time == pytest.approx(1000 * run.data.metrics["seconds"], abs=1)
        metrics = run.data.metrics
        for name in ("dev/sst_accuracy", "dev/quora_accuracy", "dev/sts_pearson", "dev/overall", "train/sst_accuracy"):
            assert name in metrics, name
        assert len(client.get_metric_history(run.info.run_id, "dev/sst_accuracy")) == 2
        assert {arguments.dataset.name for arguments in run.inputs.dataset_inputs} == {"sst", "quora", "sts"}
        check_predictions(client, run.info.run_id, run.data.metrics["reported/sst_accuracy"], tags["split"])


def check_predictions(client: MlflowClient, run: str, reported: float, split: str) -> None:
    """The reported accuracy can be had again from the stored predictions."""
    place = client.get_run(run).info.artifact_uri.removeprefix("mlflow-artifacts:/")  # below the database's folder
    file = Path(client.tracking_uri.removeprefix("sqlite:///")).parent / "artifacts" / place / "predictions.parquet"
    frame = pd.read_parquet(file).query(f"task == 'sst' and split == '{split}'")
    assert len(frame) > 100
    assert math.isclose((frame["answer"] == frame["label"]).mean(), reported)


def check_results(invoke: Invoke, home: Path) -> None:
    target = home / "all.parquet"
    assert invoke("results", f"{SUITE}/12-combined", "--parquet", target).exit_code == 0
    frame = pd.read_parquet(target)
    assert set(frame["split"]) == {"train", "dev", "test", "health"}
    assert frame["cell"].nunique() == 2
    assert set(frame["epoch"]) == {1, 2}
    assert frame["rows"].str.contains("13-combined-test").all()
    assert not frame.duplicated(["cell", "epoch", "split", "metric"]).any()


def test_a_failed_cell_is_named_and_others_go_on(invoke: Invoke, encoder: Path, home: Path) -> None:
    rows = ("--rows", "01-baseline,03-sst-quora", "--seeds", "1")
    result = invoke(
        "run", SUITE, *rows, "--no-report", "--encoder", encoder, "--set", "optimizer.rate=1e30", "--jobs", "1"
    )
    assert result.exit_code == 1
    assert "failed: bertram/table1/03-sst-quora" in result.output
    assert "the loss of sst is" in result.output
    assert sorted(cell.outcome["status"] for cell in read_records(home)) == ["done", "failed"]
    trace = next(home.glob("cells/*/traceback.txt")).read_text()
    assert "NonFinite" in trace


def test_a_cell_that_is_gone_when_the_command_ends_is_no_success(
    invoke: Invoke, encoder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("run", SUITE, "--rows", "01-baseline", "--seeds", "2", *SMALL, "--encoder", encoder, "--no-report")
    assert invoke(*words).exit_code == 0
    gone, trained = next(each for each in read_records(home) if each.metadata["seed"] == 1), running._train

    def lost(*arguments: Any) -> str:
        end = trained(*arguments)
        shutil.rmtree(gone.folder)
        return end

    with monkeypatch.context() as patched:
        patched.setattr(running, "_train", lost)
        result = invoke(*words)
    assert result.exit_code == 1
    said = " ".join(result.output.split())
    assert f"{SUITE}/01-baseline[epochs=2] seed 1" in said and "the same command trains them again" in said
    assert invoke(*words).exit_code == 0
    assert len(list(read_records(home))) == 2


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_a_file_system_without_locks_is_said_before_training(
    invoke: Invoke, encoder: Path, home: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def lockless(stream: object, how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", lockless)
    result = invoke("run", SUITE, "--rows", "01-baseline", "--seeds", "1", *SMALL, "--encoder", encoder, "--no-report")
    assert result.exit_code == 2
    assert f"has no locks ({os.strerror(number)})" in " ".join(result.output.split())
    assert not list(home.glob("cells/*/outcome.json"))


def test_a_group_can_read_what_a_run_leaves(invoke: Invoke, encoder: Path, home: Path) -> None:
    """Kept weights and encoders too, whose libraries write them for their owner alone."""
    rows = ("--rows", "04-all-three", "--seeds", "1", "--keep", "selected")
    assert invoke("run", SUITE, *rows, *SMALL, "--encoder", encoder, "--no-report").exit_code == 0
    new, folder = home / "new", home / "folder"
    new.touch()
    folder.mkdir()
    assert list(home.rglob("*.safetensors"))
    for path in home.rglob("*"):
        assert path.stat().st_mode == (folder if path.is_dir() else new).stat().st_mode, path


def test_a_variant_is_named_after_its_change_and_keeps_its_weights(invoke: Invoke, encoder: Path, home: Path) -> None:
    words = ("run", SUITE, "--rows", "02-pretrained", "--no-report", "--seeds", "1", "--encoder", encoder, *SMALL)
    result = invoke(*words, "--with", "mse-on-sts", "--keep", "selected")
    assert result.exit_code == 0, result.output
    assert "mse-on-sts, epochs=2" in result.output
    (weights,) = home.glob("cells/*/weights/*.safetensors")
    assert weights.stat().st_size > 10_000
    ours = json.loads(invoke("list", f"{SUITE}/02-pretrained", "--json").output)[0]["ours"]
    assert ours[0]["variant"] == "[mse-on-sts, epochs=2]"
    assert ours[0]["n"] == 1


def test_a_dry_run_trains_nothing(invoke: Invoke, home: Path) -> None:
    result = invoke("run", "table1", "--dry-run")
    assert result.exit_code == 0
    assert "0 done" in result.output
    assert "GB" in result.output
    assert not (home / "cells").exists()


def test_a_cell_trained_again_keeps_its_readers_and_replaces_its_run(invoke: Invoke, encoder: Path, home: Path) -> None:
    words = ("--seeds", "1", "--encoder", encoder, *SMALL, "--set", "quora.rows=40", "--set", "sst.rows=40")
    assert invoke("run", SUITE, "--rows", "12-combined,13-combined-test", "--no-report", *words).exit_code == 0
    (before,) = read_records(home)
    assert invoke("run", SUITE, "--rows", "12-combined", "--rerun", "--no-report", *words).exit_code == 0
    (after,) = read_records(home)
    assert after.id == before.id
    assert after.outcome["seconds"] != before.outcome["seconds"]
    assert "13-combined-test" in " ".join(planned(home)[after.id])
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(SUITE)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.kind = 'seed'")
    assert (
        len([run for run in runs if run.data.tags["row"].startswith("12-") and "superseded" not in run.data.tags]) == 1
    )
