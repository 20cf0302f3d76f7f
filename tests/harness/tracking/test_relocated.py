"""A results folder may be copied, moved and linked to: nothing in it says where it is, and what is written stays
in it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harness.tracking.store import Store
from tests.harness.conftest import Invoke
from tests.harness.homes import cell, empty, missing, reads
from tests.harness.report_homes import contents, deliver, furnish, seeds

SUITE = "smooth-valleys/table2"
ROWS = (f"{SUITE}/finetune-default", f"{SUITE}/finetune-rrobin")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two rows of two seeds, delivered."""
    empty()
    monkeypatch.setattr("harness.tracking.database.migrate_database", lambda file: file.write_bytes(empty()))
    for row in ROWS:
        furnish(tmp_path / "home", seeds(row, 2, skill=0.5 if row == ROWS[0] else 0.8))
    assert deliver(tmp_path / "home").left == 0
    return tmp_path / "home"


def copied(home: Path, place: Path) -> Path:
    shutil.copytree(home, place)
    return place


def moved(home: Path, place: Path) -> Path:
    home.rename(place)
    return place


def copied_and_deleted(home: Path, place: Path) -> Path:
    copied(home, place)
    shutil.rmtree(home)
    return place


def linked(home: Path, place: Path) -> Path:
    place.symlink_to(home)
    return place


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("how", [copied, moved, copied_and_deleted, linked])
def test_its_report_is_the_same_and_it_writes_into_itself(
    invoke: Invoke, home: Path, tmp_path: Path, how: Callable[[Path, Path], Path]
) -> None:
    assert invoke("report", SUITE, "--out", tmp_path / "before").exit_code == 0
    before, files = contents(tmp_path / "before"), set(contents(home))
    there = how(home, tmp_path / "there")
    store = f"sqlite:///{there / 'mlflow.db'}"
    assert invoke("report", SUITE, "--home", there, "--out", tmp_path / "cells").exit_code == 0
    assert invoke("report", SUITE, "--home", there, "--from", store, "--out", tmp_path / "store").exit_code == 0
    assert contents(tmp_path / "cells") == contents(tmp_path / "store") == before
    assert "0 new, 4 there before" in invoke("sync", "--home", there).output
    furnish(there, seeds(ROWS[0], 3, skill=0.5))
    assert "1 new, 4 there before" in invoke("sync", "--home", there).output
    added = set(contents(there)) - files
    assert any(name.startswith("artifacts/") for name in added)
    if how in (moved, copied_and_deleted):
        assert not home.exists()
    elif how is copied:
        assert set(contents(home)) == files


def test_nothing_in_it_says_where_it_is(home: Path) -> None:
    place = str(home).encode()
    assert [name for name, content in contents(home).items() if place in content and name != "harness.log"] == []


def test_a_database_with_absolute_places_is_made_relocatable_once(home: Path, tmp_path: Path) -> None:
    """As homes were made before; runs of a user's own stay as they are."""
    place = (home / "artifacts").as_uri()
    with closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            database.execute(f"UPDATE {table} SET {column} = replace({column}, 'mlflow-artifacts:', '{place}')")
        database.execute(
            "INSERT INTO experiments (name, artifact_location, lifecycle_stage, workspace) "
            "SELECT 'theirs', 'file:///elsewhere', lifecycle_stage, workspace FROM experiments LIMIT 1"
        )
    there = moved(home, tmp_path / "there")
    cell(there, "bertram/table1/12-combined", epochs=1)
    reads(there, "bertram/table1/12-combined", 0)
    assert deliver(there).left == 0
    with closing(sqlite3.connect(there / "mlflow.db")) as database:
        locations = dict(database.execute("SELECT name, artifact_location FROM experiments").fetchall())
        runs = [place for (place,) in database.execute("SELECT artifact_uri FROM runs")]
    assert locations.pop("theirs") == "file:///elsewhere"
    assert locations[SUITE] == f"mlflow-artifacts:/{SUITE}"
    assert all(place.startswith("mlflow-artifacts:/") for place in runs)
    assert not home.exists()
    assert missing(there, f"sqlite:///{there / 'mlflow.db'}") == []
    assert Store(there).damage() == ""
