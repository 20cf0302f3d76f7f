"""``harness compare`` and ``explain``: the statistics of the answers that were kept, and what is behind a figure."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from reports.statistics.correlation import pearson, williams, zou
from reports.statistics.effect_size import hedges
from reports.statistics.paired_tests import mcnemar, sign_flips
from reports.statistics.power import detectable
from reports.suite import figures
from tests.harness.conftest import Invoke
from tests.harness.homes import empty
from tests.harness.report_homes import (
    EPOCHS,
    ITEMS,
    Array,
    Training,
    answers,
    cell_of,
    deliver,
    expected,
    furnish,
    id_of,
    labels,
    seeds,
)
from tests.reports.statistics.experiments import estimate_of

SUITE = "smooth-valleys/table2"
BASE, CHANGED, ALONE = f"{SUITE}/finetune-default", f"{SUITE}/finetune-rrobin", f"{SUITE}/pretrain-default"
OTHER_ITEMS, FAILED, CONSTANT = (
    f"{SUITE}/finetune-smart",
    f"{SUITE}/finetune-rrobin-smart",
    "smartbert/table1/baseline",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of three seeds and of one, a row scored on other items, one whose training failed, one that is constant."""
    folder = tmp_path_factory.mktemp("compared") / "home"
    furnish(folder, [*trainings(BASE), *trainings(CHANGED), *trainings(ALONE)])
    furnish(folder, seeds(OTHER_ITEMS, 2, ids="new-"))
    furnish(folder, [Training(name="lost", row=FAILED, failure="out of memory")])
    furnish(folder, [*seeds(CONSTANT, 2, constant=("sts",)), *trainings("smartbert/table1/sentiment-smart")])
    furnish(folder, seeds(BASE, 2, suffix="small", profile="small"), setup="s2", profile="small")
    (folder / "mlflow.db").write_bytes(empty())
    assert deliver(folder).left == 0
    return folder


def trainings(row: str) -> list[Training]:
    if row == ALONE:
        return seeds(row, 1, skill=0.35)
    return seeds(row, 3, skill=0.5 if row == BASE else 0.8)


@pytest.fixture(autouse=True)
def quickly_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.tracking.database.migrate_database", lambda file: file.write_bytes(empty()))


def compared(invoke: Invoke, home: Path, first: str, second: str) -> dict[str, dict[str, Any]]:
    """By metric, of the only set-up that has both; what is told holds no NaN."""
    result = invoke("compare", first, second, "--json", "--home", home)
    assert result.exit_code == 0, result.output
    comparisons = json.loads(result.output)
    json.dumps(comparisons, allow_nan=False)
    assert {each["setup"]["profile"] for each in comparisons} == {"demo"}
    words = invoke("compare", first, second, "--home", home)
    assert words.exit_code == 0, words.output
    assert "nan" not in words.output
    return {each["metric"]: each for each in comparisons}


def right(training: Training, task: str) -> Array:
    epoch, _ = expected(training)
    return np.asarray(answers(training)["dev", task, epoch] == labels(training, "dev", task), dtype=float)


def test_the_figures_are_those_of_the_answers(invoke: Invoke, home: Path) -> None:
    comparisons = compared(invoke, home, CHANGED, BASE)
    assert set(comparisons) == {"sst_accuracy", "quora_accuracy", "sts_pearson"}
    for task in ("sst", "quora"):
        comparison = comparisons[f"{task}_accuracy"]
        ours, theirs = (np.stack([right(each, task) for each in trainings(row)]) for row in (CHANGED, BASE))
        wanted = estimate_of([ours - theirs], most=(1.0,))
        assert comparison["difference"] == pytest.approx(np.mean(ours) - np.mean(theirs), abs=1e-12)
        assert (comparison["low"], comparison["high"]) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
        assert comparison["p"] == pytest.approx(wanted.p, rel=1e-9)
        assert comparison["detectable"] == pytest.approx(detectable(wanted), rel=1e-9)
        assert comparison["hedges_g"] == pytest.approx(hedges((ours - theirs).mean(axis=1).tolist()), rel=1e-9)
        assert comparison["p_items"] == sign_flips(ours - theirs)
        assert comparison["bootstrap"][0] < comparison["difference"] < comparison["bootstrap"][1]
        assert (comparison["first_mean"], comparison["second_mean"]) == pytest.approx(
            (ours.mean(), theirs.mean()), abs=1e-12
        )
        assert (comparison["seeds"], comparison["items"]) == ([0, 1, 2], {task: ITEMS[task]})
        assert "schedule" in comparison["axes"]
    means = [np.mean([expected(each)[1]["sts_pearson"] for each in trainings(row)]) for row in (CHANGED, BASE)]
    assert comparisons["sts_pearson"]["difference"] == pytest.approx(means[0] - means[1], abs=1e-12)


def test_turned_round_the_signs_turn(invoke: Invoke, home: Path) -> None:
    one, other = compared(invoke, home, CHANGED, BASE), compared(invoke, home, BASE, CHANGED)
    for metric, comparison in one.items():
        assert other[metric]["difference"] == pytest.approx(-comparison["difference"], abs=1e-12)
        assert other[metric]["low"] == pytest.approx(-comparison["high"], abs=1e-12)
        assert other[metric]["p"] == pytest.approx(comparison["p"], rel=1e-9)


def test_other_items_are_refused(invoke: Invoke, home: Path) -> None:
    comparisons = compared(invoke, home, OTHER_ITEMS, BASE)
    for task in ("sst", "quora", "sts"):
        comparison = next(each for metric, each in comparisons.items() if metric.startswith(task))
        assert f"did not score the same {task} items" in comparison["reason"]
        assert not {"difference", "p", "low"} & set(comparison)
    assert "did not score the same sst items" in invoke("compare", OTHER_ITEMS, BASE, "--home", home).output


def test_one_seed_is_told(invoke: Invoke, home: Path) -> None:
    comparison = compared(invoke, home, ALONE, BASE)["sst_accuracy"]
    ours, theirs = (right(trainings(row)[0], "sst") for row in (ALONE, BASE))
    assert comparison["seeds"] == [0]
    assert comparison["difference"] == pytest.approx(ours.mean() - theirs.mean(), abs=1e-12)
    assert comparison["p_items"] == mcnemar(ours == 1, theirs == 1)
    assert comparison["hedges_g"] is None
    assert comparison["bootstrap"] is None
    together = compared(invoke, home, ALONE, BASE)["sts_pearson"]
    first, second = trainings(ALONE)[0], trainings(BASE)[0]
    gold = labels(first, "dev", "sts")
    one, other = (answers(each)["dev", "sts", EPOCHS] for each in (first, second))
    correlations = pearson(one, gold), pearson(other, gold), pearson(one, other)
    assert together["p_items"] == pytest.approx(williams(*correlations, len(gold))[1])
    assert together["zou"] == pytest.approx(list(zou(*correlations, len(gold))))
    assert "1  (items alone)" in invoke("compare", ALONE, BASE, "--home", home).output


def test_a_constant_row_and_a_failed_one_have_reasons(invoke: Invoke, home: Path) -> None:
    constant = compared(invoke, home, "smartbert/table1/sentiment-smart", CONSTANT)
    assert "no Pearson r" in constant["sts_pearson"]["reason"]
    assert "no Pearson r" in constant["overall"]["reason"]
    assert constant["sts_pearson"]["second_mean"] is None
    assert "difference" in constant["quora_accuracy"]
    failed = compared(invoke, home, FAILED, BASE)
    assert {each["reason"] for each in failed.values()} == {f"not run: {FAILED}"}
    assert all("difference" not in each for each in failed.values())


def refused(result: Result, sentence: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.output.startswith("error: ")
    assert result.output.count("\n") == 1
    assert sentence in result.output


def test_what_does_not_exist_is_one_sentence(invoke: Invoke, home: Path) -> None:
    refused(invoke("compare", "nothing", BASE, "--home", home), "there is no row 'nothing'")
    refused(invoke("compare", BASE, BASE, "--home", home), "is given twice")
    refused(invoke("compare", BASE, "bertram/table1/06-smart", "--home", home), "no set-up")
    refused(invoke("compare", "bertram/table1/04-all-three", "bertram/table1/06-smart", "--home", home), "no results")
    refused(invoke("explain", "nothing", "--home", home), "is no figure")
    refused(invoke("explain", "aaaaaa", "--home", home), "no figure")
    refused(invoke("explain", f"{BASE}:nothing", "--home", home), "has no metric 'nothing'")
    refused(invoke("explain", "nothing:sst_accuracy", "--home", home), "there is no row 'nothing'")
    refused(invoke("explain", f"{SUITE}/finetune-rrobin-smart:", "--home", home), "has no metric ''")
    refused(invoke("explain", "bertram/table1/06-smart:overall", "--home", home), "no results")


def explained(invoke: Invoke, home: Path, figure: str) -> list[dict[str, Any]]:
    result = invoke("explain", figure, "--json", "--home", home)
    assert result.exit_code == 0, result.output
    explanations: list[dict[str, Any]] = json.loads(result.output)
    json.dumps(explanations, allow_nan=False)
    return explanations


def test_a_figure_is_explained_by_what_was_trained(invoke: Invoke, home: Path) -> None:
    demo, small = explained(invoke, home, f"{BASE}:sst_accuracy")
    assert (demo["setup"]["profile"], small["setup"]["profile"]) == ("demo", "small")
    wanted = [expected(each) for each in trainings(BASE)]
    assert demo["mean"] == pytest.approx(np.mean([scores["sst_accuracy"] for _, scores in wanted]), abs=1e-12)
    assert (demo["printed"], demo["split"], len(demo["seeds"])) == (0.525, "dev", 3)
    for seed, training, (epoch, scores) in zip(demo["seeds"], trainings(BASE), wanted, strict=True):
        assert seed["value"] == scores["sst_accuracy"]
        assert (seed["seed"], seed["epoch"], seed["status"]) == (training.seed, epoch, "done")
        assert (seed["cell"], seed["recipe"]) == (id_of(training), cell_of(training).key)
        assert re.fullmatch("[0-9a-f]{12}", seed["predictions"])
        assert set(seed["data"]) == {"sst", "quora", "sts"}
        assert seed["code"] == {"version": "0", "revision": "abc"}
    assert len({seed["predictions"] for seed in demo["seeds"]}) == 3
    said = invoke("explain", f"{BASE}:sst_accuracy", "--home", home).output
    for seed in demo["seeds"]:
        assert seed["run"] in said
        assert seed["predictions"] in said


def test_a_failed_seed_is_explained(invoke: Invoke, home: Path) -> None:
    (explanation,) = explained(invoke, home, f"{FAILED}:sst_accuracy")
    assert explanation["mean"] is None
    (seed,) = explanation["seeds"]
    assert (seed["status"], seed["reason"], seed["value"]) == ("failed", "out of memory", None)
    assert "out of memory" in invoke("explain", f"{FAILED}:sst_accuracy", "--home", home).output


def test_the_small_print_is_explained(
    invoke: Invoke, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name in a table is a figure's, and leads to the mean that stands above it."""
    monkeypatch.setattr(figures, "pictures", lambda *_: [])
    assert invoke("report", BASE, "--home", home, "--out", tmp_path / "out").exit_code == 0
    page = (tmp_path / "out" / "report.html").read_text()
    names = re.findall(r'data-value="([^"]*)"[^>]*>[^<]*<small>([0-9a-f]{6})<', page)
    assert len({name for _, name in names}) == 2 * 3
    for value, name in names[::2]:
        (explanation,) = explained(invoke, home, name)
        assert explanation["name"] == name
        assert explanation["mean"] == pytest.approx(float(value), abs=1e-12)
