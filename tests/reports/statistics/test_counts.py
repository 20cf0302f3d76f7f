"""Right-or-wrong items that tie: how often papers of 20 true null hypotheses find something, and intervals hold."""

from __future__ import annotations

import pytest

from reports.statistics.crossed_effects import COVERAGE_AT_2
from tests.reports.statistics.counts import DRAWS, counted
from tests.reports.statistics.experiments import FULL, error

SEEDS = (2, 3, 4, 6, 10) if FULL else (2, 3, 6)
ITEMS = (2, 6, 20, 50, 250, 1000, 2000) if FULL else (2, 50, 250)
LEAST = {2: 0.88}  # of coverage, by seeds; .93 from 3 on


def papers_of(seeds: int, items: int) -> int:
    """As many as take a second or so."""
    return max(30, min(150, 300_000 // (seeds * items))) if FULL else 12


@pytest.mark.parametrize("kind", DRAWS)
@pytest.mark.parametrize("items", ITEMS)
@pytest.mark.parametrize("seeds", SEEDS)
def test_papers_find_nothing_where_there_is_nothing_and_intervals_hold(seeds: int, items: int, kind: str) -> None:
    papers = papers_of(seeds, items)
    shares = counted(kind, seeds, items, papers)
    if shares.false is not None:
        assert shares.false <= 0.05 + error(0.05, papers)
    least = LEAST.get(seeds, 0.93)
    assert shares.coverage >= least - error(least, max(shares.seen, 1))


def test_what_two_seeds_hold_is_said() -> None:
    assert f"{LEAST[2]:.0%}"[:-1] in COVERAGE_AT_2


def test_a_collapse_in_every_seed_would_be_found_without_its_own_chance() -> None:
    """With half of the seeds collapsed, three seeds of one row fall apart from the other's in 3% of comparisons."""
    shares = counted("50% collapse", 3, 250, 40)
    assert shares.false is not None and shares.false <= 0.05
