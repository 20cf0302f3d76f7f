"""A training that is not what its row declares now is in no report, whether code or declaration has changed since."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.planning.matching import OLDER
from harness.registry.selectors import all_rows, find
from harness.tracking.from_cells import ResultsFolder
from model.settings import parts
from tests.harness.conftest import Invoke
from tests.harness.trials import FEW, SUITE

OLD, NEW = f"{SUITE}/05-cosine-embedding", f"{SUITE}/04-all-three"


def test_what_older_code_trained_is_left_out_of_a_report_and_called_stale(
    invoke: Invoke, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = (*FEW, "--seeds", 1, "--jobs", 1, "--no-report", "--encoder", encoder)
    for row in (OLD, NEW):
        assert invoke("run", row, *few).exit_code == 0
    old, new = ({type(part) for part in parts(suite.recipe(row))} for suite, row in map(find, (OLD, NEW)))
    only, *_ = sorted(old - new, key=lambda kind: kind.slug)  # a technique of the one row alone
    monkeypatch.setattr(only, "version", only.version + 1)
    (after,) = ResultsFolder(tmp_path / "home").setups(all_rows())
    assert set(after.rows) == {NEW}
    assert after.left_out == {OLD: {0: OLDER}}
    assert invoke("report", SUITE).exit_code == 0
    page = (tmp_path / "home" / "reports" / "all" / "report.html").read_text()
    assert "stale trained before an edit or by older code, left out" in page
    assert f"05-cosine-embedding: seed 0 left out, {OLDER}" in page
