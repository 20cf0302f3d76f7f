"""What import-linter cannot see: which packages are loaded when, and that tests stay on this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from urllib.request import urlopen

import pytest

from tests import ROOT

HEAVY = ("torch", "transformers", "mlflow", "pandas", "optuna", "datasets", "matplotlib")
WALK = (
    "names = [part.name for part in pkgutil.walk_packages({package}.__path__, '{package}.')]\n"
    "assert names\n"
    "for name in names: __import__(name)"
)


def loaded(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after running the code."""
    tell = f"{code}\nimport json, sys\nprint(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", tell], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def command(*arguments: str) -> str:
    return (
        "from click.testing import CliRunner\n"
        "from harness.cli.main import main\n"
        f"result = CliRunner().invoke(main, {list(arguments)}, catch_exceptions=False)\n"
        "assert result.exit_code == 0, result.output\n"
        "assert len(result.output.splitlines()) > 3, result.output"
    )


def test_a_heavy_import_would_be_seen() -> None:
    assert loaded("import pandas") == {"pandas"}


@pytest.mark.parametrize("arguments", [("--help",), ("list",), ("list", "--json")], ids=" ".join)
def test_listing_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert loaded(command(*arguments)) == set()


def test_showing_a_row_loads_nothing_heavy() -> None:
    assert loaded(command("show", "bertram/table1/06-smart")) == set()


def test_declarations_load_nothing_heavy() -> None:
    assert loaded("import pkgutil, experiments\n" + WALK.format(package="experiments")) == set()


def test_reports_load_no_training_and_no_tracking() -> None:
    assert loaded("import pkgutil, reports\n" + WALK.format(package="reports")) <= {"pandas", "matplotlib"}


@pytest.mark.parametrize(
    "reach", [lambda: socket.create_connection(("192.0.2.1", 80)), lambda: urlopen("http://a.test")]
)
def test_a_test_that_wants_another_machine_fails_at_once(reach: Callable[[], object]) -> None:
    with pytest.raises(RuntimeError, match="tests never touch the network"):
        reach()


def test_a_test_may_talk_to_its_own_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
