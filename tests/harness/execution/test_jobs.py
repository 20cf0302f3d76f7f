"""Jobs: a list that ends, and judged cells, whose worker asks the queue after each epoch."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.profiles import PROFILES
from harness.cells.cell import Cell, WeightRetention
from harness.cells.checkpoint import FILE_NAME
from harness.cells.lease import is_leased, take_lease
from harness.cells.record import JournalEntry, read_journal, read_record
from harness.execution.events import Cut, Event, Paused, WorkerMessage
from harness.execution.jobs import FixedQueue, Job
from harness.execution.seed_policy import FixedSeeds
from harness.execution.train_cell import Worker
from harness.execution.worker import ParentConnection
from harness.planning.cell_index import CellIndex
from harness.planning.cost import cost
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.registry.selectors import find
from tests.harness.execution.test_memory import cell

EPOCHS = 3


@pytest.fixture(scope="module")
def short(encoder: Path) -> Cell:
    return cell(encoder, ("epochs", str(EPOCHS)), ("sst.rows", "16"), ("quora.rows", "16"), ("sts.rows", "16"))


class Judge:
    """Lets a cell continue until it has so many epochs."""

    def __init__(self, most: int = EPOCHS) -> None:
        self.most, self.epochs_seen = most, list[int]()

    def should_continue(self, epochs: Sequence[JournalEntry]) -> bool:
        assert [epoch["epoch"] for epoch in epochs] == list(range(1, len(epochs) + 1))
        self.epochs_seen.append(len(epochs))
        return len(epochs) < self.most


class Steps:
    """Counts updates; asks to stop at one of them."""

    def __init__(self, last: int = -1) -> None:
        self.last, self.count = last, 0

    def on_progress(self, share: float) -> None:
        self.count += 1

    def stop(self) -> bool:
        return self.count == self.last


def train(home: Path, of: Cell, judge: Judge, judged: bool = True, steps: Steps | None = None) -> Path:
    """In the cell's folder, weights kept; it."""
    steps, lease = steps or Steps(), take_lease(home, of.id)
    assert lease is not None
    with lease:
        job = Job(of, WeightRetention(all=True), judged=judged)
        Worker(home, 1, "cpu", 60.0, steps.stop).train(job, lease, steps.on_progress, judge.should_continue)
    return home / "cells" / of.id


def computed(folder: Path) -> dict[str, Any]:
    """All that training computed, without clocks."""
    with np.load(folder / "predictions.npz") as stored:
        answers = {name: stored[name].tobytes() for name in stored}
    epochs = read_journal(folder / "journal.jsonl")
    return {
        "journal": repr([(epoch["scores"], epoch["signals"], epoch["items"]) for epoch in epochs]),
        "answers": answers,
        "weights": {path.name: path.read_bytes() for path in (folder / "weights").iterdir()},
    }


@pytest.fixture(scope="module")
def unjudged(tmp_path_factory: pytest.TempPathFactory, short: Cell) -> dict[str, Any]:
    judge = Judge(0)
    result = computed(train(tmp_path_factory.mktemp("unjudged"), short, judge, judged=False))
    assert judge.epochs_seen == []
    return result


def test_a_judged_cell_asks_after_each_epoch_but_the_last_and_trains_to_the_same_bits(
    tmp_path: Path, short: Cell, unjudged: dict[str, Any]
) -> None:
    judge = Judge()
    assert computed(train(tmp_path, short, judge)) == unjudged
    assert judge.epochs_seen == [1, 2]


@pytest.mark.parametrize("most", [1, 2])
def test_a_cell_that_does_not_go_on_leaves_its_journal_alone_and_can_be_trained_later(
    tmp_path: Path, short: Cell, unjudged: dict[str, Any], most: int
) -> None:
    judge, folder = Judge(most), tmp_path / "cells" / short.id
    with pytest.raises(Cut):
        train(tmp_path, short, judge)
    assert judge.epochs_seen == list(range(1, most + 1))
    assert len(read_journal(folder / "journal.jsonl")) == most
    assert read_record(folder) is None
    assert not (folder / FILE_NAME).exists()
    assert not (folder / "outcome.json").exists()
    assert not is_leased(folder)
    assert computed(train(tmp_path, short, Judge(0), judged=False)) == unjudged


def test_a_paused_cell_asks_about_its_epochs_before_it_goes_on(
    tmp_path: Path, short: Cell, unjudged: dict[str, Any]
) -> None:
    for most in (1, EPOCHS):
        with pytest.raises(Paused):
            train(tmp_path / str(most), short, Judge(), steps=Steps(9))
    assert (tmp_path / "1" / "cells" / short.id / FILE_NAME).exists()
    judge, steps = Judge(1), Steps()
    with pytest.raises(Cut):
        train(tmp_path / "1", short, judge, steps=steps)
    assert (judge.epochs_seen, steps.count) == ([1], 0)
    assert not (tmp_path / "1" / "cells" / short.id / FILE_NAME).exists()
    judge = Judge()
    assert computed(train(tmp_path / str(EPOCHS), short, judge)) == unjudged
    assert judge.epochs_seen == [1, 2]


def test_a_worker_waits_for_its_answer_and_takes_a_request_to_stop_for_none() -> None:
    ours, theirs = multiprocessing.Pipe()
    connection, epochs = ParentConnection(theirs), [{"epoch": 1}]
    for answer in (True, False):
        ours.send(answer)
        assert connection.should_continue(epochs) is answer
        assert ours.recv() == WorkerMessage("epochs", epochs=epochs)
        assert not connection.stopping
    ours.send(None)
    assert connection.should_continue(epochs)
    assert connection.stopping
    assert connection.should_continue(epochs)  # without waiting for another


def test_a_worker_whose_parent_is_gone_does_not_wait_for_an_answer() -> None:
    ours, theirs = multiprocessing.Pipe()
    connection = ParentConnection(theirs)
    ours.close()
    assert connection.should_continue([])
    assert connection.stopping


def test_a_list_gives_its_jobs_in_order_until_each_has_ended(short: Cell, encoder: Path) -> None:
    cells = [cell(encoder, ("epochs", str(epochs))) for epochs in range(4, 0, -1)]
    queue = FixedQueue([Job(each) for each in cells])
    assert [job.cell for job in queue.next_jobs(1)] == cells
    for kind in ("started", "share", "busy", "again", "cut", "paused", "full"):
        queue.on_event(Event(kind, cells[1]))  # type: ignore[arg-type]
        assert [job.cell for job in queue.next_jobs(0)] == cells
    queue.on_event(Event("done", cells[1]))
    queue.on_event(Event("failed", cells[3], reason="no"))
    assert [job.cell for job in queue.next_jobs(2)] == [cells[0], cells[2]]
    assert queue.should_continue(cells[0], [{"epoch": 1}])
    for each in (cells[0], cells[2]):
        queue.on_event(Event("done", each))
    assert queue.next_jobs(2) == []


def test_of_each_round_the_longest_cell_is_dispatched_first(tmp_path: Path) -> None:
    names = ("01-baseline", "06-smart", "04-all-three", "12-combined")
    setup = Setup(profile=PROFILES["demo"], data="embedded", encoder="tiny", seeds=2)
    index = CellIndex({}, {})
    cells = index.cells_to_train(plan([find(f"bertram/table1/{name}") for name in names], setup))
    dispatched = [
        job.cell for job in FixedSeeds().queue([Job(cell) for cell in cells], index, tmp_path, print).next_jobs(1)
    ]
    assert sorted(cell.id for cell in dispatched) == sorted(cell.id for cell in cells)
    assert [cell.seed for cell in dispatched] == [0] * len(names) + [1] * len(names)
    for seed in (0, 1):
        costs = [cost(cell) for cell in dispatched if cell.seed == seed]
        assert costs == sorted(costs, reverse=True) and len(set(costs)) > 1
