"""MLflow's pages: a real server on loopback that leaves nothing behind, and one sentence for all that is in its way."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.tracking import ui_server
from harness.tracking.store import Store
from harness.tracking.ui_notes import VIEW
from harness.tracking.ui_server import (
    OFF,
    free_port,
    is_loopback,
    last_error,
    list_reports,
    list_tables,
    server,
    server_command,
    server_environment,
    usual_port,
    wait_for_pages,
)
from model.errors import InputError
from tests import ROOT
from tests.harness.conftest import Invoke

PROC = Path("/proc")
HOME = Path("home")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A results folder whose store nobody opens."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mlflow.db").touch()
    return tmp_path / "home"


def processes(session: int) -> dict[int, str]:
    """The command lines of the living processes in a session."""
    result = {}
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, _, owner = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(owner) == session and state != "Z":
                result[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return result


def child(parent: int) -> int:
    """The only child of a process."""
    (number,) = (PROC / str(parent) / "task" / str(parent) / "children").read_text().split()
    return int(number)


def listening(port: int) -> dict[str, str]:
    """The sockets (their inodes) on which anyone listens at this port, with the address as the kernel writes it."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in (PROC / "net" / name).read_text().splitlines()[1:]]
    return {line[9]: line[1] for line in lines if line[3] == "0A" and int(line[1].rpartition(":")[2], 16) == port}


def answer(address: str, link: str) -> str:
    """What the address gives to a browser that opened the link."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(link), browser.open(address) as answered:
        return str(answered.read().decode())


@contextlib.contextmanager
def shown(home: Path, **changed: str) -> Iterator[subprocess.Popen[str]]:
    """``harness ui`` in a process of its own; ended whatever the test finds."""
    port = free_port("127.0.0.1", None)  # tests run side by side
    words = [sys.executable, "-m", "harness.cli.main", "ui", "--home", str(home), "--port", str(port)]
    server_environment = os.environ | {"PYTHONPATH": str(ROOT)} | changed
    with subprocess.Popen(words, cwd=home.parent, env=server_environment, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.terminate()


@pytest.mark.skipif(not PROC.is_dir(), reason="processes are counted in /proc")
def test_the_pages_are_on_loopback_alone_and_ctrl_c_ends_all_processes(tmp_path: Path) -> None:
    Store(tmp_path / "home").client.create_experiment("paper/table1")
    (tmp_path / "home" / "reports" / "demo").mkdir(parents=True)
    (tmp_path / "home" / "reports" / "demo" / "report.html").write_text("<p>a report</p>")
    (tmp_path / "gunicorn.conf.py").write_text("raise SystemExit('run')")
    with shown(tmp_path / "home", HOME=str(tmp_path), TMPDIR=str(tmp_path)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("MLflow's pages: http://127.0.0.1:"), line
        link = line.split()[2]
        address = link.partition("/?token=")[0]
        port, session = int(address.rpartition(":")[2]), child(process.pid)
        assert "<html" in answer(address, link)
        result = json.loads(answer(f"{address}/api/2.0/mlflow/experiments/search?max_results=9", link))
        assert "paper/table1" in {experiment["name"] for experiment in result["experiments"]}
        assert process.stdout.readline() == f"  report  {address}/reports/demo/report.html\n"
        assert answer(f"{address}/reports/demo/report.html", link) == "<p>a report</p>"
        for outside in ("none.html", "../mlflow.db", "%2e%2e/mlflow.db", "/etc/hostname"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                answer(f"{address}/reports/{outside}", link)
        with pytest.raises(urllib.error.HTTPError, match="403"):  # it could be told to run commands
            answer(f"{address}/ajax-api/3.0/mlflow/assistant/config", link)
        ours = listening(port)
        assert set(ours.values()) == {f"0100007F:{port:04X}"}
        running = processes(session)
        assert len(running) == 3  # MLflow's command, the web server, its worker
        assert not [line for line in running.values() if "job" in line or "huey" in line or "sqlite" in line]
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == ""
    assert process.returncode == 0
    assert not processes(session)
    assert not ours.keys() & listening(port).keys()  # a test beside this one may have the port by now
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gunicorn.conf.py", "home"]


@contextlib.contextmanager
def answering(body: bytes) -> Iterator[int]:
    """The port of a server with one answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_the_tables_views_are_told_by_name() -> None:
    experiments = [
        {"name": name, "experiment_id": number, "tags": [{"key": key, "value": ""}]}
        for name, number, key in (("b/table1", "2", VIEW), ("a/controls", "3", VIEW), ("Default", "0", "other"))
    ]
    experiments.append({"name": "without tags", "experiment_id": "4"})
    with answering(json.dumps({"experiments": experiments}).encode()) as port:
        assert list_tables("127.0.0.1", port, "http://[::1]:5", "token") == [
            "  a/controls  http://[::1]:5/#/experiments/3/runs?viewStateShareKey=table",
            "  b/table1    http://[::1]:5/#/experiments/2/runs?viewStateShareKey=table",
        ]


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"{}", b'{"experiments": [1]}', b'{"experiments": 1}'])
def test_a_server_that_tells_no_tables_is_shown_without(body: bytes) -> None:
    with answering(body) as port:
        assert list_tables("127.0.0.1", port, "", "") == []


def test_a_server_that_does_not_answer_is_shown_without_tables() -> None:
    assert list_tables("127.0.0.1", free_port("127.0.0.1", None), "", "") == []


def test_the_latest_reports_are_named(tmp_path: Path) -> None:
    for age, name in enumerate(("b", "c", "a")):
        (tmp_path / "reports" / name).mkdir(parents=True)
        (tmp_path / "reports" / name / "report.html").touch()
        os.utime(tmp_path / "reports" / name / "report.html", (1000 - age, 1000 - age))
    (tmp_path / "reports" / "ours.json").touch()
    lines = list_reports(tmp_path, "http://127.0.0.1:5000")
    assert lines == [f"  report  http://127.0.0.1:5000/reports/{name}/report.html" for name in "bca"]
    assert list_reports(tmp_path / "none", "") == []


def test_a_home_without_results_is_explained_and_not_made(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("ui", "--home", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert result.output.startswith(f"error: there are no results in {tmp_path / 'none' / 'mlflow.db'}; harness run")
    assert not (tmp_path / "none").exists()


def test_a_port_in_use_is_explained(invoke: Invoke, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        result = invoke("ui", "--home", str(home), "--port", str(port))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert result.output.startswith(f"error: port {port} is in use; choose another with --port")


def test_the_usual_port_is_taken_where_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        monkeypatch.setattr(ui_server, "USUAL", busy.getsockname()[1])
        assert usual_port("127.0.0.1") != ui_server.USUAL
    assert usual_port("127.0.0.1") == ui_server.USUAL


def test_an_address_that_is_not_of_this_machine_is_explained(invoke: Invoke, home: Path) -> None:
    result = invoke("ui", "--home", str(home), "--host", "203.0.113.9")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert result.output.startswith("error: 203.0.113.9 cannot be listened on (")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_only_an_address_that_others_reach_is_warned_of(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, home: Path, host: str
) -> None:
    @contextlib.contextmanager
    def not_started(*arguments: object) -> Iterator[None]:
        raise InputError("not started")
        yield

    monkeypatch.setattr(ui_server, "server", not_started)
    monkeypatch.setattr(ui_server, "handle_signals", bool)
    result = invoke("ui", "--home", str(home), "--host", host)
    assert ("can read the results; the link and the pages cross" in result.output) == (host == "0.0.0.0")
    assert result.output.endswith("error: not started\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", "", "localhost.example.org"])
def test_other_addresses_are_not_taken_for_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_the_address_of_a_tracking_server_is_said_without_its_secrets(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ann:secret@host/path")
    result = invoke("ui", "--home", str(home))
    assert result.exit_code == 0
    assert result.output.startswith("the pages are at https://ann:***@host/path,")


def test_a_store_that_is_not_there_is_not_made(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    result = invoke("ui", "--home", str(tmp_path))
    assert result.exit_code == 2
    assert "none.db; correct MLFLOW_TRACKING_URI" in result.output
    assert not list(tmp_path.iterdir())


def test_the_password_of_a_store_is_in_the_environment_alone(tmp_path: Path) -> None:
    uri = "postgresql://ann:secret@host/db"
    assert server_environment(uri, {}, HOME)["MLFLOW_BACKEND_STORE_URI"] == uri
    assert "secret" not in " ".join(server_command("127.0.0.1", 5000, tmp_path / "config.py"))


def test_telemetry_is_off_unless_the_user_decided() -> None:
    assert server_environment("", {}, HOME)["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert server_environment("", {"MLFLOW_DISABLE_TELEMETRY": "false"}, HOME)["MLFLOW_DISABLE_TELEMETRY"] == "false"
    assert "MLFLOW_DISABLE_TELEMETRY" not in server_environment("", {"DO_NOT_TRACK": "false"}, HOME)


def test_what_is_off_stays_off() -> None:
    variables = dict.fromkeys(OFF, "true") | {"MLFLOW_UVICORN_OPTS": "--reload", "PATH": "kept"}
    environment = server_environment("", variables, HOME)
    assert {name: environment[name] for name in OFF} == OFF
    assert environment["PATH"] == "kept"
    assert "MLFLOW_UVICORN_OPTS" not in environment


def test_a_server_that_ends_is_explained_by_its_last_error_without_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = "ValueError: first\\nsqlalchemy.exc.OperationalError: no answer from postgresql://u:secret@h\\n(Background)"
    monkeypatch.setattr(ui_server, "server_command", lambda *arguments: [sys.executable, "-c", f"print('{said}')"])
    with (
        pytest.raises(
            InputError, match=r"^MLflow cannot show this store: no answer from postgresql://u:\*\*\*@h; harness doctor"
        ),
        server("", "127.0.0.1", 1, tmp_path, "") as (process, log),
    ):
        process.wait()
        wait_for_pages(process, "127.0.0.1", 1, log)


def test_a_silent_end_is_said(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("\n")
    assert last_error(tmp_path / "log") == "it said nothing"


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_a_server_that_does_not_heed_ctrl_c_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deaf = "import signal, sys, time; signal.signal(2, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"
    monkeypatch.setattr(ui_server, "server_command", lambda *arguments: [sys.executable, "-c", deaf])
    monkeypatch.setattr(ui_server, "GRACE", 0.1)
    with server("", "127.0.0.1", 1, tmp_path, "") as (process, log):
        while "up" not in log.read_text():
            assert process.poll() is None
    assert process.returncode == -signal.SIGKILL
