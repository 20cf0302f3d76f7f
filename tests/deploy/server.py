"""The tracking server of ``deploy/compose.yaml`` as processes on loopback: its variables and its command, with only the
places changed that belong to the containers."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.cli_ui import free_port
from tests.deploy.compose import FOLDER, command, variables
from tests.harness import postgres
from tests.harness.processes import until

SLOW = 120.0  # seconds in which the server answers; to import MLflow, three times, takes most of them


class Tracking:
    """MLflow's server on a PostgreSQL that has just been furnished; ``environment`` is that of ``.env``, in which only
    one name is allowed."""

    def __init__(self, folder: Path, database: postgres.Server) -> None:
        self.folder, self.database, self.port = folder, database, free_port("127.0.0.1", None)
        self.environment = made(folder) | {"ALLOWED_HOSTS": "127.0.0.1:5000"}
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        script = (FOLDER / "databases.sql").read_text()
        database.carry_out(script, variables("database", self.environment))

    @property
    def admin(self) -> tuple[str, str]:
        return "admin", self.environment["MLFLOW_ADMIN_PASSWORD"]

    def start(self) -> None:
        words = [
            word.replace("5000", str(self.port))
            .replace("0.0.0.0", "127.0.0.1")
            .replace("=/artifacts", f"={self.folder / 'artifacts'}")
            for word in command("mlflow", self.environment)
        ]
        places = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.database.port),
            "MLFLOW_AUTH_CONFIG_PATH": str(FOLDER / "basic_auth.ini"),
            "PYTHONPATH": os.pathsep.join([str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]),
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=self.folder,
                env=os.environ | variables("mlflow", self.environment) | places,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: self.asked("/health")[0] == 200 or self.gone(), SLOW)
        assert not self.gone(), self.log.read_text()

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def gone(self) -> bool:
        return self.process is None or self.process.poll() is not None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def asked(
        self, path: str, who: tuple[str, str] = ("", ""), sends: Mapping[str, str] | None = None, **headers: str
    ) -> tuple[int, str]:
        """Status and text of an answer; 0 while there is none."""
        headers |= {"Authorization": f"Basic {base64.b64encode(':'.join(who).encode()).decode()}"} if who[0] else {}
        data = None if sends is None else json.dumps(sends).encode()
        headers |= {} if data is None else {"Content-Type": "application/json"}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.address + path, data, headers), timeout=30) as told:
                return told.status, told.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def words_of_all(self) -> str:
        """The command lines of its processes, which all users of a machine can read."""
        assert self.process is not None
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if os.getpgid(int(path.parent.name)) == self.process.pid:
                    found.append(path.read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return "\n".join(found)


def made(folder: Path) -> dict[str, str]:
    """The secrets, by the line that ``deploy/README.md`` gives."""
    (line,) = re.findall(r"```sh\n(\(umask 077; .*?\))\n```", (FOLDER / "README.md").read_text(), re.DOTALL)
    shutil.copy(FOLDER / ".env.example", folder / ".env.example")
    subprocess.run(["bash", "-ec", line], cwd=folder, check=True)
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    pairs = [each.partition("=") for each in (folder / ".env").read_text().splitlines() if not each.startswith("#")]
    found = {name: value for name, _, value in pairs if name}
    assert len(set(found.values())) == len(found)
    assert min(map(len, found.values())) >= 32
    return found


@contextmanager
def tracking(folder: Path) -> Iterator[Tracking]:
    with postgres.running() as database:
        server = Tracking(folder, database)
        try:
            server.start()
            yield server
        finally:
            server.stop()
