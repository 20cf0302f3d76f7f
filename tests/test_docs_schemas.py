"""What is really written and printed is as the schemas in ``docs/schemas`` say."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.__main__ import entry
from benchmarks.ratio import Bound, Figure
from benchmarks.settings import Settings
from experiments.factorial_designs import full
from experiments.profiles import PROFILES
from experiments.studies import STUDIES
from harness.ablate.design import design_data
from harness.cells.cell import Cell, WeightRetention
from harness.cells.lease import take_lease
from harness.cells.record import write_failure
from harness.cells.trial import Trial
from harness.cells.writer import CellWriter
from harness.cli.main import main
from harness.commands.ablate import figures
from harness.doctor.finding import Finding
from harness.doctor.format import as_json
from harness.execution.config import ExecutionConfig
from harness.execution.train_cell import Worker
from harness.planning.cell_index import read_index
from harness.planning.manifest import write_manifest
from harness.planning.plan import PlannedRow, plan
from harness.planning.setup import Setup
from harness.planning.setup_tags import setup_tags
from harness.registry.selectors import find
from harness.reporting import report
from harness.reporting.compare import comparison_record
from harness.reporting.explain import figure_record
from harness.reporting.suite_tables import build_tables
from harness.reporting.tables import save_latest_results
from harness.tracking import trial_payload as trials
from harness.tracking.from_cells import measured_setup
from harness.tune import run
from harness.tune.study_run import StudyRun
from model.data.examples import Examples
from model.export import export
from model.metrics import Scored, score
from model.train import Epoch
from reports.ablation.analysis import analyse_metrics
from reports.ablation.results import AblationResults
from reports.comparison import compare
from reports.results import FACTS
from tests import ROOT
from tests.model import small
from tests.reports.ablation import truth

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema comes with Ray, and is not installed")
SCHEMAS = {path.stem: path for path in (ROOT / "docs" / "schemas").glob("*.json")}
SETUP = Setup(profile=PROFILES["demo"], data="embedded", encoder="tiny", seeds=2)
ROW, OTHER = "bertram/table1/06-smart", "bertram/table1/04-all-three"


def check(name: str, value: Any) -> None:
    schema = json.loads(SCHEMAS[name].read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    faults = [
        f"{each.json_path}: {each.message}" for each in jsonschema.Draft202012Validator(schema).iter_errors(value)
    ]
    assert not faults, faults[:5]


def answered(*words: str) -> Any:
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout, parse_constant=refuse)


def refuse(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")


def epoch(number: int, cell: Cell, random: np.random.Generator) -> tuple[Epoch, dict[tuple[str, str], Examples]]:
    """Answers drawn at random, as an epoch of training gives them; one answer for every pair after the first."""
    scores, sets = {}, {}
    for branch in cell.recipe.branches:
        task = branch.task
        gold = random.integers(0, 2, 30) if task.classes else random.uniform(0, 5, 30)
        ids = tuple(f"{task.name}{at}" for at in range(30))
        for split in ("train", "dev"):
            predicted = gold if number > 1 and random.uniform() < 0.5 else random.permutation(gold)
            predicted = np.zeros_like(gold) if number == 1 and not task.classes else predicted
            scores[split, task.name] = Scored(task, predicted, score(task, predicted, gold))
            sets[split, task.name] = Examples(task, split, ids, tuple((each,) for each in ids), gold)
    signals = {"loss/sst": 1.0, "smart_gradient/sst": 1e-6, "conflict": 0.3}
    return Epoch(number, scores, signals, 2.0, 1.0, 960, lambda: pytest.fail("nobody asked")), sets


def trained(home: Path, cell: Cell) -> None:
    """Leave the cell's folder as a worker does, and hold its claim to its schema meanwhile."""
    worker, random = Worker(home, 1, "cpu", 60.0, lambda: False), np.random.default_rng(7)
    lease = take_lease(home, cell.id)
    assert lease is not None
    with lease:
        check("claim", json.loads(lease.path.read_text()))
        keeping = CellWriter(home / "cells" / cell.id, lease, WeightRetention(), 60.0)
        keeping.begin(worker.about(cell))
        for number in (1, 2):
            result, sets = epoch(number, cell, random)
            keeping.epoch(None, result)  # type: ignore[arg-type]  # nothing is kept of the network
        keeping.finish(sets, {"peak_memory_bytes": 1 << 20, "warnings": ["a note"], "fresh": [], "pieces": 1})


@pytest.fixture(scope="module")
def rows() -> list[PlannedRow]:
    return plan([find(ROW), find(OTHER)], SETUP)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, rows: list[PlannedRow]) -> Path:
    """Two rows of two seeds, a failed cell, a trial, and what was said of them."""
    home = tmp_path_factory.mktemp("schemas")
    for cell in {cell.id: cell for row in rows for cell in row.cells}.values():
        trained(home, cell)
    write_failure(home, plan([find("bertram/table1/11-mse")], SETUP)[0].cells[0], "the loss of sst is nan", "Traceback")
    write_manifest(home, rows, setup_tags(SETUP))
    study = STUDIES["smart"]
    suite, row = find(study.row)
    arm = StudyRun(study=study, suite=suite, row=row, setup=SETUP)
    trial = Trial(
        number=0, params=study.starts[0].params, cell="c", state="complete", value=0.5, curve={1: 0.4, 2: 0.5}
    )
    trials.write_trial(home, run.trial_record(arm, "CPU-seconds", trial, setup_tags(SETUP)))
    (home / "reports").mkdir()
    save_latest_results(
        build_tables(rows, SETUP, ExecutionConfig(home, 1, 1, "cpu")), SETUP, home / "reports" / "ours.json"
    )
    return home


def test_what_a_home_holds(home: Path) -> None:
    cells = sorted((home / "cells").iterdir())
    done = [folder for folder in cells if (folder / "journal.jsonl").exists()]
    assert len(done) == 4 and len(cells) == 5
    for folder in cells:
        check("outcome", json.loads((folder / "outcome.json").read_text()))
    for folder in done:
        check("cell", json.loads((folder / "cell.json").read_text()))
        for line in (folder / "journal.jsonl").read_text().splitlines():
            check("journal", json.loads(line))
    for path in (home / "readers").glob("*.json"):
        check("trial" if path.name.startswith("trial-") else "reader", json.loads(path.read_text()))
    kept = json.loads((home / "reports" / "ours.json").read_text())
    assert set(kept) == {ROW, OTHER}
    check("latest", kept)


def test_the_registry_with_what_was_measured(home: Path) -> None:
    listing = answered("list", "--json", "--home", str(home))
    assert [each["row"] for each in listing if each["ours"]] == ["04-all-three", "06-smart"]
    check("list", listing)
    for row in (ROW, "smart-vs-deberta/table1/deberta", "smooth-valleys/controls/domain-pretrain"):
        check("show", answered("show", row, "--json"))
    check("audit", answered("audit", "--json"))


@pytest.mark.parametrize("seeds", [1, 2])
def test_comparisons_and_what_is_behind_a_figure(home: Path, rows: list[PlannedRow], seeds: int) -> None:
    some = [dataclasses.replace(row, cells=row.cells[:seeds]) for row in rows]
    setup = measured_setup(some, setup_tags(SETUP), read_index(home))
    names = ("sst_accuracy", "quora_accuracy", "sts_pearson", "overall")
    comparisons = [comparison_record(setup, compare(setup, ROW, OTHER, name, bootstrap=True)) for name in names]
    assert all(len(each["seeds"]) == seeds for each in comparisons)
    check("compare", json.loads(json.dumps(comparisons, allow_nan=False)))
    assert "difference" not in comparison_record(setup, compare(setup, ROW, OTHER, "cfimdb_accuracy"))
    check(
        "explain",
        json.loads(json.dumps([figure_record(setup, setup.rows[ROW], name) for name in names], allow_nan=False)),
    )


def test_an_ablation_before_and_after() -> None:
    words = ("ablate", "bertram/table1/11-mse", "--against", OTHER, "--dry-run", "--json")
    before = answered(*words)
    check("ablate", before)
    ours, random = truth.FOUR, np.random.default_rng(0)
    values = dict.fromkeys(("sst", "quora", "sts"), truth.values(ours.names, {}))
    setup = truth.quick(ours, *truth.drawn(random, values, seeds=2, items=(20, 20, 20)))
    results = AblationResults(ours, dataclasses.replace(setup, facts={name: setup_tags(SETUP)[name] for name in FACTS}))
    after = design_data(ours, full(ours.names, ours.impossible)) | {"cells": 32, "cells_left": 0}
    after |= figures(results, analyse_metrics(results))
    assert set(after) - set(before) == {"combinations", "main", "interaction", "shapley", "paths", "steps"}
    check("ablate", json.loads(json.dumps(after, allow_nan=False)))


def test_a_reports_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("read_studies", "read_ablations", "require_setups"):
        monkeypatch.setattr(report, name, lambda *_: [])
    monkeypatch.setattr(report, "compose_blocks", lambda *_: [])
    monkeypatch.setattr(report, "write_files", lambda *_: ["report.pdf", "tables/a.csv"])
    report.write_report(None, [], tmp_path, print)  # type: ignore[arg-type]  # no store is asked
    check("report", json.loads((tmp_path / report.INDEX).read_text()))


def test_exported_heads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.export.save", lambda *_: None)
    export(small.network(), None, tmp_path / "out")
    check("heads", json.loads((tmp_path / "out" / "heads.json").read_text()))


def test_benchmarks(tmp_path: Path) -> None:
    bound, settings = Bound("step", "plain step", "at most", 1.5), Settings("embedded", True, tmp_path)
    entries = [
        Figure(bound, (1.2, 1.3, 1.1), {"seconds": 2.0}),
        Figure(bound, skipped="no GPU"),
        Figure(bound, failed="x"),
    ]
    check("benchmarks", json.loads(json.dumps([entry(figure, settings) for figure in entries], allow_nan=False)))


def test_what_the_doctor_says() -> None:
    findings = [
        Finding("ok", "9 GB are free", check="memory"),
        Finding("warning", "it does not answer", "download first", check="hub"),
    ]
    check("doctor", json.loads(as_json(findings)))


def test_every_command_that_prints_json_has_a_schema() -> None:
    commands = {name for name, each in main.commands.items() if any("--json" in of.opts for of in each.params)}
    assert commands and commands <= set(SCHEMAS)


def test_every_schema_is_held_to_something() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    uses = r'check\(\s*"{0}"|"{0}" if|else "{0}"'
    assert all(re.search(uses.format(name), text) for name in SCHEMAS)
