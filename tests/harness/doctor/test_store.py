"""The doctor on tracking stores: old, new, foreign, damaged, away."""

from __future__ import annotations

import http.server
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from harness.doctor import mlflow_schema
from harness.tracking.store import Store
from tests.harness import homes, postgres
from tests.harness.conftest import Invoke
from tests.harness.doctor.findings import ROWS, check, run_doctor


def stamped(file: Path, version: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))


def latest() -> str:
    (last,) = mlflow_schema.migrations().keys() - {each.before for each in mlflow_schema.migrations().values()}
    return last


def last_with_tables() -> mlflow_schema.Migration:
    """The last migration that adds a table."""
    history = mlflow_schema.later_migrations(mlflow_schema.migrations(), "")
    return next(migration for migration in history if migration.tables)


def test_the_history_of_mlflows_database_is_read_whole(used: Path) -> None:
    history = mlflow_schema.migrations()
    with closing(sqlite3.connect(used / "mlflow.db")) as database:
        (there,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    assert there == latest()
    assert len(list(mlflow_schema.later_migrations(history, ""))) == len(history) > 50
    assert sum(bool(each.tables) for each in history.values()) > 10


def test_an_old_store_that_mlflow_refuses(invoke: Invoke, used: Path) -> None:
    stamped(used / "mlflow.db", mlflow_schema.migrations()[latest()].before)
    finding = run_doctor(invoke, "--home", used, error=True)["store"]
    check(finding, "error", "older MLflow", "refuses it", f"move it away, and harness sync --home {used}")
    with pytest.raises(Exception, match="out-of-date database schema"):  # so it is
        Store(used).client.search_experiments(max_results=1)


def test_an_old_store_that_mlflow_brings_up_to_date_is_left_alone(invoke: Invoke, used: Path) -> None:
    table = next(
        iter(
            next(step for step in mlflow_schema.later_migrations(mlflow_schema.migrations(), "") if step.tables).tables
        )
    )
    before = last_with_tables().before
    stamped(used / "mlflow.db", before)
    with closing(sqlite3.connect(used / "mlflow.db")) as database, database:
        database.execute(f"DROP TABLE {table}")
    content = (used / "mlflow.db").read_bytes()
    check(run_doctor(invoke, "--home", used, error=False)["store"], "warning", "older MLflow", "copy it first")
    assert (used / "mlflow.db").read_bytes() == content


def test_a_newer_store_and_a_foreign_one(invoke: Invoke, used: Path) -> None:
    stamped(used / "mlflow.db", "0123456789ab")
    check(run_doctor(invoke, "--home", used, error=True)["store"], "error", "newer MLflow", "install", "harness sync")
    with closing(sqlite3.connect(used / "mlflow.db")) as database, database:
        database.execute("DROP TABLE alembic_version")
    check(run_doctor(invoke, "--home", used, error=True)["store"], "error", "not MLflow's database", "move it away")


def test_a_store_elsewhere_is_never_to_be_moved(
    invoke: Invoke, used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Path(shutil.copy(used / "mlflow.db", tmp_path / "other.db"))
    shutil.copytree(used / "artifacts", tmp_path / "artifacts")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}")
    check(run_doctor(invoke, "--home", used, error=False)["store"], "ok", "other.db opens", "all 2 results")
    stamped(elsewhere, mlflow_schema.migrations()[latest()].before)
    check(run_doctor(invoke, "--home", used, error=True)["store"], "error", f"mlflow db upgrade sqlite:///{elsewhere}")
    elsewhere.write_text("no database")
    check(run_doctor(invoke, "--home", used, error=True)["store"], "error", "cannot be read", "MLFLOW_TRACKING_URI")


@pytest.mark.parametrize("content", [b"", b"no database", None])
def test_a_damaged_database(invoke: Invoke, used: Path, content: bytes | None) -> None:
    file = used / "mlflow.db"
    file.write_bytes(file.read_bytes()[:9000] if content is None else content)
    check(run_doctor(invoke, "--home", used, error=True)["store"], "error", "is damaged", f"harness sync --home {used}")


def test_results_that_are_not_delivered(invoke: Invoke, used: Path) -> None:
    homes.cell(used, ROWS[0], seed=1)
    homes.reads(used, ROWS[0], 1)
    check(
        run_doctor(invoke, "--home", used, error=False)["store"],
        "warning",
        "1 of the results folder's 3 results",
        "harness sync",
    )
    (used / "mlflow.db").unlink()
    check(run_doctor(invoke, "--home", used, error=False)["store"], "warning", "is not there", "harness sync")


def test_answers_that_are_gone_or_damaged_are_told_and_made_again(invoke: Invoke, used: Path) -> None:
    assert invoke("sync", "--home", used).exit_code == 0
    path = next(used.rglob("predictions.parquet"))
    content = path.read_bytes()
    path.write_bytes(content[:99] + bytes([content[99] ^ 1]) + content[100:])
    check(
        run_doctor(invoke, "--home", used, error=False)["store"],
        "warning",
        "answers of 1 of the results folder's 2",
        "harness sync",
    )
    assert "1 new, 1 there before, 0 not delivered" in invoke("sync", "--home", used).output
    shutil.rmtree(used / "artifacts")
    check(
        run_doctor(invoke, "--home", used, error=False)["store"],
        "warning",
        "answers of 2 of the results folder's 2",
        "harness sync",
    )
    assert "2 new, 0 there before, 0 not delivered" in invoke("sync", "--home", used).output
    check(run_doctor(invoke, "--home", used, error=False)["store"], "ok", "all 2 results")


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        yield server


@postgres.NEEDED[0]
@postgres.NEEDED[1]
@postgres.NEEDED[2]
def test_a_database_server_is_looked_at_and_left_alone(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, server: postgres.Server
) -> None:
    import psycopg

    uri = server.database()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    check(run_doctor(invoke, error=False)["store"], "warning", "no tables of MLflow yet", "harness run or sync")
    before = last_with_tables().before
    with psycopg.connect(uri.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        for version, state, words in (
            (before, "warning", "brings it up to date"),
            ("0123456789ab", "error", "newer MLflow"),
        ):
            connection.execute("DELETE FROM alembic_version")
            connection.execute("INSERT INTO alembic_version VALUES (%s)", (version,))
            finding = run_doctor(invoke, error=state == "error")["store"]
            check(finding, state, words)
            assert postgres.PASSWORD not in str(finding)
            assert postgres.QUOTED not in str(finding)
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == [("alembic_version",)]
    server.stop()
    check(run_doctor(invoke, error=True)["store"], "error", "cannot be read", "refused")


class Refusing(http.server.BaseHTTPRequestHandler):
    """A tracking server that answers every question in one way."""

    code, body = 401, b"You are not authenticated."

    def do_POST(self) -> None:
        self.send_response(self.code)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_HEAD = do_POST

    def log_message(self, format: str, *words: object) -> None:
        pass


@contextmanager
def serving(handler: type[Refusing]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class Elsewhere(Refusing):
    code, body = 403, b"Invalid Host header - possible DNS rebinding attack detected"


@pytest.mark.parametrize(
    ("handler", "words"),
    [(Refusing, ("user name and a password", "MLFLOW_TRACKING_USERNAME")), (Elsewhere, ("--allowed-hosts",))],
)
def test_a_server_that_refuses(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, handler: type[Refusing], words: tuple[str, ...]
) -> None:
    with serving(handler) as place:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ann:secret@{place}")
        finding = run_doctor(invoke, error=True)["store"]
    check(finding, "error", "cannot be read", *words)
    assert "secret" not in str(finding)


def test_a_server_that_is_away(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    before = dict(os.environ)
    check(run_doctor(invoke, error=True)["store"], "error", "127.0.0.1:9 cannot be read", "refused")
    assert os.environ.get("PGCONNECT_TIMEOUT") == before.get("PGCONNECT_TIMEOUT")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense")
    check(run_doctor(invoke, error=True)["store"], "error", "no address of a tracking store", "-> give http")


def test_the_hub_is_asked_only_with_the_option(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    assert "network" not in run_doctor(invoke, error=False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    check(run_doctor(invoke, "--network", error=False)["network"], "warning", "does not answer", "HTTPS_PROXY")
    with serving(Refusing) as place:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://{place}")
        check(run_doctor(invoke, "--network", error=False)["network"], "ok", "answers")
