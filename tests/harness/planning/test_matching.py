"""What is shown follows from what is declared: an edited row has no result until it is trained, and has its old one
again once the edit is taken back, in every command alike."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from experiments.papers.smooth_valleys import SUITES
from experiments.suite import Change, Claim, Contrast, Suite
from harness.planning.matching import EDITED, OLDER, match_trainings
from harness.registry import plugins
from harness.reporting.frame import results
from model.selection import LastEpoch
from tests.harness.conftest import Invoke
from tests.harness.homes import empty
from tests.harness.report_homes import Training, contents, deliver, expected, furnish, train

PAPER, BASE, ROW = "mine", "mine/table9/base", "mine/table9/row"
Edit = Callable[[Suite], Suite]


def suite() -> Suite:
    """A table of one's own: two rows and a claim."""
    template = SUITES[0]
    rows = (
        dataclasses.replace(template.rows[0], name="base", on=None, changes=(), notes=(), printed={}),
        dataclasses.replace(
            template.rows[0],
            name="row",
            on="base",
            changes=(Change("slow", "slower", (("optimizer.rate", 5e-6),)),),
            notes=("a note",),
            printed={"sst_accuracy": 0.5},
            marks={},
        ),
    )
    contrast = Contrast(better="row", worse="base", metric="sst_accuracy")
    claims = (Claim(name="better", says="The row is better.", contrasts=(contrast,)),)
    return dataclasses.replace(
        template, paper=PAPER, table="table9", rows=rows, claims=claims, statements=(), extends=None, notes=()
    )


def row_edited(**changes: Any) -> Edit:
    return lambda of: dataclasses.replace(of, rows=(of.rows[0], dataclasses.replace(of.rows[1], **changes)))


def faster(of: Suite) -> Suite:
    return row_edited(changes=(Change("slow", "slower", (("optimizer.rate", 3e-5),)),))(of)


def reversed_claim(of: Suite) -> Suite:
    contrast = dataclasses.replace(of.claims[0].contrasts[0], sign=-1)
    return dataclasses.replace(of, claims=(dataclasses.replace(of.claims[0], contrasts=(contrast,)),))


EDITS: dict[str, Edit] = {
    "recipe": faster,
    "split": row_edited(split="test"),
    "selection": row_edited(selection=LastEpoch()),
    "formula": lambda of: dataclasses.replace(of, formula="plain" if of.formula != "plain" else "normalised"),
    "printed": row_edited(printed={"sst_accuracy": 0.25}),
    "note": row_edited(notes=("another note",)),
    "title": lambda of: dataclasses.replace(of, title="Another title"),
    "claim": reversed_claim,
}
RETRAINS = ("recipe",)


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Callable[[Suite], None]:
    """Have a file of one's own say this."""
    monkeypatch.setattr(plugins, "_files", {})
    empty()
    monkeypatch.setattr("harness.tracking.database.migrate_database", lambda file: file.write_bytes(empty()))

    def said(of: Suite) -> None:
        plugins._files[Path("mine.py")] = (ModuleType("mine"), (of,))

    return said


def trainings(name: str, skill: float) -> list[Training]:
    return [
        Training(
            name=f"{name}-{row[-4:]}-{seed}", row=row, seed=seed, skill=skill if row == ROW else 0.4, ended=seed + 1
        )
        for row in (BASE, ROW)
        for seed in (0, 1, 2)
    ]


def shown(invoke: Invoke, home: Path, out: Path) -> dict[str, float | str]:
    """The row's SST accuracy, or overall score, as every command tells it."""
    metric = "sst_accuracy"
    values: dict[str, float | str] = {}
    for name, words in {"report": (), "from": ("--from", f"sqlite:///{home / 'mlflow.db'}")}.items():
        result = invoke("report", f"{PAPER}/table9", "--out", out / name, *words)
        assert result.exit_code == 0, result.output
        (scores,) = (out / name / "tables").glob("*table9-demo-*-scores.csv")
        with scores.open() as stream:
            (line,) = (each for each in csv.DictReader(stream) if (each["row"], each["metric"]) == ("row", metric))
        values[name] = float(line["mean"]) if line["mean"] else line["state"]
    for name, words in {"explain": (), "explain --from": ("--from", f"sqlite:///{home / 'mlflow.db'}")}.items():
        result = invoke("explain", f"{ROW}:{metric}", "--json", *words)
        values[name] = json.loads(result.output)[0]["mean"] if result.exit_code == 0 else "stale"
    result = invoke("compare", ROW, BASE, "--json")
    means = (
        [each["first_mean"] for each in json.loads(result.output) if each["metric"] == metric]
        if not result.exit_code
        else []
    )
    values["compare"] = means[0] if means and means[0] is not None else "stale"
    frame = results(f"{PAPER}/table9", home=home)
    values["results"] = "stale" if not any("row" in rows.split("/") for rows in frame["rows"]) else values["report"]
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(f"{PAPER}/table9")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.kind = 'seed' and tags.row = 'row'")
    seen = [run.data.metrics[f"reported/{metric}"] for run in runs if "superseded" not in run.data.tags]
    values["mlflow"] = pd.Series(seen).mean() if seen else "stale"
    return values


def agree(values: dict[str, float | str], wanted: float | str) -> None:
    for command, value in values.items():
        assert value == (pytest.approx(wanted, abs=1e-12) if isinstance(wanted, float) else wanted), (command, values)


def mean(of: list[Training]) -> float:
    return float(pd.Series([expected(each)[1]["sst_accuracy"] for each in of if each.row == ROW]).mean())


@pytest.mark.parametrize("kind", EDITS)
@pytest.mark.usefixtures("no_figures")
def test_edited_trained_taken_back_trained(
    invoke: Invoke, tmp_path: Path, declare: Callable[[Suite], None], kind: str
) -> None:
    """Every command tells the same figure at each step, and the last report is the first one, byte for byte."""
    home, first, second = tmp_path / "home", suite(), EDITS[kind](suite())
    declare(first)
    before = furnish(home, trainings("first", 0.8))
    assert deliver(home).left == 0
    agree(shown(invoke, home, tmp_path / "out"), mean(before))
    pages = contents(tmp_path / "out")
    declare(second)
    assert deliver(home).left == 0
    if kind in RETRAINS:
        agree(shown(invoke, home, tmp_path / "out"), "stale")
        after = furnish(home, [each for each in trainings("second", 0.6) if each.row == ROW])
        assert deliver(home).left == 0
    else:
        after = before
    agree(shown(invoke, home, tmp_path / "out"), mean(after))
    edited = contents(tmp_path / "out")
    assert (edited["report/report.html"] != pages["report/report.html"]) == (kind != "note")  # MLflow's page has it
    assert edited["report/report.html"] == edited["from/report.html"]
    declare(first)
    assert deliver(home).left == 0
    agree(shown(invoke, home, tmp_path / "out"), mean(before))
    after_all = contents(tmp_path / "out")
    assert [name for name in pages if after_all.get(name) != pages[name]] == []


def test_what_a_row_does_not_have_any_more_is_named_with_its_reason(
    invoke: Invoke, tmp_path: Path, declare: Callable[[Suite], None]
) -> None:
    home = tmp_path / "home"
    declare(suite())
    furnish(home, trainings("first", 0.8))
    declare(faster(suite()))
    furnish(home, [Training(name="again", row=ROW, seed=0, skill=0.6)])
    result = invoke("compare", ROW, BASE)
    assert f"left out: {ROW} seed 1, {EDITED}" in result.output
    assert f"left out: {ROW} seed 0" not in result.output
    assert f"seed 2: left out, {EDITED}" in invoke("explain", f"{ROW}:sst_accuracy").output


def test_two_trainings_that_would_both_do_are_none() -> None:
    """Nothing says which of two contents of one name a row means: neither is shown."""

    class Anything:
        def fault(self, training: Any) -> str:
            return ""

    one, other = (Training(name=name, row=ROW) for name in "ab")
    candidates = [(dataclasses.make_dataclass("T", ["cell", "seed"])(each.name, 0), each) for each in (one, other)]
    matched = match_trainings(Anything(), candidates)  # type: ignore[arg-type]
    assert matched.kept == {}
    assert "several contents" in matched.left_out[0]


def test_a_cell_that_lies_about_its_name_is_not_shown(
    invoke: Invoke, tmp_path: Path, declare: Callable[[Suite], None]
) -> None:
    """A folder moved to another cell's name, checksums and all."""
    home = tmp_path / "home"
    declare(suite())
    furnish(home, trainings("first", 0.8))
    stranger = Training(name="f" * 24, row=BASE, seed=0)
    train(home, stranger)
    for path in (home / "readers").glob("*.json"):
        path.unlink()
    furnish(home, [stranger])
    result = invoke("explain", f"{BASE}:sst_accuracy")
    assert result.exit_code == 2
    assert OLDER in result.output  # its key is right, and its name does not follow from it
    assert re.match("error: the results folder .* has no results of these rows; ", result.output)
