"""MLflow's pages: what they say of suites, rows and seeds, and the view that is prepared of each table."""

from __future__ import annotations

import base64
import dataclasses
import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Experiment
from mlflow.tracking import MlflowClient

from experiments.papers import SUITES
from experiments.suite import Suite
from harness.tracking import ui_notes
from harness.tracking.store import Store
from harness.tracking.sync import Count, Delivery
from harness.tracking.ui_notes import LONGEST, NOTE, VIEW, experiment_note, saved_view
from tests.harness.homes import cell, empty, failed, reads

ROW, TWIN = "bertram/table1/12-combined", "bertram/table1/13-combined-test"
LINES = ("12-combined (demo s1)", "13-combined-test (demo s1)")


@pytest.fixture(autouse=True)
def quickly_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases are copies of one."""
    empty()
    monkeypatch.setattr("harness.tracking.database.migrate_database", lambda file: file.write_bytes(empty()))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two rows that share a cell, and a seed that failed."""
    home = tmp_path / "home"
    cell(home, ROW, seed=0, ended=1)
    failed(home, ROW, seed=1, ended=2)
    reads(home, ROW, 0, 1)
    reads(home, TWIN, 0)
    return home


def deliver(store: Store) -> Count:
    with Delivery(store, print) as delivery:
        return delivery.deliver_all(store.home)


def client(home: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{home / 'mlflow.db'}")


def experiment(home: Path) -> Experiment:
    stored = client(home).get_experiment_by_name("bertram/table1")
    assert stored is not None
    return stored


def notes(home: Path) -> dict[str, str]:
    """The runs' descriptions by name."""
    runs = client(home).search_runs([experiment(home).experiment_id])
    return {run.info.run_name: run.data.tags[NOTE] for run in runs}


def unpacked(text: str) -> Any:
    """A view's state, read as MLflow's pages read it."""
    whole = json.loads(text)
    assert isinstance(whole["name"], str)
    assert isinstance(whole["createdAt"], int)
    assert whole["state"].startswith("deflate;")
    return json.loads(zlib.decompress(base64.b64decode(whole["state"].removeprefix("deflate;"))))


class CountingClient:
    """A client that counts what is set of experiments, or refuses it."""

    def __init__(self, client: MlflowClient, refuses: bool = False) -> None:
        self.client, self.refuses, self.count = client, refuses, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def set_experiment_tag(self, *arguments: Any) -> None:
        self.count += 1
        if self.refuses:
            raise PermissionError("error code 403")
        self.client.set_experiment_tag(*arguments)


def deliver_counting(home: Path, refuses: bool = False) -> tuple[CountingClient, Count]:
    store = Store(home)
    counting = CountingClient(store.client, refuses)
    store.client = counting  # type: ignore[assignment]
    return counting, deliver(store)


def test_a_table_is_described_where_it_is_opened(home: Path) -> None:
    deliver(Store(home))
    tags = experiment(home).tags
    assert tags[NOTE].startswith("Exploring Improvements on BERT, table 1: the rows of `bertram/table1`.\n")
    assert "means over seeds" in tags[NOTE]
    assert (tags["paper"], tags["source"], tags["formula"]) == ("bertram", "table 1", "normalised")


def test_a_row_tells_what_is_printed_and_the_commands(home: Path) -> None:
    deliver(Store(home))
    note = notes(home)["12-combined"]
    assert "| printed | .494 | .522 | .627 | .610 |" in note
    assert note.partition("\n")[0].endswith("**, `bertram/table1/12-combined`")
    assert "`harness show bertram/table1/12-combined`" in note
    assert "`harness report bertram/table1/12-combined --out DIR`" in note
    assert "[a report](/reports/demo-s1/report.html)" in note


def test_a_report_of_a_variant_is_where_the_run_left_it(home: Path) -> None:
    cell(home, ROW, setup="s2", variant="[epochs=2]")
    reads(home, ROW, 0, setup="s2", variant="[epochs=2]")
    deliver(Store(home))
    (note,) = (note for note in notes(home).values() if "demo-s2" in note)
    assert "(/reports/demo-s2-epochs=2/report.html)" in note


def test_a_seed_tells_its_figures_beside_the_printed_ones(home: Path) -> None:
    deliver(Store(home))
    run = next(
        run
        for run in client(home).search_runs([experiment(home).experiment_id])
        if run.info.run_name == "12-combined seed 0"
    )
    note, ours = run.data.tags[NOTE], run.data.metrics
    assert note.startswith("Seed 0 of **12-combined**, ")
    assert f"; dev, epoch {ours['reported/epoch']:.0f}\n" in note
    figures = [
        f"{ours[f'reported/{name}']:.3f}".removeprefix("0")
        for name in ("sst_accuracy", "quora_accuracy", "sts_pearson")
    ]
    assert f"| seed 0 | {' | '.join(figures)} | " in note
    assert "| printed | .494 | .522 | .627 | .610 |" in note
    assert "test, epoch" in notes(home)["13-combined-test seed 0"]


def test_a_seed_that_failed_says_why(home: Path) -> None:
    deliver(Store(home))
    assert "\n\nFailed: the loss of sst is nan" in notes(home)["12-combined seed 1"]


def test_a_row_of_a_users_file_is_named_by_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    suite = dataclasses.replace(SUITES[0], paper="mine")
    assert ui_notes.command_slug(SUITES[0], suite.rows[0]) == f"bertram/table1/{suite.rows[0].name}"
    monkeypatch.setattr(ui_notes, "brought", lambda: (suite,))
    monkeypatch.setattr(ui_notes, "installed_suites", lambda: ())
    assert ui_notes.command_slug(suite, suite.rows[0]) == f"FILE.py:{suite.rows[0].name}"


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.slug)
def test_every_suite_fits_into_its_tags(suite: Suite) -> None:
    assert len(experiment_note(suite, "seed")) < LONGEST  # nothing is cut
    lines = [f"{row.name} (paper {setup * 6})" for row in suite.rows for setup in "abc"]
    whole = unpacked(saved_view(suite, "seed", lines, None))
    assert len(saved_view(suite, "seed", lines, None)) <= LONGEST
    assert list(whole["groupsExpanded"].values()) == [False] * len(lines)
    assert [f"metrics.`reported/{name}`" in whole["selectedColumns"] for name in suite.columns] == [True] * len(
        suite.columns
    )


def test_what_does_not_fit_is_not_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [str(number) for number in range(9)]
    whole = saved_view(SUITES[0], "seed", lines, None)
    monkeypatch.setattr(ui_notes, "LONGEST", len(whole) - 1)
    assert unpacked(saved_view(SUITES[0], "seed", lines, None)) == unpacked(whole) | {"groupsExpanded": {}}


def test_the_view_groups_what_is_there_by_row_and_set_up_in_the_papers_order(home: Path) -> None:
    cell(home, ROW, profile="small")
    reads(home, ROW, 0, setup="s2-of-another", profile="small")
    deliver(Store(home))
    state = unpacked(experiment(home).tags[VIEW])
    lines = ("12-combined (demo s1)", "12-combined (small s2-of-)", "13-combined-test (demo s1)")
    assert state["groupsExpanded"] == {f"tag.line.{line}": False for line in lines}
    (group,) = state["groupBy"]["groupByKeys"]
    order = [f"{state['orderByKey']} {'ASC' if state['orderByAsc'] else 'DESC'}"]
    runs = client(home).search_runs([experiment(home).experiment_id], state["searchFilter"], order_by=order)
    shown = [run.data.tags[group["groupByData"]] for run in runs]
    assert list(dict.fromkeys(shown[:3])) in ([lines[0], lines[1], lines[2]], [lines[1], lines[0], lines[2]])
    assert len(runs) == 3 + 4
    assert [run.data.tags["kind"] for run in runs] == ["row"] * 3 + ["seed"] * 4


def test_superseded_runs_are_not_in_the_view(home: Path) -> None:
    deliver(Store(home))
    cell(home, ROW, seed=0, ended=9)
    deliver(Store(home))
    stored = experiment(home)
    every = client(home).search_runs([stored.experiment_id])
    seen = client(home).search_runs([stored.experiment_id], unpacked(stored.tags[VIEW])["searchFilter"])
    assert len(every) == len(seen) + 2


def test_the_view_costs_one_request_and_none_when_nothing_is_new(home: Path) -> None:
    first, count = deliver_counting(home)
    assert (first.count, count) == (1, Count(new=3))
    second, count = deliver_counting(home)
    assert (second.count, count) == (0, Count(present=3))
    cell(home, ROW, seed=2, ended=5)
    reads(home, ROW, 2)
    third, count = deliver_counting(home)
    assert (third.count, count.new) == (0, 1)  # a seed more, and no line


def test_a_view_that_a_user_saved_over_stays(home: Path) -> None:
    deliver(Store(home))
    saved = json.dumps(json.loads(experiment(home).tags[VIEW]) | {"updatedAt": 1_800_000_000_000})
    client(home).set_experiment_tag(experiment(home).experiment_id, VIEW, saved)
    client(home).set_experiment_tag(experiment(home).experiment_id, NOTE, "theirs")
    cell(home, "bertram/table1/11-mse", ended=5)
    reads(home, "bertram/table1/11-mse", 0)
    assert deliver(Store(home)).new == 1
    assert (experiment(home).tags[VIEW], experiment(home).tags[NOTE]) == (saved, "theirs")


@pytest.mark.parametrize("there", ["", "no JSON", "[]", "1", "{}"])
def test_a_view_that_cannot_be_read_is_written_again(there: str) -> None:
    assert saved_view(SUITES[0], "seed", LINES, there) == saved_view(SUITES[0], "seed", LINES, None)


def test_a_store_that_refuses_the_view_has_everything_else(home: Path) -> None:
    refusing, count = deliver_counting(home, refuses=True)
    assert (refusing.count, count) == (1, Count(new=3))
    assert unpacked(experiment(home).tags[VIEW])["groupsExpanded"] == {}  # as the experiment was made with


def test_two_homes_agree_on_the_view(home: Path, tmp_path: Path) -> None:
    other, uri = tmp_path / "other", f"sqlite:///{tmp_path / 'shared.db'}"
    (tmp_path / "shared.db").write_bytes(empty())
    cell(other, "bertram/table1/11-mse", ended=5)
    reads(other, "bertram/table1/11-mse", 0)
    for folder in (home, other, home, other):
        deliver(Store(folder, uri))
    shared = MlflowClient(uri).get_experiment_by_name("bertram/table1")
    assert shared is not None
    lines = [name.removeprefix("tag.line.") for name in unpacked(shared.tags[VIEW])["groupsExpanded"]]
    assert lines == ["11-mse (demo s1)", *LINES]


def test_a_database_that_is_gone_is_not_made_for_its_view(home: Path) -> None:
    store = Store(home)
    deliver(store)
    (home / "mlflow.db").unlink()
    store.settle()
    assert not (home / "mlflow.db").exists()


def test_studies_show_their_trials_the_best_first() -> None:
    state = unpacked(saved_view(SUITES[0], "trial", ("arm",), None))
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`reported/overall`", False)
    assert "groupBy" not in state
    assert state["selectedColumns"][-2:] == ["tags.`state`", "tags.`params`"]
    assert "kind != 'row'" in state["searchFilter"]
    assert "has the best trials first" in experiment_note(SUITES[0], "trial")


def test_the_tags_are_those_that_a_database_keeps(home: Path) -> None:
    """MLflow cuts or refuses longer ones."""
    deliver(Store(home))
    with sqlite3.connect(home / "mlflow.db") as database:
        (longest,) = database.execute("SELECT max(length(value)) FROM tags").fetchone()
    assert longest <= LONGEST
