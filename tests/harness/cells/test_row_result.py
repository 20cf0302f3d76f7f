"""A row's figures come from the epoch that its selection chose, under its suite's formula."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from harness.cells.atomic import checksummed
from harness.cells.record import Record, file_checksums, read_record, read_records
from harness.cells.row_result import row_result
from harness.registry.selectors import find
from model.selection import EarlyStopping, LastEpoch

TRAJECTORY = [(0.40, 0.60, 0.10), (0.50, 0.55, 0.20), (0.45, 0.70, 0.30)]


def record(folder: Path, epochs: list[tuple[float, float, float]] | None = None) -> Record:
    """A finished cell with these sst, quora and sts figures on dev; test is .1 lower, train .1 higher."""
    folder.mkdir(parents=True)
    names = ("sst_accuracy", "quora_accuracy", "sts_pearson")
    lines = []
    for number, figures in enumerate(epochs or TRAJECTORY, start=1):
        scores = {
            split: {name: figure + shift for name, figure in zip(names, figures, strict=True)}
            for split, shift in (("train", 0.1), ("dev", 0.0), ("test", -0.1))
        }
        lines.append(checksummed({"epoch": number, "scores": scores, "signals": {}}))
    (folder / "journal.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "cell.json").write_text(checksummed({"key": "k"}))
    (folder / "predictions.npz").write_bytes(b"")
    (folder / "outcome.json").write_text(
        checksummed({"status": "done", "epochs": len(lines), "checks": file_checksums(folder)})
    )
    stored = read_record(folder)
    assert stored is not None
    return stored


def test_the_suites_selection_takes_the_best_dev_epoch_of_sst(tmp_path: Path) -> None:
    suite, row = find("bertram/table1/04-all-three")
    result = row_result(suite, row, record(tmp_path / "cell"))
    assert result.epoch == 2
    assert result.scores["sst_accuracy"] == 0.50
    assert result.train["sst_accuracy"] == pytest.approx(0.60)
    assert result.scores["overall"] == pytest.approx((0.50 + 0.55 + (0.20 + 1) / 2) / 3)


def test_a_test_row_selects_on_dev_and_reports_test(tmp_path: Path) -> None:
    suite, row = find("bertram/table1/13-combined-test")
    result = row_result(suite, row, record(tmp_path / "cell"))
    assert result.epoch == 2
    assert result.scores["sst_accuracy"] == pytest.approx(0.40)


def test_other_selections_read_the_same_trajectory(tmp_path: Path) -> None:
    suite, row = find("bertram/table1/04-all-three")
    cell = record(tmp_path / "cell")
    last = dataclasses.replace(row, selection=LastEpoch())
    early = dataclasses.replace(row, selection=EarlyStopping(metric="quora_accuracy", patience=1))
    assert row_result(suite, last, cell).epoch == 3
    assert row_result(suite, early, cell).epoch == 1  # epoch 2 brought nothing, so 3 was never seen


def test_an_undefined_correlation_is_reported_as_such(tmp_path: Path) -> None:
    suite, row = find("bertram/table1/04-all-three")
    result = row_result(suite, row, record(tmp_path / "cell", [(0.3, 0.6, math.nan)]))
    assert result.scores["sts_pearson"] is not None
    assert math.isnan(result.scores["sts_pearson"])
    assert math.isnan(result.scores["overall"] or 0.0)


def test_an_unfinished_cell_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "cells" / "half").mkdir(parents=True)
    (tmp_path / "cells" / "half" / "cell.json").write_text("{}")
    assert read_record(tmp_path / "cells" / "half") is None
    assert list(read_records(tmp_path)) == []
