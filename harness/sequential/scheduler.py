"""The orders of a command that adds seeds until comparisons are decided: what its policy wants, seen from the cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.cells.cell import Cell
from harness.cells.lease import is_leased
from harness.cells.record import Entry, Record
from harness.execution.events import Event
from harness.execution.jobs import Job
from harness.sequential.comparisons import Comparison
from harness.sequential.evidence import Evidence, Missing, SeedCache
from harness.sequential.policy import Policy


class SequentialQueue:
    """Orders for an executor (``harness.execution.jobs.JobQueue``). ``orders`` are all cells that are left, by id;
    ``ended`` are the others. A cell that was begun is finished, whatever is decided meanwhile."""

    def __init__(
        self,
        duels: Sequence[Comparison],
        policy: Policy,
        facts: Mapping[str, str],
        orders: Mapping[str, Job],
        ended: Mapping[str, Record],
        home: Path,
    ) -> None:
        self.policy, self.left, self.ended, self.home = policy, dict(orders), dict(ended), home
        shelf = SeedCache(facts)
        self.evidence = [Evidence(duel, shelf) for duel in duels]
        self.begun = dict[str, None]()
        self.closed: list[int] = []  # comparisons that are over and have not been told
        self.served: dict[str, list[int]] = {}  # comparisons by cell
        for at, duel in enumerate(duels):
            for cell in (cell for cells in duel.seeds for cell in cells):
                self.served.setdefault(cell.id, []).append(at)
        for seed in range(max(len(standing.race.cells) for standing in policy.standings)):
            for at in range(len(duels)):  # seed by seed, so that rows which several compare are read once
                self.follow(at, seed)

    def orders(self, idle: int) -> Sequence[Job]:
        chosen, free = list(self.begun), 0
        if idle:
            for cell in self.policy.wanted({*self.ended, *self.begun}):
                chosen.append(cell)
                free += not is_leased(self.home / "cells" / cell)  # or another command's, which is waited for
                if free >= idle:
                    break
        return [self.left[cell] for cell in chosen]

    def goes_on(self, cell: Cell, epochs: Sequence[Entry]) -> bool:
        return True

    def heard(self, news: Event) -> None:
        cell = news.cell.id
        if news.record is not None:
            self.begun.pop(cell, None)
            self.ended[cell] = news.record
            for at in self.served[cell]:
                self.follow(at)
        elif news.kind == "started":
            self.begun[cell] = None
        elif news.kind == "busy":
            self.begun.pop(cell, None)

    def follow(self, at: int, last: int | None = None) -> None:
        """Take in the comparison's seeds that have ended since, in order, up to the first that has not or to the
        ``last``."""
        standing, evidence = self.policy.standings[at], self.evidence[at]
        while not standing.over and standing.seeds < len(standing.race.cells):
            if last is not None and standing.seeds > last:
                return
            if any(cell not in self.ended for cell in standing.race.cells[standing.seeds]):
                return
            try:
                difference = evidence.add(standing.seeds, self.ended)
            except Missing as missing:
                standing.fail(str(missing))
            else:
                standing.add(difference, evidence.items() if standing.seeds + 1 >= standing.first else None)
            if standing.over:
                evidence.forget()
                self.closed.append(at)
