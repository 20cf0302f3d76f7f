"""A training that is not what its row declares now is in no report, whether code or declaration has changed since."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalogue import everything
from harness.declared import OLDER
from harness.measured import Home
from model import recipe
from tests.harness.conftest import Invoke
from tests.harness.trials import FEW, SUITE

OLD, NEW = f"{SUITE}/04-all-three", f"{SUITE}/03-sst-quora"


def test_what_older_code_trained_is_left_out_of_a_report_and_called_stale(
    invoke: Invoke, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = (*FEW, "--seeds", 1, "--jobs", 1, "--no-report", "--encoder", encoder)
    assert invoke("run", OLD, *few).exit_code == 0
    monkeypatch.setattr(recipe, "LOOP_VERSION", recipe.LOOP_VERSION + 1)
    assert invoke("run", NEW, *few).exit_code == 0
    (after,) = Home(tmp_path / "home").setups(everything())
    assert set(after.rows) == {NEW}
    assert after.left_out == {OLD: {0: OLDER}}
    assert invoke("report", SUITE).exit_code == 0
    page = (tmp_path / "home" / "reports" / "all" / "report.html").read_text()
    assert "stale trained before an edit or by older code, left out" in page
    assert f"04-all-three: seed 0 left out, {OLDER}" in page
