"""The SQLite file of a tracking store: made, checked for damage, and kept free of folder names."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from harness.cells.atomic import atomic_path

DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
PROXIED = "mlflow-artifacts"  # the scheme of artifact URIs that a server looks up below a folder of its own


def make_database(file: Path) -> None:
    """An empty database, whole or not at all: MLflow cannot go on with one that is half made."""
    for suffix in ("-journal", "-wal", "-shm"):  # of an earlier one: SQLite would write them into this one
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    for left in file.parent.glob(f"{file.name}.*.part*"):  # by a process that was killed at it
        left.unlink()
    with atomic_path(file) as part:  # under another name at every try: MLflow keeps hold of the files it opened
        migrate_database(part)


def migrate_database(file: Path) -> None:
    """Have MLflow make its tables, by all the migrations of its history: this takes seconds."""
    from mlflow.tracking import MlflowClient

    MlflowClient(f"sqlite:///{file}").search_experiments(max_results=1)


def relocate_artifacts(file: Path) -> None:
    """Have the results folder's own database name no folder, so that the results folder can be copied and moved: where
    artifacts are is said by whoever serves it. Only what the harness made is touched."""
    ours = f"artifact_location LIKE '%/artifacts/' || name AND artifact_location NOT LIKE '{PROXIED}:%'"
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=10.0)) as database, database:
        database.execute(
            f"UPDATE runs SET artifact_uri = (SELECT '{PROXIED}:/' || name FROM experiments "
            "WHERE experiment_id = runs.experiment_id) || '/' || run_uuid || '/artifacts' "
            f"WHERE experiment_id IN (SELECT experiment_id FROM experiments WHERE {ours})"
        )
        database.execute(f"UPDATE experiments SET artifact_location = '{PROXIED}:/' || name WHERE {ours}")
        database.execute(
            f"UPDATE experiments SET artifact_location = '{PROXIED}:/0' WHERE experiment_id = 0 "
            "AND NOT EXISTS (SELECT 1 FROM runs WHERE experiment_id = 0)"
        )


def find_damage(file: Path, deep: bool) -> str:
    """What is wrong with the database, if anything; ``deep`` has its indexes compared with its tables, too: a search
    finds by them, and leaves out without a word what they have lost."""
    if not file.stat().st_size:
        return "it is empty"
    try:
        with closing(sqlite3.connect(file)) as database:
            database.text_factory = bytes  # it may quote what is no text
            (message,) = database.execute(f"PRAGMA {'integrity' if deep else 'quick'}_check(1)").fetchone()
    except sqlite3.DatabaseError as error:  # it may be locked, too
        return str(error) if error.sqlite_errorcode & 0xFF in DAMAGE else ""
    except UnicodeDecodeError:
        return "its structure is no text"
    return "" if message == b"ok" else message.decode(errors="backslashreplace")


def analyze_metrics(file: Path) -> None:
    """Have SQLite count what its tables hold, so that it looks up a history by its run: else it reads every run's."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=1.0)) as database:
        database.execute("PRAGMA analysis_limit=400")
        database.execute("ANALYZE metrics")
