import csv
import os
from pathlib import Path

import pytest

from experiments.suite import overall
from reports.suite_table.baselines import MAJORITY, RANDOM, reference_lines
from tests import ROOT

COURSE = Path(os.environ.get("HARNESS_TEST_DATA", ROOT / ".." / "shared" / "data" / "cs224n"))


def lines(**labels: list[float]) -> dict[str, dict[str, float | None]]:
    return {line.name: dict(line.values) for line in reference_lines(labels)}


def course(file: str, column: str) -> list[float]:
    path = COURSE / file
    if not path.is_file():
        pytest.skip(f"the course's {file} is not there; HARNESS_TEST_DATA names its folder")
    with path.open(encoding="utf-8", newline="") as stream:
        return [float(row[column]) for row in csv.DictReader(stream, delimiter="\t") if row[column]]


def test_constant_and_majority_answers_score_their_share() -> None:
    scores = lines(sst=[0, 2, 3, 3, 4], quora=[0, 0, 0, 1])
    assert scores[MAJORITY] == {"sst_accuracy": 0.4, "quora_accuracy": 0.75}
    assert scores["always 2"] == {"sst_accuracy": 0.2}
    assert scores["always 0"] == {"quora_accuracy": 0.75}
    assert scores["always 1"] == {"quora_accuracy": 0.25}


def test_a_random_answer_scores_one_in_so_many_classes() -> None:
    scores = lines(sst=[3] * 9, quora=[0] * 9, sts=[1.0, 2.5], cfimdb=[1])
    expected = {"sst_accuracy": 0.2, "quora_accuracy": 0.5, "sts_pearson": 0.0, "cfimdb_accuracy": 0.5}
    assert scores[RANDOM] == expected
    assert overall("plain", expected) == pytest.approx(0.7 / 3)


def test_a_constant_score_has_no_pearson_r() -> None:
    assert lines(sts=[1.0, 2.5])[MAJORITY] == {"sts_pearson": None}


def test_a_task_without_labels_has_no_line() -> None:
    assert lines(sst=[-1, -1], sts=[]) == {}


def test_lines_name_the_split_they_hold_for() -> None:
    assert {line.split for line in reference_lines({"sst": [1]}, "test")} == {"test"}


def test_the_courses_dev_facts() -> None:
    scores = lines(sst=course("ids-sst-dev.csv", "sentiment"), quora=course("quora-dev.csv", "is_duplicate"))
    rounded = {
        (name, key): round(value, 3) for name, values in scores.items() for key, value in values.items() if value
    }
    assert rounded[MAJORITY, "sst_accuracy"] == 0.262
    assert rounded["always 2", "sst_accuracy"] == 0.208
    assert rounded["always 1", "quora_accuracy"] == 0.375
    assert rounded["always 0", "quora_accuracy"] == rounded[MAJORITY, "quora_accuracy"] == 0.625
