"""MLflow's server as ``harness ui`` runs it: where, with what environment, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.cells.home import database_file, reports_folder
from harness.console.redact import redact_secrets
from harness.tracking.ui_app import FOLDER, HOSTS, NAME, TOKEN, report_address
from model.errors import InputError

LOOPBACK = "127.0.0.1"
USUAL = 5055  # a browser keeps by address and port how the pages were set, such as which panels are closed
PATIENCE = 120.0  # seconds until the first answer; importing MLflow takes most of them
GRACE = 5.0  # seconds to end in
SHOWN = 5  # reports


# MLflow's default server also lets whoever reaches it configure an assistant that runs shell commands here, and
# starts processes that carry out jobs. The plain WSGI application has no assistant; the rest is turned off by name.
OFF = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_ENABLE_AI_GATEWAY": "false"}
GUNICORN = "threads = 4\ncontrol_socket_disable = True\n"  # a file of ours, so that none in this folder is run
NO_TELEMETRY = "MLFLOW_DISABLE_TELEMETRY"
IGNORED = ("MLFLOW_UVICORN_OPTS", "GUNICORN_CMD_ARGS", "MLFLOW_STATIC_PREFIX", "MLFLOW_ARTIFACTS_ONLY")


def store_of(home: Path, uri: str | None) -> str:
    """The store's URI; ``InputError`` for an SQLite file that is not there, which MLflow would make."""
    mend = "correct MLFLOW_TRACKING_URI" if uri else "harness run makes them, --home names another folder"
    uri = uri or f"sqlite:///{database_file(home).resolve()}"
    if uri.startswith("sqlite:///"):
        file = Path(uri.removeprefix("sqlite:///").partition("?")[0])
        if not file.is_file():
            raise InputError(f"there are no results in {file}; {mend}")
    return uri


def usual_port(host: str) -> int:
    """The usual port, or any free one."""
    with contextlib.suppress(InputError):
        return free_port(host, USUAL)
    return free_port(host, None)


def free_port(host: str, port: int | None) -> int:
    """The port, or any free one; ``InputError`` where it cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port or 0), family=family) as probe:
            return int(probe.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"port {port} is in use; choose another with --port, or none for a free one") from None
        where = host if port is None else f"{host} port {port}"
        cause = (error.strerror or "").partition(" (")[0]
        raise InputError(f"{where} cannot be listened on ({cause}); choose another --host or --port") from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def handle_signals() -> None:
    """Let the end of the terminal, and SIGTERM, end the server as Ctrl-C does, unless they are ignored (nohup)."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def url_host(host: str) -> str:
    """A host as it is written in a URL."""
    return f"[{host}]" if ":" in host else host


@contextlib.contextmanager
def server(uri: str, host: str, port: int, home: Path, token: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """MLflow's server, with the results folder's reports, and its log; leaving ends it with all its processes."""
    with tempfile.TemporaryDirectory(prefix="harness-ui-") as name:
        folder = Path(name)
        (folder / "gunicorn.py").write_text(GUNICORN, encoding="utf-8")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                server_command(host, port, folder / "gunicorn.py", home / "artifacts"),
                env=server_environment(uri, os.environ, home) | access_environment(host, port, token),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a process group of its own, which ends together
            )
            try:
                yield process, folder / "log"
            finally:
                end_processes(process)


def server_command(host: str, port: int, config: Path, artifacts: Path | None = None) -> list[str]:
    """One worker of the plain WSGI application, without the store's URI, which may hold a password. The own
    store of a results folder names no folder for artifacts, so the server is told."""
    if sys.platform == "win32":
        server_options = "--waitress-opts=--threads=4"
    else:
        server_options = f"--gunicorn-opts=--config {shlex.quote(str(config))}"
    words = [
        "server",
        "--host",
        url_host(host),
        "--port",
        str(port),
        "--workers",
        "1",
        server_options,
        "--app-name",
        NAME,
    ]
    destination = ["--artifacts-destination", str(artifacts.resolve())] if artifacts else []
    return [sys.executable, "-m", "mlflow", *words, *destination]


def server_environment(uri: str, variables: Mapping[str, str], home: Path) -> dict[str, str]:
    """The server's variables: store's URI, reports, MLflow's extras off, nothing that configures other servers."""
    inherited = {name: value for name, value in variables.items() if name not in IGNORED}
    telemetry = {} if {NO_TELEMETRY, "DO_NOT_TRACK"} & variables.keys() else {NO_TELEMETRY: "true"}
    path = {"PYTHONSAFEPATH": "1"}  # a gunicorn.py or flask.py in this folder is not imported
    settings = {"MLFLOW_BACKEND_STORE_URI": uri, FOLDER: str(reports_folder(home).resolve())}
    return inherited | OFF | telemetry | path | settings


def access_environment(host: str, port: int, token: str) -> dict[str, str]:
    """The token and the hosts that the pages demand of a request. The environment is for this user
    alone to read, unlike the command line."""
    names = {"localhost", LOOPBACK, "[::1]", url_host(host), socket.gethostname()}
    if not is_loopback(host):
        with contextlib.suppress(OSError):
            names |= {url_host(str(each[4][0])) for each in socket.getaddrinfo(socket.gethostname(), None)}
    return {TOKEN: token, HOSTS: ",".join(sorted(f"{name}:{port}" for name in names))}


def wait_for_pages(process: subprocess.Popen[bytes], host: str, port: int, log: Path) -> None:
    """Return once the server answers; ``InputError`` says why it ended or does not."""
    import http.client

    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise InputError(f"MLflow cannot show this store: {last_error(log)}; harness doctor tells more")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(local_host(host), port, timeout=PATIENCE)
            with contextlib.closing(connection):
                connection.request("GET", "/health")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return
        time.sleep(0.2)
    message = f"MLflow's server has not answered for {PATIENCE:.0f} seconds: {last_error(log)}"
    raise InputError(f"{message}; harness doctor tells more")


def local_host(host: str) -> str:
    """The address at which this machine reaches the host."""
    return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)


def list_tables(host: str, port: int, pages: str, token: str) -> list[str]:
    """Every table that the server has, with the address of its view: by name. None where it does not answer."""
    import http.client

    from harness.tracking import ui_notes

    try:
        connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        with contextlib.closing(connection):
            words = {"Authorization": f"Bearer {token}"}
            connection.request("GET", "/api/2.0/mlflow/experiments/search?max_results=1000", headers=words)
            experiments = json.loads(connection.getresponse().read())["experiments"]
        ids = {
            each["name"]: each["experiment_id"] for each in experiments if ui_notes.has_saved_view(each.get("tags", ()))
        }
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError):
        return []
    width = max(map(len, ids), default=0)
    return [f"  {name:<{width}}  {ui_notes.view_address(pages, ids[name])}" for name in sorted(ids)]


def list_reports(home: Path, server: str) -> list[str]:
    """The addresses of the results folder's latest reports."""
    modified = {path: path.stat().st_mtime for path in home.glob("reports/*/report.html")}
    latest = sorted(modified, key=modified.__getitem__, reverse=True)[:SHOWN]
    return [f"  report  {report_address(server, path)}" for path in latest]


def last_error(log: Path) -> str:
    """The last error in the server's log, or its last line, without secrets."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [match[1] for line in lines if (match := re.match(r"[\w.]*(?:Error|Exception): *(.+)", line))]
    return textwrap.shorten(redact_secrets((errors or lines or ["it said nothing"])[-1]), 300, placeholder=" ...")


def end_processes(process: subprocess.Popen[bytes]) -> None:
    """End the server's whole process group, gently and then for certain."""
    if not hasattr(os, "killpg"):
        process.terminate()
        process.wait(GRACE)
        return
    try:
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGINT)
            process.wait(GRACE)
    finally:  # after a second Ctrl-C too
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
