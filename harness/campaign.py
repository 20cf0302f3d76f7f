"""Carry out a plan: train what is missing, deliver it to the tracking store, and hand back the tables."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console

from harness.cell import Cell, Keep, Record
from harness.content import distinct, shown
from harness.declared import options
from harness.delivery import ENDING, WAITS, Delivery
from harness.execute.crew import execute
from harness.execute.news import Machine
from harness.execute.orders import Order
from harness.execute.sites import site_of
from harness.measured import measured
from harness.plan import Ledger, Planned, Setup, ledger
from harness.progress import Watch
from harness.readers import note
from harness.reading import Entry
from harness.seed import LONGEST, MOST
from harness.sources import data_of, fingerprints, open_data
from harness.store import Store
from harness.waiting import waiting
from harness.ways import Rounds, Way
from model.data.examples import Corpus, Examples, Split
from model.data.leakage import duplicates
from model.recipe import digest
from reports.reference_lines import Reference, reference_lines
from reports.section import header, tabled
from reports.shape import Table


def tags(setup: Setup) -> dict[str, str]:
    """What tells runs of one set-up from those of another; ``setup`` is their digest. What a folder of an encoder's
    holds is not part of it: of that each training is asked (``harness.declared``)."""
    data = digest(fingerprints(setup.data))
    notes = [note[:LONGEST] for note in open_data(setup.data).notes[:MOST]]
    told = {
        "profile": setup.profile.name,
        "data": data,
        "data_source": open_data(setup.data).source,
        "encoder": shown(setup.encoder),
        "variant": setup.variant,
        "options": options(setup),
        "data_notes": json.dumps({"notes": notes, "duplicates": repeated(setup)}, ensure_ascii=False),
    }
    apart = {name: told[name] for name in ("profile", "data", "variant")} | {"encoder": distinct(setup.encoder)}
    return told | {"setup": digest(apart)}


class DiskFull(Exception):
    """Training stopped because the home's disk is full. Nothing finished is lost, and the same command goes on."""

    def __init__(self, home: Path) -> None:
        super().__init__(f"the disk of {home} is full; free some space, and the same command goes on from here")


def carry_out(
    rows: Sequence[Planned],
    setup: Setup,
    machine: Machine,
    store: Store,
    console: Console,
    *,
    keep: str,
    rerun: bool = False,
    retry: bool = False,
    stop: Callable[[], bool] = lambda: False,
    way: Way | None = None,
) -> Generator[str, None, None]:
    """Train the cells that are left, in rounds or in another way, and deliver every ended one; yields what has been
    reached, such as the end of a round. The store gets each cell as it ends, so that a stopped run has all of them.
    ``DiskFull``."""
    way = way or Rounds()
    with waiting("reading the home's cells"):
        told, full = tags(setup), False
        note(machine.home, rows, told)
        book = ledger(machine.home)
        left = book.left(rows, rerun, retry)
        kept, users = keeps(rows, keep), by_cell(rows)
    orders = [Order(cell, kept.get(cell.id, Keep()), *trained(book, cell)) for cell in left]
    with Watch(way.total(orders), names(rows), console) as watch, Delivery(store, watch.say, stop, WAITS) as delivery:
        for text in book.damaged_among(left):
            watch.say(f"{text}; the cell is trained again")
        delivery.all(machine.home)
        source = way.source(orders, book, machine.home, watch.say)
        with closing(execute(source, machine, site_of(machine), stop)) as running:
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


def trained(book: Ledger, cell: Cell) -> tuple[str | None, int]:
    """What tells the cell's training that has ended from another, if there is one, and the number of the next."""
    record = book.ended.get(cell.id)
    return (None, 1) if record is None else (record.trained, record.training + 1)


def entry(row: Planned, cell: Cell, record: Record, told: Mapping[str, str]) -> Entry:
    return Entry(suite=row.suite, row=row.row, name=row.name, seed=cell.seed, record=record, tags=told)


def keeps(rows: Sequence[Planned], keep: str) -> dict[str, Keep]:
    """Which weights of each cell stay: ``none``, what the rows' selections choose, or ``all``."""
    if keep == "none":
        return {}
    return {
        cell_id: Keep(
            all=keep == "all",
            choices=tuple({(row.suite.selection_of(row.row), row.suite.formula) for row in users}),
        )
        for cell_id, users in by_cell(rows).items()
    }


def by_cell(rows: Sequence[Planned]) -> dict[str, list[Planned]]:
    """The rows that read each cell."""
    users: dict[str, list[Planned]] = {}
    for row in rows:
        for cell in row.cells:
            users.setdefault(cell.id, []).append(row)
    return users


def names(rows: Sequence[Planned]) -> dict[str, str]:
    """What to call each cell: its first row and seed, and how many more rows it serves."""
    told = {}
    for cell_id, users in by_cell(rows).items():
        seed = next(cell.seed for cell in users[0].cells if cell.id == cell_id)
        more = f" +{len(users) - 1}" if len(users) > 1 else ""
        told[cell_id] = f"{users[0].suite.slug}/{users[0].name} seed {seed}{more}"
    return told


def tables(rows: Sequence[Planned], setup: Setup, machine: Machine) -> list[Table]:
    """One table a suite, from the cells of this set-up that have ended."""
    told, book = tags(setup), ledger(machine.home)
    held = measured(rows, told, book)
    made = []
    for suite in dict.fromkeys(row.suite.slug for row in rows):
        mine = [row for row in rows if row.suite.slug == suite]
        states = {(suite, row.row.name): state for row in mine if (state := unmeasured(row, book))}
        asked = dataclasses.replace(
            header(held, mine[0].suite, setup.profile.says),
            seeds=tuple(range(setup.seeds)),
            cells=len(cells_of(mine)),
        )
        names = {row.row.name for row in mine}
        made.append(tabled(held, mine[0].suite, names, asked, references(mine, setup), states))
    return made


def unmeasured(row: Planned, book: Ledger) -> str:
    """Why a row has no results, where that is known: it cannot run, or only older code has trained it."""
    if row.reason or any(cell.id in book.ended for cell in row.cells):
        return row.reason
    return "stale" if any(map(book.is_stale, row.cells)) else ""


def capped(corpus: Corpus, setup: Setup, task: str, split: Split) -> Examples | None:
    """The scored rows of a task, if the data has them with labels."""
    examples = corpus.get(task, split)
    if examples is None or not examples.labelled:
        return None
    return examples.first(setup.profile.dev.get(task))


def references(rows: Sequence[Planned], setup: Setup) -> list[Reference]:
    """What answers without reading would score on the splits that the rows use."""
    recipes = {branch.key: row.recipe for row in rows for branch in row.recipe.branches}
    held = {task: data_of(recipe, setup.data) for task, recipe in recipes.items()}
    lines = []
    for split in dict.fromkeys(row.row.split for row in rows):
        scored = {task: capped(corpus, setup, task, split) for task, corpus in held.items()}
        lines += reference_lines({task: each.labels for task, each in scored.items() if each is not None}, split)
    return lines


def repeated(setup: Setup) -> dict[str, int]:
    """By task, how many of its scored dev rows also stand in train."""
    corpus = open_data(setup.data)
    both = {task: (corpus.get(task, "train"), capped(corpus, setup, task, "dev")) for task in corpus.tasks}
    return {
        task: duplicates(train, dev) for task, (train, dev) in both.items() if train is not None and dev is not None
    }


def failures(rows: Sequence[Planned], home: Path) -> list[str]:
    """Cells of the plan that failed, by row and seed, with the reason."""
    ended = ledger(home).ended
    return [
        f"{row.suite.slug}/{row.name} seed {cell.seed}: {ended[cell.id].outcome.get('reason', '')}"
        for row in rows
        for cell in row.cells
        if cell.id in ended and not ended[cell.id].done
    ]


def absent(rows: Sequence[Planned], home: Path) -> list[str]:
    """Cells of the plan that have not ended, or are gone or damaged since, by row and seed."""
    ended = ledger(home).ended
    return [
        f"{row.suite.slug}/{row.name} seed {cell.seed}" for row in rows for cell in row.cells if cell.id not in ended
    ]


def cells_of(rows: Sequence[Planned]) -> list[Cell]:
    """Every distinct cell of the rows."""
    return list({cell.id: cell for row in rows for cell in row.cells}.values())
