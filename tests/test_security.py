"""What comes from elsewhere is never run: no unpickling and no foreign code in our packages, planted files are refused,
and no name leads out of the results folder."""

from __future__ import annotations

import ast
import pickle
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from experiments.profiles import PROFILES
from harness.planning.setup import Setup
from harness.registry.selectors import named_changes, suites
from harness.reporting.tables import write_tables
from reports.suite_table.model import Header, Table
from tests import ROOT
from tests.harness.conftest import Invoke, invoke
from tests.model import folders

__all__ = ["invoke"]  # a fixture

SOURCES = sorted(
    path for package in ("harness", "model", "experiments", "reports") for path in (ROOT / package).rglob("*.py")
)

# Each of these runs code that the file it reads names. multiprocessing, which we use, pickles too, but only through
# pipes between a process of ours and its own children: nothing from elsewhere gets in.
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
NEVER = {"eval", "exec", "__import__", "os.system", "os.popen", "yaml.load", "yaml.full_load", "yaml.unsafe_load"}
NEVER_LEAVES = {"read_pickle", "to_pickle"}
NEEDED = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
}
FIXED = {"shell": False, "trust_remote_code": False, "weights_only": True, "allow_pickle": False}


def faults(source: str) -> list[str]:
    """Where a module unpickles, evaluates, starts a shell or lets foreign code run, as ``line: what``."""
    tree = ast.parse(source)
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    imported = _imported(tree)
    return [f"{line}: {what}" for node in ast.walk(tree) for line, what in _faults(node, imported, named)]


def _imported(tree: ast.AST) -> dict[str, str]:
    """What a module calls its imports, and their full names."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {each.asname or each.name: each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return names


def _faults(node: ast.AST, imported: dict[str, str], named: dict[str, ast.Dict]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        yield from ((node.lineno, name) for name in modules if name.partition(".")[0] in UNPICKLERS)
    elif isinstance(node, ast.Dict):
        yield from _unfixed(node.lineno, _items(node))
    elif isinstance(node, ast.Call):
        arguments = {each.arg: each.value for each in node.keywords if each.arg}
        yield from _unfixed(node.lineno, arguments)
        name = ast.unparse(node.func)
        first, _, rest = name.partition(".")
        name = ".".join(filter(None, (imported.get(first, first), rest)))
        if name in NEVER or name.rpartition(".")[2] in NEVER_LEAVES:
            yield node.lineno, name
        needed, value = NEEDED.get(name, ("", None))
        if needed and not _is(arguments.get(needed), value):
            yield node.lineno, f"{name} without {needed}={value}"
        for each in node.keywords:
            if each.arg is None and isinstance(each.value, ast.Name) and each.value.id in named:
                arguments |= _items(named[each.value.id])  # **local
        if re.search(r"\bAuto[A-Z]\w*\b.*\.from_pretrained$", name) and "trust_remote_code" not in arguments:
            yield node.lineno, f"{name} without trust_remote_code=False"


def _items(node: ast.Dict) -> dict[str, ast.expr]:
    return {
        key.value: value
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _unfixed(line: int, arguments: dict[str, ast.expr]) -> Iterator[tuple[int, str]]:
    for name in FIXED.keys() & arguments.keys():
        if not _is(arguments[name], FIXED[name]):
            yield line, f"{name}={ast.unparse(arguments[name])}"


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import joblib.memory as j",
        "from dill import loads",
        "from marshal import *",
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "import torch as t; t.load(f)",
        "from torch import load; load(f)",
        "np.load(f)",
        "np.load(f, allow_pickle=True)",
        "import numpy; numpy.load(f)",
        "pd.read_pickle(f)",
        "frame.to_pickle(f)",
        "eval(text)",
        "exec(text)",
        "__import__(name)",
        "yaml.load(f, Loader=l)",
        "os.system(text)",
        "from os import system; system(text)",
        "subprocess.run(text, shell=True)",
        "subprocess.run(text, shell=maybe)",
        "load_dataset(name, trust_remote_code=True)",
        "given = {'trust_remote_code': maybe}",
        "AutoModel.from_pretrained(name)",
        "transformers.AutoTokenizer.from_pretrained(name, **given)",
        "(kind or AutoModel).from_pretrained(name, weights_only=True)",
    ],
)
def test_each_way_to_run_foreign_code_would_be_seen(line: str) -> None:
    assert faults(line)


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(f, weights_only=True)",
        "np.load(f, allow_pickle=False)",
        "json.load(f)",
        "network.eval()",
        "spec.load(seed)",
        "subprocess.run(['ls'])",
        "AutoModel.from_pretrained(name, trust_remote_code=False)",
        "local = {'trust_remote_code': False}; AutoModel.from_pretrained(name, **local)",
    ],
)
def test_what_is_safe_is_let_through(line: str) -> None:
    assert not faults(line)


def test_no_module_of_ours_runs_foreign_code() -> None:
    assert len(SOURCES) > 50
    findings = {str(path.relative_to(ROOT)): faults(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {path: lines for path, lines in findings.items() if lines} == {}


class Planted:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def encoder_with(path: Path, name: str, planted: Planted) -> Path:
    """An encoder folder whose only weights are the planted pickle under this name."""
    folder = folders.bert_folder(path)
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(planted, protocol=2))
    return folder


def test_planted_weights_are_refused_by_the_command_and_not_run(invoke: Invoke, tmp_path: Path) -> None:
    planted = Planted(tmp_path / "ran")
    row = ("bertram/table1/02-pretrained", "--profile", "small", "--data", "embedded")
    for name, code, message in [
        ("model.bin", 2, "model.bin/encoder has no weights; put model.safetensors beside its config.json"),
        ("pytorch_model.bin", 1, "its .bin holds more than weights, so it is not read (it could run code)"),
        ("model.safetensors", 2, "model.safetensors is damaged or cut short"),
    ]:
        folder = encoder_with(tmp_path / name / "encoder", name, planted)
        result = invoke("predict", *row, "--encoder", folder)
        assert result.exit_code == code, result.output  # a training that fails ends with 1, as in a run
        last = result.output.splitlines()[-1]
        assert message in last
        assert last.startswith("error: " if code == 2 else "failed: ")
        assert "Traceback" not in result.output
        assert not planted.path.exists()
    run, arguments = planted.__reduce__()  # what reading it as a pickle does
    run(*arguments)
    assert planted.path.exists()


HOSTILE = {
    "parent": "../../outside",
    "inner parent": "bertram/../../../outside",
    "home": "~/outside",
    "newline": "a\nb",
    "NUL": "a\0b",
    "long": "x" * 5000,
    "long in bytes": "é" * 200,  # more than a file system takes
    "dots": "..",
    "bracket": "[a-",
    "shell": "$(touch outside)",
    "Windows": r"..\..\outside",
    "nothing": "",
}


def tree(folder: Path, without: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path != without and without not in path.parents}


@pytest.mark.parametrize("kind", [*HOSTILE, "absolute"])
def test_no_name_leads_out_of_the_home(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    name = HOSTILE.get(kind, str(tmp_path / "outside"))
    (tmp_path / "here").mkdir()
    (tmp_path / "user").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    before = tree(tmp_path, tmp_path / "home")
    row = "bertram/table1/06-smart"
    dry = ("run", row, "--dry-run", "--seeds", "1")
    wrong = [
        *([command, name] for command in ("list", "show", "results", "predict")),
        ["run", name, "--dry-run"],
        [*dry, "--with", name],
        [*dry, "--set", name],
        [*dry, "--set", f"{name}=1"],
        [*dry, "--set", f"{name}.radius=1"],
        [*dry, "--set", f"smart.radius={name}"],
        [*dry, "--seeds", name],
        [*dry, "--profile", name],
        ["predict", row, "--seed", name],
        ["predict", row, "--task", name],
    ]
    for words in wrong:
        result = invoke(*words)
        assert result.exit_code == 2, (words, result.output)
        assert "Traceback" not in result.output
    if name:  # no rows: all
        assert invoke(*dry, "--rows", name).exit_code == 2
    if 0 < len(name) < 100:
        free = ("smart-vs-deberta/table1/amazon", "--set", f"sst.reviews.source={name}")  # a file, or a hub id
        assert invoke("run", *free, "--dry-run", "--seeds", "1").exit_code == 2
    assert tree(tmp_path, tmp_path / "home") == before


ACCEPTED = [kind for kind, name in HOSTILE.items() if name.isprintable() and "long" not in kind]


@pytest.mark.parametrize("kind", [*ACCEPTED, "absolute"])
def test_predictions_stay_in_the_home_whatever_the_variant(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    name = HOSTILE.get(kind, str(tmp_path / "outside")) or ".."
    written: list[Path] = []

    def write(trained: object, request: object, machine: object, folder: Path) -> list[str]:
        written.append(folder)
        return []

    trained = types.SimpleNamespace(name="trained")
    monkeypatch.setattr("harness.inference.trained_network.find_or_train", lambda *arguments: trained)
    monkeypatch.setattr("harness.inference.predict.write_predictions", write)
    monkeypatch.setattr("harness.planning.cell_id.data_identity", lambda recipe, prints: {})  # the file is not there
    row = ("smart-vs-deberta/table1/amazon", "--set", f"sst.reviews.source={name}", "--split", "dev")
    result = invoke("predict", *row)
    assert result.exit_code == 0, result.output
    assert written[0].parent == tmp_path / "home" / "predictions"
    assert re.fullmatch(r"smart-vs-deberta-table1-amazon-[\w.=-]+", written[0].name)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])  # each waits for the disk
@given(st.text(max_size=30), st.text(max_size=30))
@example("..", "../" * 30)
@example("/etc/passwd", "x" * 5000)
@example("a\0b", "a\nb")
def test_tables_stay_in_the_home_whatever_the_variant(tmp_path: Path, path: str, value: str) -> None:
    profile = PROFILES["demo"]
    setup = Setup(profile=profile, data="embedded", encoder="tiny", seeds=1, settings=((path, value),))
    header = Header(profile="demo", data="embedded", fingerprint="", encoder="tiny", seeds=(0,), variant=setup.variant)
    table = Table(suite="a/b", title="", header=header, facts=(), columns=(), lines=(), references=(), footnotes=())
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    before = tree(tmp_path, home / "reports")
    assert write_tables([table], setup, home) == home / "reports"
    assert tree(tmp_path, home / "reports") - before <= {home / "reports"}
    names = [path.name for path in (home / "reports").iterdir()]
    assert not [name for name in names if not re.fullmatch(r"a-b-demo-[\w.=-]+\.(md|csv)|\w+\.json", name)]


@pytest.mark.parametrize("suite", suites(), ids=lambda suite: suite.slug)
def test_names_in_the_catalogue_are_safe_as_file_names(suite: Any) -> None:
    names = [suite.paper, suite.table, *(row.name for row in suite.rows)]
    assert not [name for name in names if not re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", name) or len(name) > 60]


def test_names_of_changes_are_safe_as_file_names() -> None:
    assert not [name for name in named_changes() if not re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", name)]
