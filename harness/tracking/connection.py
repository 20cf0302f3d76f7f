"""The address of a tracking store: what is there, its client, and where its files are."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from experiments.suite import Suite
from harness.cells.home import database_file
from harness.console.redact import redact_secrets
from harness.tracking.database import PROXIED, find_damage, make_database, relocate_artifacts
from harness.tracking.run_writer import ANSWERS
from model.errors import InputError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CLIENT_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # training waits for no server
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # it may say an hour
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines a run
}
LIBRARIES = ("mlflow.tracking", "mlflow.entities", "pandas", "pyarrow.parquet")
SERVER_SCHEMES = ("databricks", "uc:", "arn:")  # addresses without //


class Connection:
    """MLflow's tracking store at a URI: by default that of ``MLFLOW_TRACKING_URI``, else SQLite in the results folder.
    ``InputError`` for what is no URI; else its errors are MLflow's, whichever these are."""

    def __init__(self, home: Path, uri: str | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        address = uri or os.environ.get("MLFLOW_TRACKING_URI")
        if address and "://" not in address and not address.startswith(SERVER_SCHEMES):
            whose = "--to" if uri else "MLFLOW_TRACKING_URI"  # the address is not shown: it may hold a password
            raise InputError(f"{whose} is no address of a tracking store; give http://HOST:PORT or sqlite:///FILE")
        if not address and set("%?") & set(str(home.resolve())):
            raise InputError(f"a database's address cannot hold % or ? as in {home}; choose another --home")
        self.home, self.uri = home, address or f"sqlite:///{database_file(home).resolve()}"

    def load(self) -> None:
        """Import what writing needs: it takes seconds, and must not end half way."""
        for name in LIBRARIES:
            importlib.import_module(name)

    @cached_property
    def client(self) -> MlflowClient:
        import logging

        from mlflow.store.db import utils
        from mlflow.tracking import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what fails is raised, too
        for name, value in CLIENT_SETTINGS.items():
            os.environ.setdefault(name, value)
        utils.MAX_RETRY_COUNT = 1  # of a database that cannot be opened; MLflow's ten take 100 seconds
        if self.file is not None and not self.file.exists():
            make_database(self.file)
        if self.own is not None:
            relocate_artifacts(self.own)
        return MlflowClient(self.uri)

    @property
    def file(self) -> Path | None:
        """The database's file, if it is one."""
        before, scheme, path = self.uri.partition("sqlite:///")
        return Path(path.partition("?")[0]) if scheme and not before else None

    @property
    def own(self) -> Path | None:
        """The results folder's own database, if that is the store: it holds nothing that could not be made again."""
        own = database_file(self.home).resolve()
        return own if self.file is not None and self.file.resolve() == own else None

    @property
    def remote(self) -> bool:
        """Whether a server is asked, which may take any time to answer."""
        return self.uri.lower().startswith(("http://", "https://", *SERVER_SCHEMES))

    @property
    def shown(self) -> str:
        """The address without its secrets."""
        return redact_secrets(self.uri)

    def damage(self, deep: bool = False) -> str:
        """What is wrong with the results folder's own database, if anything; ``deep``: with any database, and with its
        indexes, too."""
        file = self.file if deep else self.own
        return "" if file is None or not file.exists() else find_damage(file, deep)

    def browse(self) -> str:
        """The command that opens MLflow's pages on this store, on this machine alone."""
        if not self.uri.startswith("sqlite"):
            return self.shown
        beside = Path(sys.executable).with_name("harness")  # in a virtual environment that may not be active
        command = os.path.relpath(beside) if beside.exists() else "harness"
        return f"{min(command, str(beside), key=len)} ui --home {self.home}"

    def artifacts_uri(self, suite: Suite) -> str | None:
        """Where an experiment's artifacts are to be; None: where the server has them."""
        if self.own:
            return f"{PROXIED}:/{suite.slug}"
        return (self.file.parent / "artifacts" / suite.slug).resolve().as_uri() if self.file else None

    def answers_file(self, artifact_uri: str) -> Path | None:
        """The file of the answers of a run with this URI of artifacts, if the database is a file: below its folder,
        wherever that has been moved."""
        parts = urlparse(artifact_uri)
        if self.file is None or parts.scheme not in ("", "file", PROXIED):
            return None
        path = PurePosixPath(unquote(parts.path))
        if parts.scheme == PROXIED:
            return self.file.parent.joinpath("artifacts", *path.relative_to("/").parts, ANSWERS)
        moved = self.file.parent.joinpath("artifacts", *path.parts[-4:], ANSWERS)  # paper/table/run/artifacts
        return moved if moved.exists() else Path(path) / ANSWERS


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
