"""Two results folders write to one tracking store at the same time: nothing of either is lost, or there twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from harness.tracking.current_runs import PARENT
from harness.tracking.deliverables import collect_deliverables
from harness.tracking.store import Store
from harness.tracking.sync import Count, Delivery
from tests.harness.homes import cell, empty, missing, reads, stored_runs
from tests.harness.processes import FULL
from tests.harness.tracking.test_sync import WRITES

ROW, OTHER = "bertram/table1/12-combined", "bertram/table1/04-all-three"


class Interrupted:
    """A client; just before or after one of its writes something else happens."""

    def __init__(self, client: MlflowClient, writes: int, then: Callable[[], object], after: bool) -> None:
        self.client, self.left, self.then, self.after = client, writes, then, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        return self.written(method) if name in WRITES else method

    def written(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == -1 and not self.after:
                self.then()
            answer = write(*arguments, **named)
            if self.left == -1 and self.after:
                self.then()
            return answer

        return call


@pytest.fixture
def uri(tmp_path: Path) -> str:
    (tmp_path / "shared.db").write_bytes(empty())
    return f"sqlite:///{tmp_path / 'shared.db'}"


def home(folder: Path, seed: int, ended: int, training: int = 1) -> Path:
    """One cell of the row."""
    cell(folder, ROW, seed=seed, ended=ended, epochs=1, training=training)
    reads(folder, ROW, seed)
    return folder


def deliver(folder: Path, uri: str) -> Count:
    with Delivery(Store(folder, uri), print) as delivery:
        return delivery.deliver_all(folder)


def hang_together(uri: str) -> bool:
    """Whether each part that is shown is under its row's run, and that is shown."""
    client = MlflowClient(uri)
    (experiment,) = (each for each in client.search_experiments() if each.name == "bertram/table1")
    runs = [run.data.tags | {"run": run.info.run_id} for run in client.search_runs([experiment.experiment_id])]
    rows = {tags["row"]: tags["run"] for tags in runs if tags["kind"] == "row" and "superseded" not in tags}
    parts = [tags for tags in runs if tags["kind"] == "seed" and "superseded" not in tags]
    return all(tags[PARENT] == rows[tags["row"]] for tags in parts)


def interrupted(folder: Path, uri: str, writes: int, then: Callable[[], object], after: bool) -> bool:
    """Deliver, with something in between; whether it came to that."""
    store = Store(folder, uri)
    client = Interrupted(store.client, writes, then, after)
    store.client = client  # type: ignore[assignment]
    with Delivery(store, print) as delivery:
        assert delivery.deliver_all(folder).left == 0
    return client.left < 0


MOMENTS = list(itertools.product(range(12) if FULL else (0, 1, 2, 4, 7), (False, True)))


@pytest.mark.parametrize(("writes", "after"), MOMENTS)
def test_cells_of_one_row_share_its_run(tmp_path: Path, uri: str, writes: int, after: bool) -> None:
    """The other results folder writes all of its own between two writes of this one."""
    one, two = home(tmp_path / "one", 0, 1), home(tmp_path / "two", 1, 2)

    def meanwhile() -> None:
        assert deliver(two, uri) == Count(new=1)

    came = interrupted(one, uri, writes, meanwhile, after)
    if not came:
        meanwhile()
    shown = stored_runs(uri, ids=True)  # fails where a row is there twice
    assert len(shown) == 3
    assert hang_together(uri)
    assert not [text for folder in (one, two) for text in missing(folder, uri) if "extra" not in text]
    assert deliver(one, uri) == deliver(two, uri) == Count(present=1)
    assert stored_runs(uri, ids=True) == shown


def test_a_row_that_another_home_has_made_is_found_while_training_goes_on(tmp_path: Path, uri: str) -> None:
    one, two = home(tmp_path / "one", 0, 2), home(tmp_path / "two", 1, 2)
    cell(one, OTHER, ended=1, epochs=1)
    reads(one, OTHER, 0)
    with Delivery(Store(one, uri), print) as delivery:
        before, after = collect_deliverables(one, print).entries
        assert delivery.deliver(before)  # it knows now what the store holds
        assert deliver(two, uri) == Count(new=1)
        assert delivery.deliver(after)
        assert len(stored_runs(uri)) == 2 + 3  # each row once


@pytest.mark.parametrize("training", [1, 2, 3], ids=["earlier", "same", "later"])
@pytest.mark.parametrize(("writes", "after"), MOMENTS)
def test_of_one_cell_that_both_have_the_latest_training_is_shown(
    tmp_path: Path, uri: str, writes: int, after: bool, training: int
) -> None:
    """By count, whatever the clocks of the two say; of equal counts the same, whoever looks."""
    one, two = home(tmp_path / "one", 0, 5, training=2), home(tmp_path / "two", 0, 9 - training, training=training)
    interrupted(one, uri, writes, lambda: deliver(two, uri), after)
    deliver(two, uri)
    shown = stored_runs(uri)
    assert len(shown) == 2
    assert hang_together(uri)
    (run,) = (run for run in shown.values() if run["parent"])
    (entries,) = zip(*(collect_deliverables(folder, print).entries for folder in (one, two)), strict=True)
    wanted = max(entries, key=lambda entry: (entry.record.training, entry.content))
    assert (run["tags"]["training"], run["tags"]["content"]) == (str(max(2, training)), wanted.content)
    assert run["status"] == "FINISHED"
    assert run["answers"]


def test_what_an_older_version_delivered_is_replaced(tmp_path: Path, uri: str) -> None:
    """It carries no checksum, so that no report would believe it."""
    one = home(tmp_path / "one", 0, 1)
    assert deliver(one, uri) == Count(new=1)
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("bertram/table1")
    assert experiment is not None
    for run in client.search_runs([experiment.experiment_id]):
        for tag in ("home", "check", "declared", "content", "training"):
            if tag in run.data.tags:
                client.delete_tag(run.info.run_id, tag)
    assert deliver(one, uri) == Count(new=1)
    assert missing(one, uri) == []
    assert hang_together(uri)
    assert deliver(one, uri) == Count(present=1)
