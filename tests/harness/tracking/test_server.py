"""A tracking server that goes away in the middle of a run: training goes on, and nothing is missing once it is back."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cells.record import read_records
from harness.tracking.ui_server import GUNICORN, free_port, server_command, server_environment, wait_for_pages
from tests.harness.conftest import Invoke
from tests.harness.homes import empty, missing, seeds, stored_runs
from tests.harness.processes import FULL

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="servers are ended with their process group")

ROWS = ("--rows", "01-baseline,02-pretrained,03-sst-quora", "--seeds", "2", "--jobs", "1", "--device", "cpu")
SHORT = ("--set", "epochs=2", *(word for task in ("sst", "quora", "sts") for word in ("--set", f"{task}.rows=40")))
DOWN = "cannot be written now"


class Server:
    """MLflow's, on loopback and without job execution, with its database and artifacts in a folder. It can be killed,
    and started again at the same port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "gunicorn.py").write_text(GUNICORN)
        (folder / "server.db").write_bytes(empty())
        self.folder, self.port = folder, free_port("127.0.0.1", None)
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                plain(server_command("127.0.0.1", self.port, self.folder / "gunicorn.py")),
                cwd=self.folder,
                env=server_environment(f"sqlite:///{self.folder / 'server.db'}", os.environ, self.folder),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for_pages(self.process, "127.0.0.1", self.port, self.folder / "log")

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self.process = None

    def seeds_held(self, status: str = "FINISHED") -> int:
        """How many cells are in the database: whole, or being written."""
        with contextlib.closing(sqlite3.connect(self.folder / "server.db")) as database:
            query = "SELECT count(*) FROM runs JOIN tags USING (run_uuid) WHERE key = 'seed' AND status = ?"
            return int(database.execute(query, (status,)).fetchone()[0])


def plain(words: list[str]) -> list[str]:
    """MLflow's own application, which takes results, in place of the pages for reading."""
    at = words.index("--app-name")
    return [*words[:at], *words[at + 2 :]]


class Training:
    """``harness run`` in processes of its own, what it has said so far, and its exit code."""

    def __init__(self, home: Path, encoder: Path, server: Server, **more: str) -> None:
        self.said = home.with_suffix(".txt")
        words = ["run", "bertram/table1", "--no-report", *ROWS, *SHORT, "--encoder", str(encoder), "--home", str(home)]
        variables = (
            os.environ | {"MLFLOW_TRACKING_URI": server.address, "COLUMNS": "120", "PYTHONUNBUFFERED": "1"} | more
        )
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "harness.cli.main", *words],
                env=variables,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def output(self) -> str:
        return self.said.read_text()

    def until(self, so_far: Callable[[], bool]) -> None:
        until = time.monotonic() + 120
        while not so_far():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < until, self.output()
            time.sleep(0.02)

    def end(self) -> str:
        code = self.process.wait(180)
        assert code == 0, self.output()
        return self.output()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "server")
    running.start()
    yield running
    running.kill()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@contextlib.contextmanager
def training(home: Path, encoder: Path, server: Server, **more: str) -> Iterator[Training]:
    running = Training(home, encoder, server, **more)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()


def check_all_there(home: Path, server: Server) -> None:
    """Six seeds of three rows, each once, with everything that the journals hold."""
    assert len(list(read_records(home))) == 6
    shown = stored_runs(server.address)
    assert len(seeds(shown)) == 6
    assert len(shown) == 6 + 3
    assert missing(home, server.address) == []


def test_a_server_that_returns_during_the_run_gets_everything(home: Path, encoder: Path, server: Server) -> None:
    with training(home, encoder, server) as run:
        run.until(lambda: server.seeds_held() >= 1)
        server.kill()
        run.until(lambda: DOWN in run.output())  # the run has trained a cell without it
        os.killpg(run.process.pid, signal.SIGSTOP)  # until the server is back, which takes it longer than the rest
        server.start()
        os.killpg(run.process.pid, signal.SIGCONT)
        output = run.end()
    assert output.count(DOWN) == 1
    assert "not in the tracking store" not in output
    assert "View run" not in output
    check_all_there(home, server)


@pytest.mark.skipif(not FULL, reason="make test-all")
def test_a_server_that_returns_after_the_run_gets_the_rest(
    home: Path, encoder: Path, server: Server, invoke: Invoke
) -> None:
    with training(home, encoder, server) as run:
        run.until(lambda: server.seeds_held() >= 1)
        server.kill()
        output = run.end()
    before = server.seeds_held()
    assert before < 6
    assert output.count(DOWN) == 1
    refused = r"\[Errno 111\] Connection refused|.*(reset|aborted|closed).*"  # killed between requests or during one
    assert re.search(rf"the tracking store {server.address} cannot be written now \(({refused})\)", output), output
    assert "Traceback" not in output
    assert len(list(read_records(home))) == 6
    server.start()
    result = invoke("sync", "--to", server.address, "--home", home)
    assert result.output == f"{server.address}: {6 - before} new, {before} there before, 0 not delivered\n"
    check_all_there(home, server)


@pytest.mark.skipif(not FULL, reason="HARNESS_TEST_COUNTS=full runs them")
@pytest.mark.parametrize("sample", range(6))
def test_a_server_may_go_and_come_at_any_moment(
    home: Path, encoder: Path, server: Server, invoke: Invoke, sample: int
) -> None:
    """Killed, or in every third sample hung, at a moment that was drawn; in every second one while it is written."""
    drawn = random.Random(sample)
    with training(home, encoder, server, MLFLOW_HTTP_REQUEST_TIMEOUT="3") as run:
        count = drawn.randrange(5)
        run.until(lambda: server.seeds_held() >= count)
        if sample % 2:
            run.until(lambda: server.seeds_held("RUNNING") > 0)
        else:
            time.sleep(drawn.uniform(0, 1.0))
        hung = sample % 3 == 2
        server.signal(signal.SIGSTOP) if hung else server.kill()
        time.sleep(drawn.uniform(0, 8.0))
        server.signal(signal.SIGCONT) if hung else server.start()
        output = run.end()
    assert output.count(DOWN) <= 1
    assert invoke("sync", "--to", server.address, "--home", home).exit_code == 0
    check_all_there(home, server)
