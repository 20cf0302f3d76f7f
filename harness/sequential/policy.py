"""Which cells are worth training next: a pure object that knows comparisons by number and cells by name.

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

from reports.anytime_valid import LEVEL, decided, least
from reports.statistics.sequential import Comparison, Decision, Items, interval, more_seeds

Status = Decision | Literal["failed", "undecided", "items forbid"]


@dataclass(frozen=True, kw_only=True)
class ComparisonPlan:
    """The cells that each seed of a comparison needs, as many seeds as it may have; and whether items add to its
    uncertainty."""

    cells: Sequence[Sequence[str]]
    margin: float
    items: bool


class ComparisonState:
    """One of a family of comparisons, as far as it has come. The first decision stands."""

    def __init__(self, race: ComparisonPlan, family: int, level: float) -> None:
        self.race, self.family, self.level = race, family, level
        self.least = least(race.items, family, level)  # with fewer nothing can be decided
        self.first = min(self.least, len(race.cells))
        self.comparison = Comparison(differences=(), margin=race.margin)
        self.decision: Decision | None = None
        self.failure = ""

    @property
    def seeds(self) -> int:
        return len(self.comparison.differences)

    @property
    def over(self) -> bool:
        """Whether another seed could change nothing."""
        return self.decision is not None or bool(self.failure)

    @property
    def wants(self) -> bool:
        """Whether it gets another seed."""
        if self.over or self.seeds == len(self.race.cells):
            return False
        return self.seeds < self.first or self.more is not None

    @property
    def state(self) -> Status:
        if self.decision is not None:
            return self.decision
        if self.failure:
            return "failed"
        return "items forbid" if self.seeds >= self.first and self.more is None else "undecided"

    @cached_property
    def more(self) -> int | None:
        """About how many seeds are missing, None where items forbid a decision."""
        return more_seeds(self.comparison, level=self.level, family=self.family)

    def add(self, difference: float, items: Items | None) -> None:
        """The next seed's difference, and what items add to the uncertainty of all so far."""
        if self.over:
            return
        differences = (*self.comparison.differences, difference)
        self.comparison = Comparison(differences=differences, margin=self.race.margin, items=items)
        self.__dict__.pop("more", None)
        if self.seeds >= self.first:
            self.decision = decided(self.comparison, self.family, self.level)

    def fail(self, reason: str) -> None:
        """The next seed has no difference."""
        if not self.over:
            self.failure = reason

    def interval(self) -> tuple[float, float]:
        if not self.seeds:
            return -math.inf, math.inf
        return interval(self.comparison, level=self.level, family=self.family)


class Policy:
    """All comparisons of a command. ``prices`` are what cells cost, in any unit; 1 where they do not say."""

    def __init__(self, races: Sequence[ComparisonPlan], prices: Mapping[str, float] | None = None, level: float = LEVEL) -> None:
        self.prices = prices or {}
        self.standings = [ComparisonState(race, len(races), level) for race in races]

    def wanted(self, there: Collection[str]) -> Iterator[str]:
        """The cells that are worth training and not ``there``, trained or in training, the most wanted first."""
        given = set(there)
        for cell in chain(self.certain(), self.likely(there)):
            if cell not in given:
                given.add(cell)
                yield cell

    def certain(self) -> Iterator[str]:
        """Cells that are needed whatever others show, by rounds: every comparison's first seed before any's second."""
        for seed in range(max((each.first for each in self.standings), default=0)):
            for each in self.standings:
                if not each.over and seed < each.first:
                    yield from each.race.cells[seed]

    def likely(self, there: Collection[str]) -> Iterator[str]:
        """Cells of the next seed of each undecided comparison, the best first; then those of the seeds after."""
        ranked = self.ranked(there)
        for ahead in range(max((len(each.race.cells) - each.seeds for each in ranked), default=0)):
            for each in ranked:
                if each.seeds + ahead < len(each.race.cells):
                    yield from each.race.cells[each.seeds + ahead]

    def ranked(self, there: Collection[str]) -> list[ComparisonState]:
        """Those that have had their first seeds and get another, by what they still cost as the rule sees it."""
        found = [
            ((each.more or 0) * self.cost(each, there), each.seeds, at)
            for at, each in enumerate(self.standings)
            if each.wants and each.seeds >= each.first
        ]
        return [self.standings[at] for _, _, at in sorted(found)]

    def cost(self, standing: ComparisonState, there: Collection[str]) -> float:
        """Of the cells of its next seed that are not there; where all are, of the seed after."""
        for cells in standing.race.cells[standing.seeds :]:
            if missing := [cell for cell in cells if cell not in there]:
                return sum(self.prices.get(cell, 1.0) for cell in missing)
        return 0.0
