"""The seed policy of ``harness run --until-decided``: from selected rows to comparisons, jobs and decisions."""

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
from harness.planning.cell_index import CellIndex, read_index
from harness.planning.cost import cost
from harness.planning.plan import PlannedRow
from harness.planning.rows import cells_of
from harness.planning.setup import Setup
from harness.planning.setup_tags import setup_tags
from harness.sequential import messages
from harness.sequential.comparisons import Comparison, compared_rows, comparisons_of, shorten
from harness.sequential.policy import ComparisonPlan, Policy
from harness.sequential.scheduler import SequentialQueue


class SequentialSeeds:
    """Every comparison's first seeds, then seeds for those that are not decided
    (``harness.execution.seed_policy.SeedPolicy``). ``InputError`` where the rows hold no comparison. ``rows`` are the
    planned ones that are compared."""

    def __init__(self, planned: Sequence[PlannedRow], setup: Setup) -> None:
        self.setup, self.comparisons = setup, comparisons_of(planned, setup)
        self.rows = compared_rows(planned, self.comparisons)
        self.unpaired = [row for row in planned if row.slug not in {each.slug for each in self.rows}]
        self.policy = Policy([plan_of(comparison) for comparison in self.comparisons], cell_costs(self.rows))
        self.job_queue: SequentialQueue | None = None
        self._rounds_completed = 0

    def describe(self, setup: Setup) -> str:
        return f"up to {setup.seeds} seeds"

    def total(self, jobs: Sequence[Job]) -> int | None:
        return None

    def queue(self, jobs: Sequence[Job], index: CellIndex, home: Path, say: Say) -> JobQueue:
        left = {job.cell.id: job for job in jobs}
        ended = {
            cell.id: index.ended[cell.id]
            for cell in cells_of(self.rows)
            if cell.id in index.ended and cell.id not in left
        }
        self.job_queue = SequentialQueue(self.comparisons, self.policy, setup_tags(self.setup), left, ended, home)
        self._say = say
        self._announce(say)
        self._rounds_completed = self.rounds()
        return self.job_queue

    def completed(self, cell: Cell) -> list[str]:
        assert self.job_queue is not None
        self._announce(self._say)
        before, self._rounds_completed = self._rounds_completed, self.rounds()
        return [f"every comparison has seed {seed}" for seed in range(before, self._rounds_completed)][-1:]

    def rounds(self) -> int:
        """The number of first seeds that all comparisons have which did not fail."""
        return min((min(each.seeds, each.first_seeds) for each in self.policy.states if not each.failure), default=0)

    def _announce(self, say: Say) -> None:
        assert self.job_queue is not None
        over = sum(each.is_over for each in self.policy.states)
        for number, at in enumerate(self.job_queue.unreported, start=over - len(self.job_queue.unreported) + 1):
            text = messages.sentence(self.comparisons[at], self.policy.states[at])
            say(f"settled {number}/{len(self.comparisons)}: {text}")
        self.job_queue.unreported.clear()

    def table_rows(self, rows: Sequence[PlannedRow], setup: Setup) -> tuple[Sequence[PlannedRow], int]:
        """Only the cells that have ended: which others will be needed is open."""
        ended = self.job_queue.ended if self.job_queue else {}
        cut = [dataclasses.replace(row, cells=tuple(cell for cell in row.cells if cell.id in ended)) for row in rows]
        return cut, max((1 + cell.seed for row in cut for cell in row.cells), default=0)

    def print_summary(self, console: Console, finished: bool) -> None:
        console.print()
        console.print(messages.table(self.comparisons, self.policy.states, self.setup.seeds))
        ended = len(self.job_queue.ended) if self.job_queue else 0
        print_and_log(
            console, messages.cells_trained(ended, len(self.rows), self.setup.seeds, len(cells_of(self.rows)), finished)
        )
        print_and_log(console, messages.BASIS)

    def opening(self) -> list[str]:
        """The comparisons to decide, in words."""
        lines = [messages.opening(len(self.comparisons), len(self.rows), self.policy.states, self.setup.seeds)]
        if self.unpaired:
            lines.append(f"in no comparison, so not trained: {shorten([row.slug for row in self.unpaired])}")
        return lines

    def estimate(self, config: ExecutionConfig, rerun: bool) -> list[str]:
        """The lines of a dry run."""
        index = read_index(config.home)
        left = {cell.id: cell for cell in index.cells_to_train(self.rows, rerun)}
        first = [left[cell] for cell in dict.fromkeys(self.policy.first_seed_cells()) if cell in left]
        cells = cells_of(self.rows)
        lines = [*preamble(self.setup, config, self.describe(self.setup)), *self.opening()]
        lines += [f"  {comparison.name}" for comparison in self.comparisons]
        lines.append(
            f"first seeds: {len(first)} cells to train; at most {len(left)}, {len(cells) - len(left)} are done"
        )
        rate = seconds_per_token(index, cells)
        work = [sum(map(cost, some)) for some in (first, left.values())]
        if rate is None:
            lines.append(f"time: {work[0]:,.0f} to {work[1]:,.0f} tokens; the rate is known once one cell is finished")
        else:
            low, high = (tokens * rate / config.jobs / 3600 for tokens in work)
            lines.append(f"time: about {low:.2f} h for the first seeds, {high:.2f} h at most, {config.jobs} job(s)")
        return lines


def plan_of(comparison: Comparison) -> ComparisonPlan:
    return ComparisonPlan(
        cells=[[cell.id for cell in cells] for cells in comparison.seeds],
        margin=comparison.margin,
        items=comparison.by_item,
    )


def cell_costs(rows: Sequence[PlannedRow]) -> dict[str, float]:
    """Costs by cell, in tokens; all seeds of a row cost the same."""
    return {cell.id: price for row in rows for price in [cost(row.cells[0])] for cell in row.cells}
