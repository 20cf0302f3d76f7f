"""Carry out a plan: train the missing cells and deliver the results to the tracking store."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console

from harness.cells.cell import Cell, WeightRetention
from harness.cells.record import Record
from harness.cells.row_result import ResultEntry
from harness.console.status import status_line
from harness.execution.backends import backend_of
from harness.execution.config import ExecutionConfig
from harness.execution.jobs import Job
from harness.execution.pool import run_jobs
from harness.execution.progress import ProgressDisplay
from harness.execution.seed_policy import FixedSeeds, SeedPolicy
from harness.planning.cell_index import CellIndex, read_index
from harness.planning.manifest import write_manifest
from harness.planning.plan import PlannedRow
from harness.planning.rows import cell_names, rows_by_cell, weight_retention
from harness.planning.setup import Setup
from harness.planning.setup_tags import setup_tags
from harness.tracking.store import Store
from harness.tracking.sync import ENDING, WAITS, Delivery


class DiskFull(Exception):
    """The disk of the results folder is full, so that training stopped. Nothing finished is lost."""

    def __init__(self, home: Path) -> None:
        super().__init__(f"the disk of {home} is full; free some space, and the same command goes on from here")


def carry_out(
    rows: Sequence[PlannedRow],
    setup: Setup,
    config: ExecutionConfig,
    store: Store,
    console: Console,
    *,
    keep: str,
    rerun: bool = False,
    retry: bool = False,
    stop: Callable[[], bool] = lambda: False,
    policy: SeedPolicy | None = None,
) -> Generator[str, None, None]:
    """Train the cells that are left, in the policy's order, and deliver every ended one; yields the milestones
    reached, such as the end of a round. The store gets each cell as it ends, so that a stopped run has all of them.
    ``DiskFull``."""
    policy = policy or FixedSeeds()
    with status_line("reading the finished cells"):
        facts, full = setup_tags(setup), False
        write_manifest(config.home, rows, facts)
        index = read_index(config.home)
        left = index.cells_to_train(rows, rerun, retry)
        weights, users = weight_retention(rows, keep), rows_by_cell(rows)
    jobs = [Job(cell, weights.get(cell.id, WeightRetention()), *previous_training(index, cell)) for cell in left]
    with (
        ProgressDisplay(policy.total(jobs), cell_names(rows), console) as display,
        Delivery(store, display.say, stop, WAITS) as delivery,
    ):
        for text in index.damaged_among(left):
            display.say(f"{text}; the cell is trained again")
        delivery.deliver_all(config.home)
        queue = policy.queue(jobs, index, config.home, display.say)
        with closing(run_jobs(queue, config, backend_of(config), stop)) as events:
            for event in events:
                display.update(event)
                if event is None:
                    continue
                full |= event.kind == "full"
                if event.record is None:
                    continue
                for row in users[event.cell.id]:
                    delivery.deliver(entry(row, event.cell, event.record, facts))
                yield from policy.completed(event.cell)
        if full:
            raise DiskFull(config.home)
        if delivery.acquire(patience=3.0):
            behind = delivery.deliver_all(config.home, ENDING).left
            if behind:
                display.say(f"{behind} results are not in the tracking store yet: {delivery.failed}")
                if delivery.full:
                    raise DiskFull(config.home)
        else:
            display.say("another process writes the tracking store, these results too")


def previous_training(index: CellIndex, cell: Cell) -> tuple[str | None, int]:
    """Identity of the cell's training that has ended, if there is one, and the number of the next."""
    record = index.ended.get(cell.id)
    return (None, 1) if record is None else (record.trained, record.training + 1)


def entry(row: PlannedRow, cell: Cell, record: Record, facts: Mapping[str, str]) -> ResultEntry:
    return ResultEntry(suite=row.suite, row=row.row, name=row.name, seed=cell.seed, record=record, tags=facts)
