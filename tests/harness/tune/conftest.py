"""A study that one command carried out with one worker, and an empty tracking store, which takes seconds to make."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.tracking.database import make_database
from tests.harness.tune.quick import TRIALS, finish, sequence, words


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder's empty database."""
    file = tmp_path_factory.mktemp("blank") / "mlflow.db"
    make_database(file)
    return file


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory, encoder: Path, blank: Path) -> Path:
    """The results folder of a study that nothing disturbed."""
    home = fresh(tmp_path_factory.mktemp("alone") / "home", blank)
    finish(*words(home, encoder, TRIALS, "--jobs", 1))
    states = [state for _, _, state, *_ in sequence(home)]
    assert min(states.count("COMPLETE"), states.count("PRUNED")) >= 3
    return home


@pytest.fixture
def home(tmp_path: Path, blank: Path) -> Path:
    """An untouched home."""
    return fresh(tmp_path / "home", blank)


def fresh(home: Path, blank: Path) -> Path:
    home.mkdir()
    shutil.copy(blank, home / "mlflow.db")
    return home
