"""The way of ``harness run --until-decided``: from selected rows to comparisons, orders and a conclusion."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from harness.cells.cell import Cell
from harness.console.text import print_and_log
from harness.execution.config import ExecutionConfig
from harness.execution.estimate import preamble, seconds_per_token
from harness.execution.jobs import Job, JobQueue
from harness.execution.seed_policy import Say
from harness.planning.cost import cost
from harness.planning.ledger import CellIndex, read_index
from harness.planning.plan import Planned
from harness.planning.rows import cells_of
from harness.planning.setup import Setup
from harness.planning.setup_tags import tags
from harness.sequential import messages
from harness.sequential.comparisons import Comparison, compared, comparisons_of, few, slug
from harness.sequential.policy import Policy, Race
from harness.sequential.scheduler import SequentialQueue


class SequentialSeeds:
    """Every comparison's first seeds, then seeds for those that are not decided
    (``harness.execution.seed_policy.SeedPolicy``). ``InputError`` where the rows hold no comparison. ``rows`` are the
    planned ones that are compared."""

    def __init__(self, planned: Sequence[Planned], setup: Setup) -> None:
        self.setup, self.duels = setup, comparisons_of(planned, setup)
        self.rows = compared(planned, self.duels)
        self.alone = [row for row in planned if slug(row) not in set(map(slug, self.rows))]
        self.policy = Policy([race(duel) for duel in self.duels], prices(self.rows))
        self.deciding: SequentialQueue | None = None
        self._reached = 0

    def seeds(self, setup: Setup) -> str:
        return f"up to {setup.seeds} seeds"

    def total(self, orders: Sequence[Job]) -> int | None:
        return None

    def source(self, orders: Sequence[Job], book: CellIndex, home: Path, say: Say) -> JobQueue:
        left = {order.cell.id: order for order in orders}
        ended = {
            cell.id: book.ended[cell.id]
            for cell in cells_of(self.rows)
            if cell.id in book.ended and cell.id not in left
        }
        self.deciding = SequentialQueue(self.duels, self.policy, tags(self.setup), left, ended, home)
        self._say = say
        self._tell(say)
        self._reached = self.rounds()
        return self.deciding

    def reached(self, cell: Cell) -> list[str]:
        assert self.deciding is not None
        self._tell(self._say)
        before, self._reached = self._reached, self.rounds()
        return [f"every comparison has seed {seed}" for seed in range(before, self._reached)][-1:]

    def rounds(self) -> int:
        """How many of their first seeds all comparisons have that go on."""
        return min((min(each.seeds, each.first) for each in self.policy.standings if not each.failure), default=0)

    def _tell(self, say: Say) -> None:
        assert self.deciding is not None
        over = sum(each.over for each in self.policy.standings)
        for number, at in enumerate(self.deciding.closed, start=over - len(self.deciding.closed) + 1):
            text = messages.sentence(self.duels[at], self.policy.standings[at])
            say(f"settled {number}/{len(self.duels)}: {text}")
        self.deciding.closed.clear()

    def shown(self, rows: Sequence[Planned], setup: Setup) -> tuple[Sequence[Planned], Setup]:
        """The cells that have ended: which others will be needed nobody knows."""
        ended = self.deciding.ended if self.deciding else {}
        cut = [dataclasses.replace(row, cells=tuple(cell for cell in row.cells if cell.id in ended)) for row in rows]
        seeds = max((1 + cell.seed for row in cut for cell in row.cells), default=0)
        return cut, dataclasses.replace(setup, seeds=seeds)

    def conclude(self, console: Console, finished: bool) -> None:
        console.print()
        console.print(messages.table(self.duels, self.policy.standings, self.setup.seeds))
        ended = len(self.deciding.ended) if self.deciding else 0
        print_and_log(
            console, messages.spent(ended, len(self.rows), self.setup.seeds, len(cells_of(self.rows)), finished)
        )
        print_and_log(console, messages.BASIS)

    def opening(self) -> list[str]:
        """What is to be decided, in words."""
        lines = [messages.opening(len(self.duels), len(self.rows), self.policy.standings, self.setup.seeds)]
        if self.alone:
            lines.append(f"in no comparison, so not trained: {few([slug(row) for row in self.alone])}")
        return lines

    def estimate(self, machine: ExecutionConfig, rerun: bool) -> list[str]:
        """The lines of a dry run."""
        book = read_index(machine.home)
        left = {cell.id: cell for cell in book.left(self.rows, rerun)}
        first = [left[cell] for cell in dict.fromkeys(self.policy.certain()) if cell in left]
        cells = cells_of(self.rows)
        lines = [*preamble(self.setup, machine, self.seeds(self.setup)), *self.opening()]
        lines += [f"  {duel.name}" for duel in self.duels]
        lines.append(
            f"first seeds: {len(first)} cells to train; at most {len(left)}, {len(cells) - len(left)} are done"
        )
        rate = seconds_per_token(book, cells)
        work = [sum(map(cost, some)) for some in (first, left.values())]
        if rate is None:
            lines.append(f"time: {work[0]:,.0f} to {work[1]:,.0f} tokens; the rate is known once one cell is finished")
        else:
            low, high = (tokens * rate / machine.jobs / 3600 for tokens in work)
            lines.append(f"time: about {low:.2f} h for the first seeds, {high:.2f} h at most, {machine.jobs} job(s)")
        return lines


def race(duel: Comparison) -> Race:
    return Race(cells=[[cell.id for cell in cells] for cells in duel.seeds], margin=duel.margin, items=duel.by_item)


def prices(rows: Sequence[Planned]) -> dict[str, float]:
    """What each cell costs, in tokens; all seeds of a row cost the same."""
    return {cell.id: price for row in rows for price in [cost(row.cells[0])] for cell in row.cells}
