"""A real PostgreSQL that belongs to a test: in a folder of its own, on a port of this machine, with a password."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.harness.processes import until

PASSWORD = "pass/word@of:the-study"
QUOTED = "pass%2Fword%40of%3Athe-study"


@cache
def programs() -> Path | None:
    """The folder of initdb and postgres; Debian keeps it off the path."""
    on_path = shutil.which("initdb")
    output = (
        shutil.which("pg_config") and subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True).stdout
    )
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += [Path(output.strip())] if output else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()), None)


NEEDED = [
    pytest.mark.skipif(sys.platform == "win32", reason="the server is stopped by a signal"),
    pytest.mark.skipif(programs() is None, reason="PostgreSQL's initdb and postgres are not installed"),
    pytest.mark.skipif(find_spec("psycopg") is None, reason='psycopg is not installed; pip install ".[postgres]"'),
]


@dataclasses.dataclass
class Server:
    """A cluster in a folder of its own, on a port of this machine."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def run(self, program: str, *words: object, **environment: str) -> subprocess.Popen[bytes]:
        """One of PostgreSQL's programs, none of which runs as root."""
        import pwd

        home = programs()
        assert home is not None
        log = (self.folder / "log").open("ab")
        someone = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        with log:
            return subprocess.Popen(
                [home / program, *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                user=someone.pw_uid if someone else None,
                group=someone.pw_gid if someone else None,
                extra_groups=[] if someone else None,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"} | environment,
            )

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def make(self) -> None:
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (self.folder, secret):
                shutil.chown(path, "nobody")
        process = self.run(
            *("initdb", "--no-sync", "--auth", "scram-sha-256", "--username", "ann", "--encoding", "UTF8"),
            *("--pwfile", secret, "--pgdata", self.data),
        )
        assert process.wait(60) == 0, self.log_text()
        secret.unlink()

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "max_connections": 40,
            "shared_buffers": "16MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.process = self.run("postgres", "-D", self.data, "-p", self.port, *options)
        until(lambda: "ready to accept connections" in self.log_text() or self.gone(), 60)
        assert not self.gone(), self.log_text()

    def gone(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self) -> None:
        """As ``pg_ctl stop -m fast``: connections are cut."""
        if self.process is not None:
            self.process.send_signal(2)
            self.process.wait(30)
            self.process = None
            (self.folder / "log").unlink()

    def log_text(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def database(self) -> str:
        """The address of a new one."""
        import psycopg

        name = f"studies_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="ann", password=PASSWORD, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://ann:{QUOTED}@127.0.0.1:{self.port}/{name}"

    def carry_out(self, script: str, environment: Mapping[str, str]) -> None:
        """SQL with psql's own commands in it, as the administrator, who reads these variables."""
        file = self.folder / "script.sql"
        file.write_text(script)
        file.chmod(0o644)
        words = ("--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.port, "-U", "ann", "-f", file)
        done = self.run("psql", *words, "postgres", PGPASSWORD=PASSWORD, **environment)
        assert done.wait(60) == 0, self.log_text()


@contextmanager
def running() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:  # a socket's path is short, and nobody may enter
        Path(folder).chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = Server(Path(folder), port)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
