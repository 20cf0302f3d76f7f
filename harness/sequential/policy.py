"""Which cells are worth training next: a pure object, with comparisons by number and cells by id.

Every comparison first gets the seeds before which nothing can be decided. Then the next seed goes to the undecided one
that is nearest its decision for its cost (``reports.statistics.sequential.next_seed``). Seeds come in order, none left
out: one that failed, or has no such metric, ends its comparison.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

from reports.anytime_valid import LEVEL, decide_quickly, least
from reports.statistics.sequential import Comparison, Decision, Items, interval, more_seeds

Status = Decision | Literal["failed", "undecided", "items forbid"]


@dataclass(frozen=True, kw_only=True)
class ComparisonPlan:
    """The cells that each seed of a comparison needs, up to the last it may get; its margin, and whether items add to
    its uncertainty."""

    cells: Sequence[Sequence[str]]
    margin: float
    items: bool


class ComparisonState:
    """The seeds of one comparison of a family so far, and what they decide. The first decision is final."""

    def __init__(self, plan: ComparisonPlan, family: int, level: float) -> None:
        self.plan, self.family, self.level = plan, family, level
        self.min_seeds = least(plan.items, family, level)  # with fewer nothing can be decided
        self.first_seeds = min(self.min_seeds, len(plan.cells))
        self.comparison = Comparison(differences=(), margin=plan.margin)
        self.decision: Decision | None = None
        self.failure = ""

    @property
    def seeds(self) -> int:
        return len(self.comparison.differences)

    @property
    def is_over(self) -> bool:
        """Whether another seed could change nothing."""
        return self.decision is not None or bool(self.failure)

    @property
    def wants_seed(self) -> bool:
        """Whether it gets another seed."""
        if self.is_over or self.seeds == len(self.plan.cells):
            return False
        return self.seeds < self.first_seeds or self.missing_seeds is not None

    @property
    def status(self) -> Status:
        if self.decision is not None:
            return self.decision
        if self.failure:
            return "failed"
        return "items forbid" if self.seeds >= self.first_seeds and self.missing_seeds is None else "undecided"

    @cached_property
    def missing_seeds(self) -> int | None:
        """About how many seeds are missing, None where items forbid a decision."""
        return more_seeds(self.comparison, level=self.level, family=self.family)

    def add(self, difference: float, items: Items | None) -> None:
        """The next seed's difference, and what items add to the uncertainty of all so far."""
        if self.is_over:
            return
        differences = (*self.comparison.differences, difference)
        self.comparison = Comparison(differences=differences, margin=self.plan.margin, items=items)
        self.__dict__.pop("missing_seeds", None)
        if self.seeds >= self.first_seeds:
            self.decision = decide_quickly(self.comparison, self.family, self.level)

    def fail(self, reason: str) -> None:
        """The next seed has no difference."""
        if not self.is_over:
            self.failure = reason

    def interval(self) -> tuple[float, float]:
        if not self.seeds:
            return -math.inf, math.inf
        return interval(self.comparison, level=self.level, family=self.family)


class Policy:
    """All comparisons of a command. ``costs`` are those of cells, in any unit; 1 where one is absent."""

    def __init__(
        self, plans: Sequence[ComparisonPlan], costs: Mapping[str, float] | None = None, level: float = LEVEL
    ) -> None:
        self.costs = costs or {}
        self.states = [ComparisonState(plan, len(plans), level) for plan in plans]

    def next_cells(self, available: Collection[str]) -> Iterator[str]:
        """The cells that are worth training next, the best first; not those ``available``, trained or in training."""
        listed = set(available)
        for cell in chain(self.first_seed_cells(), self.further_seed_cells(available)):
            if cell not in listed:
                listed.add(cell)
                yield cell

    def first_seed_cells(self) -> Iterator[str]:
        """Cells that are needed whatever others show, by rounds: every comparison's first seed before any's second."""
        for seed in range(max((each.first_seeds for each in self.states), default=0)):
            for each in self.states:
                if not each.is_over and seed < each.first_seeds:
                    yield from each.plan.cells[seed]

    def further_seed_cells(self, available: Collection[str]) -> Iterator[str]:
        """Cells of the next seed of each undecided comparison, the best first; then those of the seeds after."""
        ranked = self.ranked(available)
        for ahead in range(max((len(each.plan.cells) - each.seeds for each in ranked), default=0)):
            for each in ranked:
                if each.seeds + ahead < len(each.plan.cells):
                    yield from each.plan.cells[each.seeds + ahead]

    def ranked(self, available: Collection[str]) -> list[ComparisonState]:
        """The comparisons that get a seed beyond their first ones, by the estimated cost of their decision."""
        ranking = [
            ((each.missing_seeds or 0) * self.cost(each, available), each.seeds, at)
            for at, each in enumerate(self.states)
            if each.wants_seed and each.seeds >= each.first_seeds
        ]
        return [self.states[at] for _, _, at in sorted(ranking)]

    def cost(self, state: ComparisonState, available: Collection[str]) -> float:
        """The cost of the cells of its next seed that are not available; where all are, of the seed after."""
        for cells in state.plan.cells[state.seeds :]:
            if missing := [cell for cell in cells if cell not in available]:
                return sum(self.costs.get(cell, 1.0) for cell in missing)
        return 0.0
