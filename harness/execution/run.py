"""Carry out a plan: train what is missing, deliver it to the tracking store, and hand back the tables."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console

from harness.cells.cell import Cell, Keep
from harness.cells.record import Record
from harness.cells.row_result import Entry
from harness.console.status import status_line
from harness.execution.backends import backend_of
from harness.execution.config import ExecutionConfig
from harness.execution.jobs import Job
from harness.execution.pool import run_jobs
from harness.execution.progress import ProgressDisplay
from harness.execution.seed_policy import FixedSeeds, SeedPolicy
from harness.planning.ledger import CellIndex, read_index
from harness.planning.manifest import write_manifest
from harness.planning.plan import Planned
from harness.planning.rows import by_cell, keeps, names
from harness.planning.setup import Setup
from harness.planning.setup_tags import tags
from harness.tracking.store import Store
from harness.tracking.sync import ENDING, WAITS, Delivery


class DiskFull(Exception):
    """Training stopped because the home's disk is full. Nothing finished is lost, and the same command goes on."""

    def __init__(self, home: Path) -> None:
        super().__init__(f"the disk of {home} is full; free some space, and the same command goes on from here")


def carry_out(
    rows: Sequence[Planned],
    setup: Setup,
    machine: ExecutionConfig,
    store: Store,
    console: Console,
    *,
    keep: str,
    rerun: bool = False,
    retry: bool = False,
    stop: Callable[[], bool] = lambda: False,
    way: SeedPolicy | None = None,
) -> Generator[str, None, None]:
    """Train the cells that are left, in rounds or in another way, and deliver every ended one; yields what has been
    reached, such as the end of a round. The store gets each cell as it ends, so that a stopped run has all of them.
    ``DiskFull``."""
    way = way or FixedSeeds()
    with status_line("reading the home's cells"):
        told, full = tags(setup), False
        write_manifest(machine.home, rows, told)
        book = read_index(machine.home)
        left = book.left(rows, rerun, retry)
        kept, users = keeps(rows, keep), by_cell(rows)
    orders = [Job(cell, kept.get(cell.id, Keep()), *previous_training(book, cell)) for cell in left]
    with (
        ProgressDisplay(way.total(orders), names(rows), console) as watch,
        Delivery(store, watch.say, stop, WAITS) as delivery,
    ):
        for text in book.damaged_among(left):
            watch.say(f"{text}; the cell is trained again")
        delivery.all(machine.home)
        source = way.source(orders, book, machine.home, watch.say)
        with closing(run_jobs(source, machine, backend_of(machine), stop)) as running:
            for news in running:
                watch.hear(news)
                if news is None:
                    continue
                full |= news.kind == "full"
                if news.record is None:
                    continue
                for row in users[news.cell.id]:
                    delivery.keep(entry(row, news.cell, news.record, told))
                yield from way.reached(news.cell)
        if full:
            raise DiskFull(machine.home)
        if delivery.acquire(patience=3.0):
            behind = delivery.all(machine.home, ENDING).left
            if behind:
                watch.say(f"{behind} results are not in the tracking store yet: {delivery.failed}")
                if delivery.full:
                    raise DiskFull(machine.home)
        else:
            watch.say("another process writes the tracking store, these results too")


def previous_training(book: CellIndex, cell: Cell) -> tuple[str | None, int]:
    """What tells the cell's training that has ended from another, if there is one, and the number of the next."""
    record = book.ended.get(cell.id)
    return (None, 1) if record is None else (record.trained, record.training + 1)


def entry(row: Planned, cell: Cell, record: Record, told: Mapping[str, str]) -> Entry:
    return Entry(suite=row.suite, row=row.row, name=row.name, seed=cell.seed, record=record, tags=told)
