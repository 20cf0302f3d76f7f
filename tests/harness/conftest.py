"""An encoder that takes seconds to make, and the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import main
from model.encoders.tiny import Tiny, prepare
from model.manifest import NAME
from reports import pictures
from tests.harness import rot
from tests.harness.processes import ROWS, finish, words

Invoke = Callable[..., Result]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if rot.TABLE:
        for line in rot.lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder that was hardly pre-trained; without checksums, as a user's own is."""
    folder = prepare(Tiny(steps=2), tmp_path_factory.mktemp("encoders"))
    (folder / NAME).unlink()
    return folder


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """A home in which two short cells were trained and nothing disturbed them."""
    home = tmp_path_factory.mktemp("whole") / "home"
    finish(*words(home, encoder, ROWS, "--seeds", 1, "--jobs", 1))
    return home


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the first import is, no command in this process says that it takes its time."""
    monkeypatch.setattr("harness.waiting.PATIENCE", 3600.0)


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Invoke:
    """``harness WORDS...`` with its home under the test's folder; a traceback fails the test."""
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def call(*words: str) -> Result:
        result = CliRunner().invoke(main, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of a report's time."""
    monkeypatch.setattr(pictures, "pictures", lambda *_: [])
