"""What a tracking server that misbehaves costs a run. ``python -m tests.harness.unruly_servers [KIND...]`` trains a
second seed in a home whose first is not delivered yet, beside a server of each kind, and prints what it took."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from model.encoders.tiny import Tiny, prepare
from tests.harness.processes import workers

SMALL = ("sst.rows=16", "quora.rows=16", "sts.rows=16", "epochs=1")
RUN = ("run", "bertram/table1", "--rows", "01-baseline", "--jobs", "1", "--no-report", "--device", "cpu")
HEADER = (
    "| server | training starts later by (without computing) | end of training to end of command | exit code "
    "| results delivered before, by `sync` after |\n|---|---|---|---|---|"
)


def reset(server: Handler) -> None:
    """Close so that the other side hears of a reset."""
    server.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.connection.close()


def hang(server: Handler) -> None:
    server.server.closing.wait()  # type: ignore[attr-defined]


def drip(server: Handler) -> None:
    server.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n")
    while not server.server.closing.wait(1.0):  # type: ignore[attr-defined]
        server.wfile.write(b" ")


def answer(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    def give(server: Handler) -> None:
        server.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            server.send_header(name.replace("_", "-"), value)
        server.end_headers()
        server.wfile.write(body)

    return give


def garbage(server: Handler) -> None:
    server.wfile.write(bytes(range(256)) * 8)


KINDS: dict[str, Callable[[Any], None]] = {
    "429, Retry-After 3600": answer(429, Retry_After="3600"),
    "503, Retry-After 3600": answer(503, Retry_After="3600"),
    "hang": hang,
    "drip": drip,
    "500": answer(500, b"no\x1b]52;c;aGk=\x07"),
    "page": answer(200, b"<html><body>Sign in</body></html>", Content_Type="text/html"),
    "garbage": garbage,
    "reset": reset,
    "redirects": answer(302, Location="/"),
}


class Handler(BaseHTTPRequestHandler):
    kind: Callable[[Any], None]
    asked: list[float]

    def do_GET(self) -> None:
        self.asked.append(time.monotonic())
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.close_connection = True
        with contextlib.suppress(OSError):
            type(self).kind(self)

    do_POST = do_GET

    def log_message(self, *words: Any) -> None:
        pass


@contextlib.contextmanager
def unruly(kind: str) -> Iterator[tuple[str, list[float]]]:
    """The address of such a server on this machine, and when it was asked."""
    asked: list[float] = []
    handler = type("Unruly", (Handler,), {"kind": KINDS[kind], "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.closing = threading.Event()  # type: ignore[attr-defined]
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.closing.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()


def start(home: Path, uri: str, *words: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    environment |= {"MLFLOW_TRACKING_URI": uri} if uri else {}
    log = open(home.parent / f"{home.name}.said", "a")  # noqa: SIM115
    words = (sys.executable, "-m", "harness.cli", *words, "--home", str(home))
    return subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, text=True, env=environment, preexec_fn=heeding)


def heeding() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores Ctrl-C


def when(true: Callable[[], object], run: subprocess.Popen[str]) -> float:
    """The moment at which something comes. The run must not end before."""
    while not true():
        assert run.poll() is None, "it ended before"
        time.sleep(0.02)
    return time.monotonic()


def count(home: Path, name: str) -> int:
    return len(list(home.glob(f"cells/*/{name}")))


def measured(home: Path, uri: str, mode: Sequence[str]) -> tuple[float, float, int]:
    """Seconds that the command waits until its workers start, those from the end of training to its own, and the exit
    code."""
    before = count(home, "outcome.json")
    began, run = time.monotonic(), start(home, uri, *mode, "--seeds", "2")
    waited = when(lambda: workers(run.pid), run) - began - busy(run.pid)
    ended = when(lambda: count(home, "outcome.json") > before, run)
    run.wait()
    return waited, time.monotonic() - ended, run.returncode


def busy(process: int) -> float:
    """Seconds that its main thread has computed, or stood in line for a processor."""
    computed, stood, _ = Path(f"/proc/{process}/schedstat").read_text().split()
    return (int(computed) + int(stood)) / 1e9


def interrupted(home: Path, uri: str, mode: Sequence[str], asked: list[float], late: bool) -> tuple[float, int]:
    """Seconds from Ctrl-C to the end, while the command waits before training or (``late``) after it."""
    run = start(home, uri, *mode, "--seeds", "2")
    if late:
        when(lambda: workers(run.pid), run)  # it has waited as long as it does, and asks again at the end
    already = len(asked)
    when(lambda: len(asked) > already, run)
    time.sleep(1.0)
    assert run.poll() is None, "it did not wait"
    now = time.monotonic()
    run.send_signal(signal.SIGINT)
    run.wait()
    return time.monotonic() - now, run.returncode


def synced(home: Path, uri: str = "") -> str:
    """What ``harness sync`` says that it delivered."""
    start(home, uri, "sync").wait()
    return (home.parent / f"{home.name}.said").read_text().rstrip().rpartition("\n")[2].partition(": ")[2]


def main(kinds: list[str]) -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory(prefix="unruly-") as folder:
        first, encoder = Path(folder) / "first", str(prepare(Tiny(steps=2), Path(folder) / "encoders"))
        mode = (*RUN, *(word for text in SMALL for word in ("--set", text)), "--encoder", encoder)
        start(first, "", *mode, "--seeds", "1").wait()

        def fresh(name: str) -> Path:
            without = shutil.ignore_patterns("mlflow.db*", "artifacts")
            return Path(shutil.copytree(first, Path(folder) / name, ignore=without))

        until, after, code = measured(fresh("none"), "", mode)
        print(f"{HEADER}\n| none | ({until:.1f} s) | {after:.1f} s | {code} | {synced(Path(folder) / 'none')} |")
        for at, ending in (("start", False), ("end", True)):
            home = fresh(f"stopped-{at}")
            with unruly("hang") as (uri, asked):
                seconds, code = interrupted(home, uri, mode, asked, ending)
            print(f"| hang, Ctrl-C at the {at} | | {seconds:.1f} s from Ctrl-C | {code} | {synced(home)} |")
        for number, kind in enumerate(kinds):
            home = fresh(f"home-{number}")
            with unruly(kind) as (uri, _):
                late, end, code = measured(home, uri, mode)
            told = (home.parent / f"{home.name}.said").read_text()
            assert "Traceback" not in told and "\x1b" not in told, told
            print(f"| {kind} | {late - until:.1f} s | {end:.1f} s | {code} | {synced(home)} |")


if __name__ == "__main__":
    main(sys.argv[1:] or list(KINDS))
