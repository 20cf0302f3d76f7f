"""``harness run --until-decided``: what is trained, what is said, and what a kill, other commands and bad input do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.cells.record import read_records
from harness.cli.setup import setup_of
from harness.planning.plan import plan
from harness.registry.selectors import select
from tests.harness.conftest import Invoke
from tests.harness.homes import planned
from tests.harness.processes import FULL, finish, kill, results, start, until, workers
from tests.harness.report_homes import Training, train
from tests.harness.trials import FEW

SUITE = "smart-vs-deberta/table1"
ROWS = ("bert-v1", "new-predict")  # one comparison, overall
OF_TWO = ("new-predict", "bce-logits")  # two, overall and Quora
FIRST = 6


def make_home(home: Path, skills: Mapping[str, float], seeds: int, **more: Mapping[int, dict[str, object]]) -> Path:
    """The results folder, in which these rows of the suite have been trained, some seeds with other features."""
    for row in plan(select([SUITE], tuple(skills)), setup_of("demo", None, None, seeds, (), ())):
        for cell in row.cells:
            features = more.get(row.name.replace("-", "_"), {}).get(cell.seed, {})
            slug = f"{SUITE}/{row.name}"
            skill, stream = skills[row.name], f"{slug}-{cell.seed}"
            named = Training(name=cell.id, row=slug, stream=stream, seed=cell.seed, skill=skill, cell=cell, **features)  # type: ignore[arg-type]
            train(home, named)
    return home


def decisions(output: str) -> str:
    """The table of decisions and what was trained for them, without the results folder's name."""
    return output.partition("better vs worse")[2].partition("tables:")[0]


def command(rows: tuple[str, ...], *words: object) -> list[str]:
    return ["run", SUITE, "--rows", ",".join(rows), "--until-decided", "--device", "cpu", *map(str, words)]


def test_finished_cells_decide_without_training_and_the_same_again(invoke: Invoke, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", {"new-predict": 0.95, "bert-v1": 0.2}, FIRST + 1)
    first, second = (invoke(*command(ROWS)) for _ in range(2))
    assert first.exit_code == second.exit_code == 0, first.output
    assert f"settled 1/1: new-predict vs bert-v1, overall: higher after {FIRST} seeds" in first.output
    assert f"{FIRST}/30" in decisions(first.output) and "higher" in decisions(first.output)
    assert "14 cells instead of 60 (30 seeds for each of 2 rows): 46 saved" in first.output
    assert "scatter symmetrically" in first.output
    assert decisions(first.output) == decisions(second.output)
    assert "report.pdf (unchanged)" in second.output
    assert len(list(read_records(home))) == 14
    assert set(planned(home)) >= {record.id for record in read_records(home)}
    assert " 0 new" in invoke("sync").output


def test_the_table_fits_80_columns(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_home(tmp_path / "home", dict.fromkeys(OF_TWO, 0.6), 9)
    monkeypatch.setenv("COLUMNS", "80")
    output = decisions(invoke(*command(OF_TWO, "--max-seeds", 9, "--no-report")).output)
    assert output.count("9/9") == 2
    assert "undecided" in output
    table = output.partition("cells instead")[0].splitlines()[:-1]
    assert max(map(len, table)) <= 80
    assert re.search(r"[+-]?\.\d{3} \[-\.\d{3}, \+\.\d{3}\]", output)


def test_a_failed_cell_ends_its_comparison(invoke: Invoke, tmp_path: Path) -> None:
    home = make_home(
        tmp_path / "home",
        {"new-predict": 0.95, "bert-v1": 0.2},
        FIRST,
        bert_v1={3: {"failure": "out of memory"}},
    )
    result = invoke(*command(ROWS, "--no-report"))
    assert result.exit_code == 1
    assert "overall: failed at seed 3: training failed: out of memory" in result.output
    assert "--retry-failed" in result.output
    assert len(list(read_records(home))) == 2 * FIRST  # as it was


def test_a_metric_that_does_not_exist_at_a_seed_ends_its_comparison_alone(invoke: Invoke, tmp_path: Path) -> None:
    make_home(
        tmp_path / "home",
        {"new-predict": 0.2, "bce-logits": 0.95},
        8,
        new_predict={2: {"constant": ("sts",)}},
    )
    result = invoke(*command(OF_TWO, "--no-report"))
    assert result.exit_code == 0, result.output
    output = " ".join(result.output.split())
    assert "overall: failed at seed 2: " in output
    assert "one answer for every item has no Pearson r" in output
    assert "bce-logits vs new-predict, quora accuracy: higher after 7 seeds" in output


def test_a_dry_run_says_what_it_would_compare_and_trains_nothing(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke(*command(("bert-v1", "new-predict", "bce-logits", "amazon"), "--dry-run", "--max-seeds", 20))
    assert result.exit_code == 0, result.output
    output = " ".join(result.output.split())
    assert "3 comparisons of 3 rows at 5% for all of them together" in output
    assert f"in no comparison, so not trained: {SUITE}/amazon" in output
    assert "bce-logits vs new-predict, quora accuracy" in output
    assert "first seeds: 24 cells to train; at most 60, 0 are done" in output
    assert not (tmp_path / "home" / "cells").exists()


@pytest.mark.parametrize(
    ("words", "sentences"),
    [
        (("--until-decided", "--seeds", "3"), ("--seeds fixes a number", "--max-seeds")),
        (("--max-seeds", "3"), ("--max-seeds bounds what --until-decided may add",)),
        (("--until-decided", "--max-seeds", "0"), ("--max-seeds is 0", "at least 1")),
        (("--until-decided", "--rows", "bert-v1"), ("no comparison", "not selected", f"select {SUITE}/new-predict")),
        (("--until-decided", "--rows", "siar,deberta"), ("several axes",)),
        (("bertram/controls", "--until-decided", "--rows", "08-8000"), ()),
    ],
)
def test_bad_input_is_refused_in_a_sentence(invoke: Invoke, words: tuple[str, ...], sentences: tuple[str, ...]) -> None:
    result = invoke("run", SUITE, *words)
    assert result.exit_code == 2, result.output
    assert result.output.startswith("error: ") and result.output.count("\n") == 1
    for text in sentences:
        assert text in result.output


def test_suites_without_claims_have_nothing_to_decide(invoke: Invoke) -> None:
    result = invoke("run", "bertram/controls", "--until-decided")
    assert result.exit_code == 2
    assert "bertram/controls makes none; select the table" in result.output


def words(home: Path, encoder: Path, *more: object) -> list[object]:
    fixed = ["--encoder", encoder, "--home", home, "--jobs", 1, "--threads", 1, "--max-seeds", 7, "--no-report"]
    return [*command(ROWS), *FEW, *fixed, *more]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> tuple[Path, str]:
    """A results folder that one command made without being disturbed, and what it said."""
    home = tmp_path_factory.mktemp("alone") / "home"
    return home, finish(*words(home, encoder))


def test_nothing_is_trained_beyond_what_is_decided(alone: tuple[Path, str]) -> None:
    home, output = alone
    cells = [record.metadata["seed"] for record in read_records(home)]
    seeds = int(re.findall(r"(\d)/7", decisions(output))[0])
    assert sorted(cells) == sorted([*range(seeds), *range(seeds)])
    assert seeds == 7 or "undecided" not in decisions(output)


@pytest.mark.skipif(not FULL, reason="make test-all")
def test_a_killed_command_goes_on_to_the_same_cells_and_decisions(
    tmp_path: Path, encoder: Path, alone: tuple[Path, str]
) -> None:
    home = tmp_path / "home"
    with start(*words(home, encoder)) as run:
        until(lambda: len(list(home.glob("cells/*/outcome.json"))) > 3, 240)
        for number in (run.pid, *workers(run.pid)):
            kill(number)
    assert len(list(read_records(home))) < len(list(read_records(alone[0])))
    assert decisions(finish(*words(home, encoder))) == decisions(alone[1])
    assert results(home) == results(alone[0])


@pytest.mark.skipif(not FULL, reason="HARNESS_TEST_COUNTS=full runs it")
def test_two_commands_share_the_work(tmp_path: Path, encoder: Path, alone: tuple[Path, str]) -> None:
    home = tmp_path / "home"
    running = [start(*words(home, encoder)) for _ in range(2)]
    outputs = [run.communicate()[0] for run in running]
    assert [run.returncode for run in running] == [0, 0], outputs
    assert {decisions(text) for text in outputs} == {decisions(alone[1])}
    mine = [re.findall(r"^done  \d+  (.+?)  \((?!.*another process)", text, re.MULTILINE) for text in outputs]
    assert sorted(mine[0] + mine[1]) == sorted({*mine[0], *mine[1]})  # each cell once
    assert results(home) == results(alone[0])
