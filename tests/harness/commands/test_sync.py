"""``harness sync``: everything in a results folder, in any tracking store; what goes wrong is one sentence."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from harness.cells.atomic import try_lock
from tests.harness.conftest import Invoke
from tests.harness.homes import cell, empty, failed, missing, reads, stored_runs

ROW, TWIN = "bertram/table1/12-combined", "bertram/table1/13-combined-test"


@pytest.fixture(autouse=True)
def fast_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases are copies of one."""
    empty()
    monkeypatch.setattr("harness.tracking.database.migrate_database", lambda file: file.write_bytes(empty()))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two rows that share a cell, another cell and one that failed; never delivered."""
    home = tmp_path / "home"
    for seed in (0, 1):
        cell(home, ROW, seed=seed, ended=seed + 1)
    failed(home, ROW, seed=2, ended=3)
    reads(home, ROW, 0, 1, 2)
    reads(home, TWIN, 0)
    return home


def test_everything_is_in_the_other_store_and_once(invoke: Invoke, home: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'other.db'}"
    first = invoke("sync", "--to", uri)
    assert (first.exit_code, first.output) == (0, f"{uri}: 4 new, 0 there before, 0 not delivered\n")
    shown = stored_runs(uri, ids=True)
    assert len(shown) == 2 + 4
    assert missing(home, uri) == []
    second = invoke("sync", "--to", uri)
    assert (second.exit_code, second.output) == (0, f"{uri}: 0 new, 4 there before, 0 not delivered\n")
    assert stored_runs(uri, ids=True) == shown
    assert not (home / "mlflow.db").exists()


def test_the_homes_own_store_and_another_hold_the_same(
    invoke: Invoke, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoke("sync").exit_code == 0
    own = f"sqlite:///{home / 'mlflow.db'}"
    other = f"sqlite:///{tmp_path / 'other.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", other)
    assert "4 new" in invoke("sync").output
    assert stored_runs(own) == stored_runs(other)


def test_what_is_in_a_store_already_stays_as_it_is(invoke: Invoke, home: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'other.db'}"
    (tmp_path / "other.db").write_bytes(empty())
    client = MlflowClient(uri)
    experiment = client.create_experiment("bertram/table1", artifact_location=(tmp_path / "theirs").as_uri())
    theirs = client.create_run(experiment, tags={"seed": "7"}).info.run_id
    assert invoke("sync", "--to", uri).exit_code == 0
    assert client.get_run(theirs).info.status == "RUNNING"
    client.delete_run(theirs)
    assert missing(home, uri) == []


def test_what_is_no_home_is_explained(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("sync", "--home", tmp_path / "none")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    message = f"error: {tmp_path / 'none'} is no results folder of trained cells; name one with --home"
    assert result.output.startswith(message)
    assert not (tmp_path / "none").exists()


def test_a_home_in_use_is_explained(invoke: Invoke, home: Path) -> None:
    lock = try_lock(home / "writer.lock")
    assert lock is not None
    with lock:
        result = invoke("sync")
    assert result.exit_code == 2
    assert result.output.startswith("error: another process writes the results of")


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("nonsense://ann:secret@host/db", "nonsense://ann:***@host/db"),
        ("http://ann:secret@127.0.0.1:1/path", "Connection refused"),
        ("http://ann:secret@127.0.0.1:99999", "http://ann:***@127.0.0.1:99999"),
        ("postgresql://ann:secret@127.0.0.1:1/db", "postgresql://ann:***@127.0.0.1:1/db"),
        ("sqlite:////proc", "unable to open database file"),
        ("sqlite:////proc/none/x.db", "/proc"),
    ],
)
def test_a_store_that_cannot_be_had_is_one_quick_sentence(invoke: Invoke, home: Path, uri: str, text: str) -> None:
    before = time.monotonic()
    result = invoke("sync", "--to", uri)
    assert time.monotonic() - before < 20
    assert result.exit_code == 1
    sentence, count = result.output.splitlines()
    assert sentence.startswith("the tracking store ")
    assert text in sentence
    assert count.endswith(": 0 new, 0 there before, 4 not delivered")
    assert "secret" not in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("uri", ["postgresql:/ann:secret@host/db", "http//ann:secret@host", "secret.db", "/secret"])
def test_what_is_no_address_is_explained_without_it(invoke: Invoke, home: Path, uri: str) -> None:
    result = invoke("sync", "--to", uri)
    assert result.exit_code == 2
    assert result.output == ("error: --to is no address of a tracking store; give http://HOST:PORT or sqlite:///FILE\n")


def test_a_databricks_workspace_is_an_address(invoke: Invoke, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DATABRICKS")]:
        monkeypatch.delenv(name)
    result = invoke("sync", "--to", "databricks")
    assert result.exit_code == 1
    assert "credential" in result.output


def test_a_moved_home_is_delivered_as_before(invoke: Invoke, home: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'other.db'}"
    invoke("sync", "--to", uri)
    shown = stored_runs(uri, ids=True)
    shutil.move(home, tmp_path / "elsewhere")
    assert "0 new, 4 there before" in invoke("sync", "--to", uri, "--home", tmp_path / "elsewhere").output
    assert stored_runs(uri, ids=True) == shown
