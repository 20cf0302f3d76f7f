"""The orders of ``--until-decided`` as cells end, are begun, and are held by others; and what is read off cells."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cells.cell import Cell
from harness.cells.lease import take_lease
from harness.cells.record import read_record
from harness.cli.setup import setup_of
from harness.execution.events import Event
from harness.execution.jobs import Job
from harness.planning.plan import PlannedRow, plan
from harness.planning.setup_tags import setup_tags
from harness.registry.selectors import select
from harness.sequential.comparisons import Comparison, comparisons_of
from harness.sequential.policy import Policy
from harness.sequential.scheduler import SequentialQueue
from harness.sequential.seed_policy import plan_of
from reports.comparison import compare
from reports.results import SetUp
from tests.harness.report_homes import Training, train

SUITE = "smart-vs-deberta/table1"
FIRST = 6


class Home:
    """Two rows of which cells can be ended one by one."""

    def __init__(self, home: Path, seeds: int = 12, rows: tuple[str, ...] = ("bert-v1", "new-predict")) -> None:
        setup = setup_of("demo", None, None, seeds, (), ())
        self.home, self.rows = home, plan(select([SUITE], rows), setup)
        self.facts = setup_tags(setup)
        self.comparisons: list[Comparison] = comparisons_of(self.rows, setup)
        self.policy = Policy([plan_of(comparison) for comparison in self.comparisons])
        left = {cell.id: Job(cell) for row in self.rows for cell in row.cells}
        self.queue = SequentialQueue(self.comparisons, self.policy, self.facts, left, {}, home)

    def end(self, row: PlannedRow, seed: int, skill: float, **more: object) -> None:
        cell = row.cells[seed]
        slug = f"{SUITE}/{row.row.name}"
        named = Training(name=cell.id, row=slug, stream=f"{slug}-{seed}", seed=seed, skill=skill, cell=cell, **more)  # type: ignore[arg-type]
        train(self.home, named)
        self.queue.on_event(
            Event("failed" if more.get("failure") else "done", cell, record=read_record(self.folder(cell)))
        )

    def folder(self, cell: Cell) -> Path:
        return self.home / "cells" / cell.id

    def first_round(self, skills: tuple[float, float]) -> None:
        for seed in range(FIRST):
            for row, skill in zip(self.rows, skills, strict=True):
                self.end(row, seed, skill)

    def ordered(self, idle: int) -> list[tuple[str, int]]:
        names = {cell.id: (row.row.name, cell.seed) for row in self.rows for cell in row.cells}
        return [names[job.cell.id] for job in self.queue.next_jobs(idle)]


def test_first_seeds_come_by_rounds_and_none_after_a_decision(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.ordered(3) == [("new-predict", 0), ("bert-v1", 0), ("new-predict", 1)]
    assert home.ordered(0) == []
    home.first_round((0.2, 0.95))
    assert home.policy.states[0].status == "higher"
    assert home.queue.unreported == [0]
    assert home.ordered(4) == []


def test_a_cell_in_training_is_finished_although_its_comparison_is_decided(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.first_round((0.5, 0.55))
    assert home.policy.states[0].status == "undecided"
    for job in home.queue.next_jobs(3):
        home.queue.on_event(Event("started", job.cell))
    begun = [("new-predict", 6), ("bert-v1", 6), ("new-predict", 7)]
    assert home.ordered(0) == begun
    home.policy.states[0].decision = "higher"
    assert home.ordered(2) == begun
    home.queue.on_event(Event("again", home.rows[1].cells[6], reason="its worker died"))
    assert home.ordered(2) == begun
    home.end(home.rows[1], 6, 0.6)
    assert home.ordered(2) == begun[1:]
    assert home.policy.states[0].seeds == FIRST


def test_an_idle_worker_gets_what_no_other_command_has(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.first_round((0.5, 0.55))
    lease = take_lease(tmp_path, home.rows[1].cells[6].id)
    assert lease is not None
    with lease:
        assert home.ordered(1) == [("new-predict", 6), ("bert-v1", 6)]  # the first is waited for
    assert home.ordered(1) == [("new-predict", 6)]


def test_a_seed_counts_once_all_before_it_have_ended(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.first_round((0.5, 0.55))
    for row in home.rows:
        home.end(row, 7, 0.6)
    assert home.policy.states[0].seeds == FIRST
    for row in home.rows:
        home.end(row, 6, 0.6)
    assert home.policy.states[0].seeds == FIRST + 2


def test_differences_and_items_are_those_of_the_report(tmp_path: Path) -> None:
    from harness.planning.cell_index import read_index
    from harness.tracking.from_cells import measured_setup
    from reports.statistics.sequential import items_of

    home = Home(tmp_path)
    home.first_round((0.5, 0.55))
    lease: SetUp = measured_setup(home.rows, home.facts, read_index(tmp_path))
    comparison = compare(lease, f"{SUITE}/new-predict", f"{SUITE}/bert-v1", "overall")
    seen = home.policy.states[0].comparison
    assert comparison.estimate is not None and comparison.seeds == tuple(range(FIRST))
    assert sum(seen.differences) / FIRST == pytest.approx(comparison.estimate.mean)
    assert seen.items == pytest.approx(items_of(comparison.estimate))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"failure": "out of memory"}, "training failed: out of memory"),
        ({"constant": ("sts",)}, "has no overall: one answer for every item has no Pearson r"),
        ({"data": "d2"}, "did not score the same sst items"),
    ],
)
def test_a_seed_without_a_difference_ends_the_comparison(tmp_path: Path, more: dict[str, object], reason: str) -> None:
    home = Home(tmp_path)
    home.end(home.rows[0], 0, 0.6)
    home.end(home.rows[1], 0, 0.6, **more)
    (state,) = home.policy.states
    assert state.status == "failed"
    assert reason in state.failure
    assert home.ordered(4) == []


def test_rows_that_share_a_cell_ask_for_it_once(tmp_path: Path) -> None:
    """They differ in the epoch that they read, so that a seed costs one cell."""
    home = Home(tmp_path, rows=("bppo", "bppo-early-stop"))
    assert [len(cells) for cells in home.comparisons[0].seeds] == [1] * 12
    assert [seed for _, seed in home.ordered(3)] == [0, 1, 2]


def test_the_same_comparison_is_made_once_whichever_row_is_named_first(tmp_path: Path) -> None:
    setup = setup_of("demo", None, None, 3, (), ())
    every = comparisons_of(plan(select(["*"]), setup), setup)
    keys = [
        (
            frozenset(f"{row.suite.slug}/{row.row.name}" for row in (comparison.better, comparison.worse)),
            comparison.metric,
        )
        for comparison in every
    ]
    assert len(keys) == len(set(keys)) > 50
