"""What import-linter cannot see: which packages are loaded when, that tests stay on this machine, and how things are
named."""

from __future__ import annotations

import ast
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests import ROOT

PACKAGES = ("harness", "model", "reports", "experiments")
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


PARTICIPLES = frozenset({"told", "found", "made", "held", "taken", "sought", "asked", "known", "given"})
FORBIDDEN = frozenset(form for word in PARTICIPLES for form in (word, word.upper(), word.capitalize()))


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names that a module gives to variables, arguments, attributes, functions and classes, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name


def test_a_name_that_does_not_say_what_it_holds_would_be_seen() -> None:
    source = "told = 1\nclass Made: ...\ndef f(_asked): x.held = 1\nimport a as found\nfound_rows = known_answer()"
    names = sorted(name for _, name in bound_names(ast.parse(source)) if name.strip("_") in FORBIDDEN)
    assert names == ["Made", "_asked", "found", "held", "told"]


def test_names_are_nouns_of_what_they_hold() -> None:
    paths = [path for folder in (*PACKAGES, "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(paths) > 300
    faults = [fault for path in paths for fault in forbidden_names(path)]
    assert not faults, "\n".join(faults)


def forbidden_names(path: Path) -> list[str]:
    """``file:line: name`` for each name that is a participle."""
    names = bound_names(ast.parse(path.read_bytes()))
    return [f"{path.relative_to(ROOT)}:{line}: {name}" for line, name in names if name.strip("_") in FORBIDDEN]
