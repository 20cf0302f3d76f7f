"""Results of older code: a report leaves them out and says so; nothing is paired with them."""

from __future__ import annotations

import json
from pathlib import Path

from harness.catalogue import everything
from harness.store import Store
from harness.stored import setups
from tests.harness.conftest import Invoke
from tests.harness.trials import FEW, SUITE

OLD, NEW = f"{SUITE}/04-all-three", f"{SUITE}/03-sst-quora"


def age(store: Store, row: str) -> None:
    """As if the row's runs were of an older loop."""
    experiment = store.client.get_experiment_by_name(SUITE)
    (run,) = store.client.search_runs([experiment.experiment_id], f"tags.kind = 'seed' and tags.row LIKE '{row}%'")
    versions = json.loads(run.data.tags["versions"])
    versions["loop"] -= 1
    store.client.set_tag(run.info.run_id, "versions", json.dumps(versions))


def test_what_older_code_trained_is_left_out_of_a_report_and_called_stale(
    invoke: Invoke, encoder: Path, tmp_path: Path
) -> None:
    for row in (OLD, NEW):
        words = (row, *FEW, "--seeds", 1, "--jobs", 1, "--no-report", "--encoder", encoder)
        assert invoke("run", *words).exit_code == 0
    store = Store(tmp_path / "home")
    (before,) = setups(store, everything())
    assert set(before.rows) == {OLD, NEW}
    assert before.stale == frozenset()
    age(store, OLD.rpartition("/")[2])
    (after,) = setups(store, everything())
    assert set(after.rows) == {NEW}
    assert after.stale == {OLD}
    assert invoke("report", SUITE).exit_code == 0
    page = (tmp_path / "home" / "reports" / "all" / "report.html").read_text()
    assert "stale trained by other technique code, left out" in page
