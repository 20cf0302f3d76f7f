"""Every test runs without a network, in a results folder of its own and on one thread; how many examples is chosen
here."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

_CACHES = tempfile.TemporaryDirectory(prefix="harness-caches-")
os.environ |= {  # before torch and the hub's client are imported, and for the processes that tests start
    "HF_HUB_OFFLINE": "1",
    "HF_HOME": _CACHES.name,
    "HYPOTHESIS_STORAGE_DIRECTORY": _CACHES.name,
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job and its children ignore Ctrl-C
for _name in ("MLFLOW_TRACKING_URI", "HARNESS_HOME", "HARNESS_TUNED", "NO_COLOR", "FORCE_COLOR"):
    os.environ.pop(_name, None)

settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("full", max_examples=1000, deadline=None, database=None)
settings.load_profile("full" if os.environ.get("HARNESS_TEST_COUNTS") == "full" else "quick")


def pytest_unconfigure() -> None:
    _CACHES.cleanup()


class NetworkBlocked(RuntimeError):
    """A test tried to reach another machine."""


def refuse(address: Any) -> None:
    """Raise ``NetworkBlocked`` unless the address is on this machine: loopback, or a local socket's path."""
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise NetworkBlocked(f"tests never touch the network, but this one wanted {address[0]}:{address[1]}")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connect, connect_ex, lookup = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        refuse(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        refuse(address)
        return connect_ex(self, address)

    def guarded_lookup(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        refuse((host or "localhost", port))
        return lookup(host, port, *rest, **named)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup)
    yield


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A command that names no results folder keeps its state under the test's own folder, never in the checkout."""
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def subnormal() -> None:
    """Numbers near 0 are what they are, though a worker that ran in this process before took them for 0."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
