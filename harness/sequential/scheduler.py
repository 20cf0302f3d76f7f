"""The jobs of a command that adds seeds until comparisons are decided: the cells that its policy names next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.cells.cell import Cell
from harness.cells.home import cell_folder
from harness.cells.lease import is_leased
from harness.cells.record import JournalEntry, Record
from harness.execution.events import Event
from harness.execution.jobs import Job
from harness.sequential.comparisons import Comparison
from harness.sequential.evidence import Evidence, Missing, SeedCache
from harness.sequential.policy import Policy


class SequentialQueue:
    """Jobs of a sequential test (``harness.execution.jobs.JobQueue``). ``jobs`` are all that are left, by cell id;
    ``ended`` are the others. A cell that was begun is finished, whatever is decided meanwhile."""

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        policy: Policy,
        facts: Mapping[str, str],
        jobs: Mapping[str, Job],
        ended: Mapping[str, Record],
        home: Path,
    ) -> None:
        self.policy, self.left, self.ended, self.home = policy, dict(jobs), dict(ended), home
        cache = SeedCache(facts)
        self.evidence = [Evidence(comparison, cache) for comparison in comparisons]
        self.in_training = dict[str, None]()
        self.unreported: list[int] = []  # comparisons that are over and have not been announced
        self.comparisons_of_cell: dict[str, list[int]] = {}
        for at, comparison in enumerate(comparisons):
            for cell in (cell for cells in comparison.seeds for cell in cells):
                self.comparisons_of_cell.setdefault(cell.id, []).append(at)
        for seed in range(max(len(state.plan.cells) for state in policy.states)):
            for at in range(len(comparisons)):  # seed by seed, so that rows which several compare are read once
                self.advance(at, seed)

    def next_jobs(self, idle: int) -> Sequence[Job]:
        chosen, free = list(self.in_training), 0
        if idle:
            for cell in self.policy.next_cells({*self.ended, *self.in_training}):
                chosen.append(cell)
                free += not is_leased(cell_folder(self.home, cell))  # or another command's, which is waited for
                if free >= idle:
                    break
        return [self.left[cell] for cell in chosen]

    def should_continue(self, cell: Cell, epochs: Sequence[JournalEntry]) -> bool:
        return True

    def on_event(self, event: Event) -> None:
        cell = event.cell.id
        if event.record is not None:
            self.in_training.pop(cell, None)
            self.ended[cell] = event.record
            for at in self.comparisons_of_cell[cell]:
                self.advance(at)
        elif event.kind == "started":
            self.in_training[cell] = None
        elif event.kind == "busy":
            self.in_training.pop(cell, None)

    def advance(self, at: int, last: int | None = None) -> None:
        """Add the comparison's seeds that have ended since, in order, up to the first that has not or to the
        ``last``."""
        state, evidence = self.policy.states[at], self.evidence[at]
        while not state.is_over and state.seeds < len(state.plan.cells):
            if last is not None and state.seeds > last:
                return
            if any(cell not in self.ended for cell in state.plan.cells[state.seeds]):
                return
            try:
                difference = evidence.add(state.seeds, self.ended)
            except Missing as missing:
                state.fail(str(missing))
            else:
                state.add(difference, evidence.items() if state.seeds + 1 >= state.first_seeds else None)
            if state.is_over:
                evidence.forget()
                self.unreported.append(at)
