"""Users' files import names of ``model``, ``experiments`` and ``harness``, never of a file in them."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from collections.abc import Iterator

import pytest

from harness.cli import templates
from tests import ROOT
from tests.test_architecture import loaded
from tests.test_docs import READ, techniques

PACKAGES = ("model", "experiments", "harness")
PAGES = [*READ, ROOT / "deploy" / "README.md"]


def user_files() -> Iterator[tuple[str, str]]:
    """Python that users read and copy: the files that ``harness new`` writes, and all blocks of README and docs."""
    for name in ("PAPER", "PAPER_TEST", "TECHNIQUE", "TECHNIQUE_TEST"):
        yield name, getattr(templates, name)
    for path in PAGES:
        blocks = re.findall(r"^```(\w+)\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        for number, (kind, text) in enumerate(blocks):
            if kind == "python":
                yield f"{path.name} {number}", text
            if kind == "pycon":
                yield (
                    f"{path.name} {number}",
                    "".join(each.source for each in doctest.DocTestParser().get_examples(text)),
                )


def imports(text: str) -> Iterator[tuple[str, str]]:
    """Module and name of everything that is imported; no name where a module itself is."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", each.name) for each in node.names)
        elif isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names)


@pytest.mark.parametrize(("where", "text"), [pytest.param(*each, id=each[0]) for each in user_files()])
def test_files_of_users_import_from_the_packages_alone(where: str, text: str) -> None:
    for module, name in imports(text):
        if module.partition(".")[0] in PACKAGES:
            assert module in PACKAGES, f"{where}: {module}"
            assert not name or name in importlib.import_module(module).__all__, f"{where}: {module}.{name}"


def test_the_templates_and_the_walks_are_among_them() -> None:
    names = {pair for _, text in user_files() for pair in imports(text) if pair[0] in PACKAGES}
    assert {("model", "Regularizer"), ("model", "Task"), ("experiments", "find_suite"), ("harness", "")} <= names


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert list(dict.fromkeys(module.__all__)) == module.__all__
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


def test_every_technique_is_a_name_of_model() -> None:
    import model

    assert {kind.__name__ for kind in techniques()} <= set(model.__all__)


def test_a_built_in_table_is_found_by_its_slug_and_another_is_refused_with_the_choice() -> None:
    from experiments import RegistryError, find_suite

    assert find_suite("bertram/table1").base.branch("sst").task.name == "sst"
    with pytest.raises(RegistryError, match="no suite 'bertram/table9'; choose from bertram/table1, "):
        find_suite("bertram/table9")


def test_the_names_load_nothing_heavy() -> None:
    assert loaded("from model import *\nfrom experiments import *\nimport harness\nassert Recipe and Suite") == set()
