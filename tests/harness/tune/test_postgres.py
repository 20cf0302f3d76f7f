"""Studies in PostgreSQL: a real server that belongs to the test, with a password that must not show up anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.postgres import NEEDED, PASSWORD, QUOTED, Server, running
from tests.harness.processes import FULL, until
from tests.harness.tune.conftest import fresh
from tests.harness.tune.quick import TRIALS as ALONE
from tests.harness.tune.quick import cells, finish, same, sequence, settled, start, trainings, words

TRIALS, COMMANDS = (60, 4) if FULL else (ALONE, 2)

pytestmark = NEEDED


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, encoder: Path, blank: Path, reference: Path) -> Path:
    """The results folder of the same study in a file, by one command."""
    if TRIALS == ALONE:
        return reference
    home = fresh(tmp_path_factory.mktemp("filed") / "home", blank)
    finish(*words(home, encoder, TRIALS, "--jobs", 1))
    return home


def secret_in(home: Path) -> list[str]:
    """The files of a results folder that hold the password, plain or quoted."""
    files = [path for path in home.rglob("*") if path.is_file()]
    return [path.name for path in files if any(text.encode() in path.read_bytes() for text in (PASSWORD, QUOTED))]


def test_commands_share_a_study_in_a_database(server: Server, home: Path, encoder: Path, filed: Path) -> None:
    storage = server.database()
    command = words(home, encoder, TRIALS, "--jobs", 1, "--storage", storage)
    running = [start(*command) for _ in range(COMMANDS)]
    outputs = [run.communicate()[0] for run in running]
    assert [run.returncode for run in running] == [0] * COMMANDS, outputs
    assert not any("Traceback" in text or PASSWORD in text or QUOTED in text for text in outputs), outputs
    assert f"storage postgresql+psycopg://ann:***@127.0.0.1:{server.port}" in outputs[0]
    assert secret_in(home) == []
    same(home, filed, storage)
    assert len(sequence(home, storage)) == TRIALS
    assert set(trainings(home)) == set(cells(home, storage))


def test_a_password_may_be_in_the_environment_alone(
    server: Server, home: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no other user of the machine sees it, unlike the words of a command."""
    storage = server.database().replace(f":{QUOTED}@", "@")
    assert PASSWORD not in storage and QUOTED not in storage
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    run = start(*words(home, encoder, 1, "--jobs", 1, "--storage", storage))
    said = run.communicate()[0]
    assert run.returncode == 0, said
    assert len(sequence(home, storage)) == 1
    assert secret_in(home) == []


@pytest.mark.skipif(not FULL, reason="make test-all")
def test_a_database_that_stops_in_mid_run_costs_nothing(server: Server, home: Path, encoder: Path, filed: Path) -> None:
    storage = server.database()
    command = words(home, encoder, TRIALS, "--jobs", 2, "--storage", storage)
    with start(*command) as run:
        assert run.stdout is not None
        until(lambda: len(trainings(home)) > 2 or run.poll() is not None, 180)
        server.stop()
        output = run.stdout.read()
    settled_before = settled(home)
    later = finish(*command, code=2)  # it is still down
    for text, code in ((output, run.returncode), (later, 2)):
        assert code == 2, text
        _, line = " ".join(text.split()).split("error: ")
        assert line.startswith("the storage postgresql+psycopg://ann:***@127.0.0.1")
        assert "cannot be used now" in line
        assert line.endswith("nothing is lost, the same command goes on from here")
        assert not any(word in text for word in ("Traceback", PASSWORD, QUOTED)), text
    server.start()
    finish(*command)
    assert {cell: content for cell, content in settled(home).items() if cell in settled_before} == settled_before
    assert secret_in(home) == []
    same(home, filed, storage)
