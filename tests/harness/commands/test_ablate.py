"""``harness ablate``: cells that tables share, figures as by hand from the runs' own, pages, a sentence for a fault."""

from __future__ import annotations

import itertools
import json
import math
import statistics
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from harness.cells.record import read_records
from tests.harness.conftest import Invoke

ROW, AGAINST = "bertram/table1/11-mse", "bertram/table1/04-all-three"
SMART, MSE = "smart-package-sst", "mse-on-sts"
ALL = (SMART, "rotate", "pcgrad-epoch-end", MSE)
HOLD_TWO = ("--hold", "rotate", "--hold", "pcgrad-epoch-end=off")
TABLE = "bertram.table1.04-all-three..11-mse,hold=pcgrad-epoch-end,hold=rotate"
FEW = tuple(f"--set={text}" for text in ("sst.rows=48", "quora.rows=48", "sts.rows=48", "epochs=1"))


def ablate(invoke: Invoke, *words: object) -> Result:
    return invoke("ablate", ROW, "--against", AGAINST, "--jobs", 1, "--device", "cpu", *words)


def data(result: Result) -> dict[str, Any]:
    """What ``--json`` printed on standard output, and nothing else there."""
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def runs(home: Path) -> list[Run]:
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(f"ablation/{TABLE}")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def means(home: Path) -> dict[tuple[str, str], float]:
    """Row and metric to the mean over seeds of the reported figure."""
    values: dict[tuple[str, str], list[float]] = {}
    for run in runs(home):
        for name, value in run.data.metrics.items():
            if name.startswith("reported/") and name != "reported/epoch":
                values.setdefault((plain(run.data.tags["row"]), name.partition("/")[2]), []).append(value)
    return {key: statistics.fmean(scores) for key, scores in values.items()}


def plain(name: str) -> str:
    """A row without its variant."""
    return name.partition("[")[0]


def test_two_factors_from_the_command_to_the_pages(invoke: Invoke, encoder: Path, tmp_path: Path) -> None:
    home, common = tmp_path / "home", ("--encoder", encoder, "--seeds", 2, *FEW)
    assert invoke("run", AGAINST, *common, "--jobs", 1, "--device", "cpu", "--no-report").exit_code == 0
    before = {record.id for record in read_records(home)}

    result = ablate(invoke, *HOLD_TWO, *common, "--json")
    assert result.exit_code == 0, result.output
    after = {record.id: record.metadata["started"] for record in read_records(home)}
    assert len(after) == 8 and before < set(after)  # the row's two cells are the table's
    check_figures(data(result), home)
    check_store(home)
    check_pages(invoke, home)

    again = ablate(invoke, *HOLD_TWO, *common)
    assert again.exit_code == 0
    assert {record.id: record.metadata["started"] for record in read_records(home)} == after  # nothing trained twice
    assert "8 done, 0 left" in again.output
    assert "Main effects: on minus off" in again.output and "(unchanged)" in again.output
    for line in again.output.splitlines():
        assert "Traceback" not in line


def check_figures(report: dict[str, Any], home: Path) -> None:
    assert report["ablation"] == f"ablation/{TABLE}"
    assert [each["name"] for each in report["factors"]] == [SMART, MSE]
    assert report["cells"] == 8 and report["cells_left"] == 0
    mean_of = means(home)
    values = {metric: [mean_of[row, metric] for row in ("none", SMART, MSE, f"{SMART}+{MSE}")] for _, metric in mean_of}
    for metric, (none, smart, mse, both) in values.items():
        expected = {
            ("main", SMART): (smart - none + both - mse) / 2,
            ("main", MSE): (mse - none + both - smart) / 2,
            ("interaction", f"{SMART}:{MSE}"): both - smart - mse + none,
            ("shapley", SMART): (smart - none + both - mse) / 2,
            ("shapley", MSE): (mse - none + both - smart) / 2,
            ("total", ""): both - none,
        }
        for (kind, term), value in expected.items():
            grid = "shapley" if kind == "total" else kind
            (line,) = [
                each for each in report[grid] if (each["kind"], each["factors"], each["metric"]) == (kind, term, metric)
            ]
            assert math.isclose(line["estimate"], value, abs_tol=1e-12), (kind, term, metric)
            if line["low"] is None:  # nothing varies
                assert line["high"] is line["p"] is None
            else:
                assert line["low"] <= line["estimate"] <= line["high"]
        (apparent,) = [each for each in report["paths"] if each["factor"] == SMART and each["metric"] == metric]
        assert math.isclose(apparent["lowest"], min(smart - none, both - mse), abs_tol=1e-12)
        assert math.isclose(apparent["stated"], smart - none, abs_tol=1e-12)
    printed = {(each["start"], each["end"]): each for each in report["steps"] if each["metric"] == "sst_accuracy"}
    assert math.isclose(printed[AGAINST, "bertram/table1/06-smart"]["printed"], 0.463 - 0.469, abs_tol=1e-12)
    scores = [each for each in report["combinations"] if each["metric"] == "overall" and each[SMART] and each[MSE]]
    assert math.isclose(statistics.fmean(each["value"] for each in scores), values["overall"][3], abs_tol=1e-12)


def check_store(home: Path) -> None:
    for run in runs(home):
        on = [name for name in (SMART, MSE) if run.data.tags[f"factor/{name}"] == "on"]
        assert plain(run.data.tags["row"]) == ("+".join(on) or "none")
    assert sum(run.data.tags["kind"] == "seed" for run in runs(home)) == 8


def check_pages(invoke: Invoke, home: Path) -> None:
    """Its own report and the report of everything."""
    own = home / "reports" / f"ablation-{TABLE}"
    assert (own / "report.pdf").read_bytes().startswith(b"%PDF")
    figures = " ".join(path.stem for path in (own / "figures").glob("*.svg"))
    assert all(f"-{kind}" in figures for kind in ("effects", "interactions", "paths", "waterfall"))
    assert invoke("report").exit_code == 0
    everything = (home / "reports" / "all" / "report.html").read_text()
    assert "Which change did what" in everything and "bertram/table1" in everything
    compared = invoke("compare", f"ablation/{TABLE}/{SMART}", f"ablation/{TABLE}/none", "--json")
    assert compared.exit_code == 0 and len(json.loads(compared.output)) > 1


def test_a_dry_run_trains_nothing_and_says_what_the_design_tells_apart(invoke: Invoke, encoder: Path) -> None:
    shown = ablate(invoke, "--budget", 48, "--seeds", 6, "--dry-run", "--encoder", encoder)
    assert shown.exit_code == 0
    assert "the regular fraction of 8 runs, resolution IV" in shown.output
    assert "A:B + C:D" in shown.output
    assert "48 distinct cells: 0 done, 48 left" in shown.output
    report = data(
        ablate(invoke, "--design", "leave-one-out", "--seeds", 2, "--dry-run", "--json", "--encoder", encoder)
    )
    assert report["cells"] == report["cells_left"] == 10
    assert {len(each["factors"]) for each in report["design"]["combinations"]} == {3, 4}
    assert [each["row"] for each in report["design"]["combinations"]][-1] == ROW


def test_an_added_factor_that_does_nothing_without_another_is_said_and_filled(invoke: Invoke, encoder: Path) -> None:
    """PCGrad at every update meets one task a step in this schedule: it trains what none trains."""
    words = ("--hold", "rotate", "--hold", "pcgrad-epoch-end", "--hold", SMART, "--factor", "pcgrad", *FEW)
    result = ablate(invoke, *words, "--encoder", encoder, "--seeds", 2, "--json", "--no-report")
    assert result.exit_code == 0, result.output
    report = data(result)
    assert report["cells"] == 4  # of 2 x 2 combinations x 2 seeds
    assert {each["reason"] for each in report["not_trained"]} == {
        "it trains what no factor trains",
        "it trains what mse-on-sts trains",
    }
    assert all(each["estimate"] == 0 and each["p"] is None for each in report["shapley"] if each["factors"] == "pcgrad")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--hold", "rotat"), "there is no factor rotat to hold; the factors are: smart-package-sst, rotate"),
        (("--hold", "rotate=maybe"), "--hold 'rotate=maybe' is not FACTOR, FACTOR=on or FACTOR=off"),
        (("--factor", "mse-on-st"), "there is no change 'mse-on-st'; near names: mse-on-sts"),
        (("--factor", MSE), "mse-on-sts is a factor already"),
        (("--budget", "many"), "--budget 'many' is neither cells, as in 96, nor hours, as in 2.5h"),
        (("--budget", "0"), "--budget '0' is neither cells"),
        (("--budget", "2h"), "this results folder has trained none of these; give it in cells"),
        (("--budget", "12", "--seeds", "6"), "4 factors take 5 cells a seed or more and the budget is 2"),
        (("--budget", "90", "--seeds", "6", "--design", "factorial"), "factorial takes 16 combinations, 96 cells"),
        (tuple(itertools.chain(*(("--hold", name) for name in ALL))), "every factor is held"),
    ],
)
def test_a_fault_is_one_sentence(invoke: Invoke, words: tuple[str, ...], sentence: str) -> None:
    result = ablate(invoke, *words)
    assert result.exit_code == 2
    assert sentence in result.output
    assert len(result.output.splitlines()) == 1


def test_a_row_against_itself_is_refused(invoke: Invoke) -> None:
    result = invoke("ablate", ROW, "--against", ROW)
    assert result.exit_code == 2
    assert "both rows train the same" in result.output
