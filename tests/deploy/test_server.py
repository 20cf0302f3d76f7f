"""The server of ``deploy/compose.yaml``, as processes: what several homes deliver at the same time is there, each run
once, and whoever has no password or comes by another name is refused in a sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from mlflow.tracking import MlflowClient

from harness.cell import records
from harness.cli import main
from harness.delivery import REFUSALS
from harness.shown import PARENT
from harness.store import PROXIED
from tests.deploy.server import Tracking, tracking
from tests.harness.homes import cell, missing, reads
from tests.harness.postgres import NEEDED
from tests.harness.processes import FULL

pytestmark = [
    *NEEDED,
    pytest.mark.skipif(find_spec("flask_wtf") is None, reason='Flask-WTF is not installed; pip install "mlflow[auth]"'),
]

HOMES, CELLS = (4, 50) if FULL else (2, 3)
ROWS = ("12-combined", "12-combined", "06-smart", "04-all-three")  # the first two homes share one
ANN, WRONG = ("ann", "one-of-the-team"), ("admin", "not-the-password")
PASSWORD, HOST = REFUSALS["error code 401"], REFUSALS["Invalid Host header"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    with tracking(tmp_path_factory.mktemp("server")) as made:
        sends = dict(zip(("username", "password"), ANN, strict=True))
        assert made.asked("/api/2.0/mlflow/users/create", made.admin, sends)[0] == 200
        yield made


def start(who: tuple[str, str], address: str, *words: object) -> subprocess.Popen[str]:
    """``harness WORDS...`` for this server."""
    given = {
        "MLFLOW_TRACKING_URI": address,
        "MLFLOW_TRACKING_USERNAME": who[0],
        "MLFLOW_TRACKING_PASSWORD": who[1],
        "COLUMNS": "120",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *map(str, words)],
        env=os.environ | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(who: tuple[str, str], address: str, *words: object, code: int = 0) -> str:
    with start(who, address, *words) as run:
        told = run.communicate()[0]
    assert run.returncode == code, told
    assert "Traceback" not in told
    assert who[1] not in told
    return told


def furnished(home: Path, row: str, first: int, count: int) -> Path:
    """Cells of a row, of these seeds, as trainings leave them."""
    seeds = range(first, first + count)
    for seed in seeds:
        cell(home, f"bertram/table1/{row}", seed=seed, ended=1 + seed)
    reads(home, f"bertram/table1/{row}", *seeds)
    return home


def sign_in(who: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """This process, too."""
    for name, value in zip(("USERNAME", "PASSWORD"), who, strict=True):
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)


def test_processes_that_deliver_at_once_lose_nothing_and_double_nothing(
    server: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = [furnished(tmp_path / f"home{at}", ROWS[at], at * CELLS, CELLS) for at in range(HOMES)]
    running = [
        start((server.admin, ANN)[at % 2], server.address, "sync", "--home", home) for at, home in enumerate(homes)
    ]
    told = [run.communicate()[0] for run in running]
    assert [run.returncode for run in running] == [0] * HOMES, told
    said = f"{server.address}: {CELLS} new, 0 there before, 0 not delivered"
    assert [text.splitlines()[-1] for text in told] == [said] * HOMES
    for home in homes:
        shutil.copytree(home, tmp_path / "together", dirs_exist_ok=True)
    sign_in(server.admin, monkeypatch)
    assert missing(tmp_path / "together", server.address) == []  # nor is any there twice
    client = MlflowClient(server.address)
    experiments = [each for each in client.search_experiments() if each.name == "bertram/table1"]
    found = client.search_runs([each.experiment_id for each in experiments])
    shown = {run.info.run_id: run for run in found if run.data.tags.get("superseded") != "true"}
    rows = [run.data.tags["row"] for run in shown.values() if run.data.tags["kind"] == "row"]
    assert sorted(rows) == sorted(set(ROWS[:HOMES]))
    parts = [run.data.tags for run in shown.values() if run.data.tags["kind"] == "seed"]
    assert len(parts) == HOMES * CELLS
    assert all(shown[tags[PARENT]].data.tags["row"] == tags["row"] for tags in parts)


def test_whoever_is_refused_is_told_why_and_loses_nothing(
    server: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = furnished(tmp_path / "home", "02-pretrained", 0, 1)
    another = server.address.replace("127.0.0.1", "localhost")  # the same machine, by a name it does not allow
    for who, address, why in ((WRONG, server.address, PASSWORD), (server.admin, another, HOST)):
        sign_in(who, monkeypatch)
        told = CliRunner().invoke(main, ["sync", "--home", str(home), "--to", address])
        assert told.exit_code == 1
        assert told.stdout.splitlines() == [
            f"the tracking store {address} cannot be written now ({why}); nothing is lost: the next `harness run` or "
            "`harness sync` delivers",
            f"{address}: 0 new, 0 there before, 1 not delivered",
        ]
    assert "1 new" in finish(server.admin, server.address, "sync", "--home", home)


@pytest.mark.skipif(not FULL, reason="HARNESS_TEST_COUNTS=full runs it")
def test_a_wrong_password_costs_no_training(server: Tracking, encoder: Path, tmp_path: Path) -> None:
    home, short = tmp_path / "home", ["epochs=1", *(f"{task}.rows=40" for task in ("sst", "quora", "sts"))]
    sets = [word for text in short for word in ("--set", text)]
    row = ("bertram/table1/01-baseline", "--seeds", 1, "--jobs", 1, "--device", "cpu", "--encoder", encoder)
    told = finish(WRONG, server.address, "run", *row, *sets, "--no-report", "--home", home)
    assert told.count("cannot be written now") == 1
    assert f"1 results are not in the tracking store yet: {PASSWORD}" in told
    assert [record.done for record in records(home)] == [True]
    assert "1 new" in finish(ANN, server.address, "sync", "--home", home)
    assert "1 there before" in finish(server.admin, server.address, "sync", "--home", home)


def test_pages_of_other_sites_cannot_write(server: Tracking) -> None:
    path, sends = "/api/2.0/mlflow/experiments/search", {"max_results": "1"}
    own = f"http://localhost:{server.port}"
    assert server.asked(path, server.admin, sends, Origin=own)[0] == 200
    assert server.asked(path, server.admin, sends, Origin="http://another.example")[0] == 403


def test_nobody_reads_without_a_password(server: Tracking) -> None:
    for path in ("/", "/api/2.0/mlflow/experiments/get?experiment_id=0", "/api/2.0/mlflow-artifacts/artifacts"):
        assert server.asked(path)[0] == 401
        assert server.asked(path, ("admin", "password1234"))[0] == 401


@pytest.mark.parametrize("key", ["artifact_location", "artifactLocation"])
def test_no_client_chooses_where_artifacts_lie(server: Tracking, tmp_path: Path, key: str) -> None:
    path = "/api/2.0/mlflow/experiments/create"
    for at, place in enumerate((str(tmp_path), tmp_path.as_uri(), "s3://bucket/x", f"{PROXIED}:/1", "../..")):
        for who in (ANN, server.admin):
            status, told = server.asked(path, who, {"name": f"{key} {at} {who[0]}", key: place})
            assert (status, json.loads(told)["message"]) == (
                403,
                "artifact_location is for the server alone to choose; leave it out",
            )
    assert server.asked(path, ANN, {"name": key, key: ""})[0] == 200
    for experiment in json.loads(server.asked("/api/2.0/mlflow/experiments/search", ANN, {"max_results": "1000"})[1])[
        "experiments"
    ]:
        assert experiment["artifact_location"].startswith(f"{PROXIED}:/")


def test_pages_offer_to_log_out_as_with_mlflows_own_passwords(server: Tracking) -> None:
    status, told = server.asked("/ajax-api/2.0/mlflow/users/current", ANN)
    assert (status, json.loads(told)["is_basic_auth"]) == (200, True)


def test_secrets_are_in_no_command_and_no_log(server: Tracking) -> None:
    told = server.words_of_all() + server.log.read_text() + server.database.told()
    assert "uvicorn" in told
    assert not [name for name, value in server.environment.items() if "HOSTS" not in name and value in told]


def test_studies_have_a_database_of_their_own(server: Tracking) -> None:
    words = {"host": "127.0.0.1", "port": str(server.database.port), "user": "studies"}
    password = server.environment["STUDIES_DATABASE_PASSWORD"]
    with psycopg.connect(**words, password=password, dbname="studies") as connection:
        connection.execute("CREATE TABLE trials (number integer)")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(**words, password=password, dbname="mlflow")
