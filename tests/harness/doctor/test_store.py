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

from harness.doctor import schema
from harness.store import Store
from tests.harness import homes, postgres
from tests.harness.conftest import Invoke
from tests.harness.doctor.looking import ROWS, check, told


def stamped(file: Path, version: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))


def latest() -> str:
    (found,) = schema.steps().keys() - {step.before for step in schema.steps().values()}
    return found


def test_the_history_of_mlflows_database_is_read_whole(used: Path) -> None:
    known = schema.steps()
    with closing(sqlite3.connect(used / "mlflow.db")) as database:
        (there,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    assert there == latest()
    assert len(list(schema.later(known, ""))) == len(known) > 50
    assert sum(bool(step.tables) for step in known.values()) > 10


def test_an_old_store_that_mlflow_refuses(invoke: Invoke, used: Path) -> None:
    stamped(used / "mlflow.db", schema.steps()[latest()].before)
    found = told(invoke, "--home", used, broken=True)["store"]
    check(found, "broken", "older MLflow", "refuses it", f"move it away, and harness sync --home {used}")
    with pytest.raises(Exception, match="out-of-date database schema"):  # so it is
        Store(used).client.search_experiments(max_results=1)


def test_an_old_store_that_mlflow_brings_up_to_date_is_left_alone(invoke: Invoke, used: Path) -> None:
    table = next(iter(next(step for step in schema.later(schema.steps(), "") if step.tables).tables))
    before = next(step.before for step in schema.later(schema.steps(), "") if step.tables)
    stamped(used / "mlflow.db", before)
    with closing(sqlite3.connect(used / "mlflow.db")) as database, database:
        database.execute(f"DROP TABLE {table}")
    content = (used / "mlflow.db").read_bytes()
    check(told(invoke, "--home", used, broken=False)["store"], "mind", "older MLflow", "copy it first")
    assert (used / "mlflow.db").read_bytes() == content


def test_a_newer_store_and_a_foreign_one(invoke: Invoke, used: Path) -> None:
    stamped(used / "mlflow.db", "0123456789ab")
    check(told(invoke, "--home", used, broken=True)["store"], "broken", "newer MLflow", "install", "harness sync")
    with closing(sqlite3.connect(used / "mlflow.db")) as database, database:
        database.execute("DROP TABLE alembic_version")
    check(told(invoke, "--home", used, broken=True)["store"], "broken", "not MLflow's database", "move it away")


def test_a_store_elsewhere_is_never_told_to_be_moved(
    invoke: Invoke, used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Path(shutil.copy(used / "mlflow.db", tmp_path / "other.db"))
    shutil.copytree(used / "artifacts", tmp_path / "artifacts")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}")
    check(told(invoke, "--home", used, broken=False)["store"], "ok", "other.db opens", "all 2 results")
    stamped(elsewhere, schema.steps()[latest()].before)
    check(told(invoke, "--home", used, broken=True)["store"], "broken", f"mlflow db upgrade sqlite:///{elsewhere}")
    elsewhere.write_text("no database")
    check(told(invoke, "--home", used, broken=True)["store"], "broken", "cannot be read", "MLFLOW_TRACKING_URI")


@pytest.mark.parametrize("content", [b"", b"no database", None])
def test_a_damaged_database(invoke: Invoke, used: Path, content: bytes | None) -> None:
    file = used / "mlflow.db"
    file.write_bytes(file.read_bytes()[:9000] if content is None else content)
    check(told(invoke, "--home", used, broken=True)["store"], "broken", "is damaged", f"harness sync --home {used}")


def test_results_that_are_not_delivered(invoke: Invoke, used: Path) -> None:
    homes.cell(used, ROWS[0], seed=1)
    homes.reads(used, ROWS[0], 1)
    check(told(invoke, "--home", used, broken=False)["store"], "mind", "1 of the home's 3 results", "harness sync")
    (used / "mlflow.db").unlink()
    check(told(invoke, "--home", used, broken=False)["store"], "mind", "is not there", "harness sync")


def test_answers_that_are_gone_or_damaged_are_told_and_made_again(invoke: Invoke, used: Path) -> None:
    assert invoke("sync", "--home", used).exit_code == 0
    path = next(used.rglob("predictions.parquet"))
    content = path.read_bytes()
    path.write_bytes(content[:99] + bytes([content[99] ^ 1]) + content[100:])
    check(told(invoke, "--home", used, broken=False)["store"], "mind", "answers of 1 of the home's 2", "harness sync")
    assert "1 new, 1 there before, 0 not delivered" in invoke("sync", "--home", used).output
    shutil.rmtree(used / "artifacts")
    check(told(invoke, "--home", used, broken=False)["store"], "mind", "answers of 2 of the home's 2", "harness sync")
    assert "2 new, 0 there before, 0 not delivered" in invoke("sync", "--home", used).output
    check(told(invoke, "--home", used, broken=False)["store"], "ok", "all 2 results")


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    with postgres.running() as made:
        yield made


@postgres.NEEDED[0]
@postgres.NEEDED[1]
@postgres.NEEDED[2]
def test_a_database_server_is_looked_at_and_left_alone(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, server: postgres.Server
) -> None:
    import psycopg

    uri = server.database()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    check(told(invoke, broken=False)["store"], "mind", "no tables of MLflow yet", "harness run or sync")
    before = next(step.before for step in schema.later(schema.steps(), "") if step.tables)
    with psycopg.connect(uri.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        for version, state, words in (
            (before, "mind", "brings it up to date"),
            ("0123456789ab", "broken", "newer MLflow"),
        ):
            connection.execute("DELETE FROM alembic_version")
            connection.execute("INSERT INTO alembic_version VALUES (%s)", (version,))
            found = told(invoke, broken=state == "broken")["store"]
            check(found, state, words)
            assert postgres.PASSWORD not in str(found)
            assert postgres.QUOTED not in str(found)
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == [("alembic_version",)]
    server.stop()
    check(told(invoke, broken=True)["store"], "broken", "cannot be read", "refused")


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
        found = told(invoke, broken=True)["store"]
    check(found, "broken", "cannot be read", *words)
    assert "secret" not in str(found)


def test_a_server_that_is_away(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    before = dict(os.environ)
    check(told(invoke, broken=True)["store"], "broken", "127.0.0.1:9 cannot be read", "refused")
    assert os.environ.get("PGCONNECT_TIMEOUT") == before.get("PGCONNECT_TIMEOUT")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense")
    check(told(invoke, broken=True)["store"], "broken", "no address of a tracking store", "-> give http")


def test_the_hub_is_asked_only_with_the_option(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    assert "network" not in told(invoke, broken=False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    check(told(invoke, "--network", broken=False)["network"], "mind", "does not answer", "HTTPS_PROXY")
    with serving(Refusing) as place:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://{place}")
        check(told(invoke, "--network", broken=False)["network"], "ok", "answers")
