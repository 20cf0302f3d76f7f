"""Which cells are wanted next, and how often what is decided then is false: experiments that train nothing."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.sequential.policy import ComparisonPlan, Policy
from reports.anytime_valid import least
from reports.statistics.sequential import Comparison, Items, decide, next_seed
from tests.reports.statistics.experiments import FULL

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]
MOST, MARGIN = 20, 0.5
TIMES = 1000 if FULL else 80


def cell(row: int, seed: int) -> str:
    return f"row {row} seed {seed}"


def star(changed: int, most: int = MOST, margin: float = MARGIN, items: bool = False) -> list[ComparisonPlan]:
    """So many rows, from 1 on, each against row 0."""
    return [
        ComparisonPlan(cells=[[cell(row, seed), cell(0, seed)] for seed in range(most)], margin=margin, items=items)
        for row in range(1, changed + 1)
    ]


@dataclasses.dataclass
class World:
    """What each comparison would show at each seed, [comparisons, seeds], and the items' part; what was trained."""

    policy: Policy
    differences: Array
    items: Sequence[Items | None]
    available: list[str] = dataclasses.field(default_factory=list)

    def step(self, workers: int = 1) -> list[str]:
        """Train the next cells, all at once, and look."""
        cells = list(itertools.islice(self.policy.next_cells(self.available), workers))
        self.available += cells
        for at, each in enumerate(self.policy.states):
            while not each.is_over and each.seeds < len(each.plan.cells):
                if not set(each.plan.cells[each.seeds]) <= set(self.available):
                    break
                each.add(float(self.differences[at, each.seeds]), self.items[at])
        return cells

    def play(self, workers: int = 1) -> World:
        while self.step(workers):
            pass
        return self


def of_rows(values: Array, plans: Sequence[ComparisonPlan], items: Sequence[Items | None] | None = None) -> World:
    """Rows [rows, seeds], the first of which all others are compared with."""
    return World(Policy(plans), values[1:] - values[0], items or [None] * len(plans))


def gaussian(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    return random.normal(size=shape) / math.sqrt(2)  # so that differences have the standard deviation 1


def heavy(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    return random.standard_t(2, size=shape) / math.sqrt(2)


def two_values(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    return random.choice([-1.0, 1.0], size=shape) / math.sqrt(2)


ALL = list(itertools.product((gaussian, heavy, two_values), (0.0, MARGIN), (0.0, 0.3), (1, 3)))


@pytest.mark.parametrize(("draw", "truth", "spread", "workers"), ALL if FULL else [ALL[0], ALL[7], ALL[11], ALL[20]])
def test_hardly_any_experiment_has_a_false_decision(draw: Draw, truth: float, spread: float, workers: int) -> None:
    """Comparisons that share a row, the same items in every seed, seeds dealt by the policy; all true differences are
    0 or just the margin. ``spread`` is the items' error, estimated from 300 items."""
    random, wrong = np.random.default_rng(int(workers + 10 * truth + 100 * spread)), 0
    false = {"higher", "lower"} if truth == 0 else {"equivalent", "lower"}
    for _ in range(TIMES):
        values = draw(random, (5, MOST))
        values[1:] += truth + random.normal(0, spread, (4, 1))
        errors = spread * np.sqrt(random.chisquare(299, 4) / 299)
        items = [Items(float(error), 299) if spread else None for error in errors]
        played = of_rows(values, star(4, items=bool(spread)), items).play(workers)
        wrong += any(each.decision in false for each in played.policy.states)
    assert wrong / TIMES <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / TIMES)


def spent(effect: float, changed: int, times: int) -> tuple[float, float]:
    """The mean number of cells and the share of comparisons found, where all rows differ so much from row 0."""
    random, cells, shares = np.random.default_rng(5), 0, 0
    for _ in range(times):
        values = gaussian(random, (changed + 1, 30))
        values[1:] += effect
        played = of_rows(values, star(changed, most=30, margin=0.01)).play()
        cells += len(played.available)
        shares += sum(each.decision == "higher" for each in played.policy.states)
    return cells / times, shares / times / changed


@pytest.mark.parametrize(
    ("effect", "changed", "cells"),
    [(1, 1, 25.6), (2, 1, 13.7), (4, 1, 12.0), (1, 8, 181), (2, 8, 93.6), (4, 8, 81.3)],
)
def test_what_is_trained_beside_30_seeds_for_each_row(effect: float, changed: int, cells: float) -> None:
    times = 200 if FULL else 20
    mean, shares = spent(effect, changed, times)
    assert mean == pytest.approx(cells, rel=0.03 if FULL else 0.1)
    assert mean < 0.75 * 30 * (changed + 1)
    assert shares > 0.85


@given(seed=st.integers(0, 10_000), changed=st.integers(1, 4))
def test_one_worker_trains_the_first_seeds_and_then_what_the_rule_names(seed: int, changed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (changed + 1, MOST)) + random.uniform(-2, 2, (changed + 1, 1))
    prices = {cell(row, at): float(price) for row in range(changed + 1) for at, price in enumerate([row + 1] * MOST)}
    items = [Items(0.1, 99) if at % 2 else None for at in range(changed)]
    plans = [dataclasses.replace(plan, items=at % 2 == 1) for at, plan in enumerate(star(changed))]
    world = World(Policy(plans, prices), values[1:] - values[0], items)
    first_seeds = [least(plan.items, changed) for plan in plans]
    first_seed_cells = {
        cell(row, at) for row in range(changed + 1) for at in range(first_seeds[row - 1] if row else max(first_seeds))
    }
    trained = [cells[0] for _ in first_seed_cells if (cells := world.step())]
    assert set(trained) == first_seed_cells
    assert [int(name.split()[-1]) for name in trained] == sorted(int(name.split()[-1]) for name in trained)
    while named := rule(world, prices):
        (trained_now,) = world.step()
        assert trained_now in named
    assert world.step() == []


def rule(world: World, prices: dict[str, float]) -> list[str]:
    """The missing cells of the seed that ``next_seed`` names; those that are decided or full it sees as decided."""
    seen = []
    for each in world.policy.states:
        is_over = each.is_over or each.seeds == len(each.plan.cells)
        missing = [] if is_over else [name for name in each.plan.cells[each.seeds] if name not in world.available]
        cost = sum(prices[name] for name in missing) or 1.0
        decided = Comparison(differences=tuple(map(float, np.linspace(1.0, 1.001, 12))), margin=0.1)
        seen.append(decided if is_over else dataclasses.replace(each.comparison, cost=cost))
    at = next_seed(seen)
    return [] if at is None else list(world.policy.states[at].plan.cells[len(seen[at].differences)])


@given(seed=st.integers(0, 10_000), workers=st.integers(1, 9))
def test_seeds_come_in_order_each_cell_once_and_none_after_a_decision(seed: int, workers: int) -> None:
    random = np.random.default_rng(seed)
    world = of_rows(random.normal(0, 1, (4, MOST)) + random.uniform(-2, 2, (4, 1)), star(3))
    while True:
        is_over = [each.is_over for each in world.policy.states]
        cells = world.step(workers)
        for name in cells:
            serves = [at for at, plan in enumerate(star(3)) if any(name in of_seed for of_seed in plan.cells)]
            assert not all(is_over[at] for at in serves)
        if not cells:
            break
    assert len(world.available) == len(set(world.available))
    for row in range(4):
        seeds = {int(name.split()[-1]) for name in world.available if name.startswith(f"row {row} ")}
        assert seeds == set(range(len(seeds)))
    for each, values in zip(world.policy.states, world.differences, strict=True):
        assert each.comparison.differences == tuple(values[: each.seeds])
        looks = [Comparison(differences=tuple(values[:n]), margin=MARGIN) for n in range(1, each.seeds + 1)]
        assert [decide(look, family=3) for look in looks[:-1]] == [None] * (len(looks) - 1)
        assert decide(looks[-1], family=3) == each.decision


def test_idle_workers_get_the_next_comparisons_then_the_following_seed() -> None:
    random = np.random.default_rng(0)
    world = World(Policy(star(2, margin=0.01)), random.normal([[0.3], [0.6]], 1, (2, MOST)), [None, None])
    while world.policy.states[1].seeds < least(False, 2):
        world.step()
    n = least(False, 2)
    near, far = (
        (2, 1) if (world.policy.states[1].missing_seeds or 0) < (world.policy.states[0].missing_seeds or 0) else (1, 2)
    )
    next_cells = list(itertools.islice(world.policy.next_cells(world.available), 5))
    assert next_cells == [cell(near, n), cell(0, n), cell(far, n), cell(near, n + 1), cell(0, n + 1)]


def test_a_seed_that_failed_ends_its_comparison_alone() -> None:
    world = of_rows(np.random.default_rng(1).normal(size=(3, MOST)), star(2))
    first_seeds, second = world.policy.states
    world.step(6)  # two seeds
    first_seeds.fail("no such metric")
    world.play()
    assert (first_seeds.status, first_seeds.seeds) == ("failed", 2)
    assert second.seeds > 2
    assert not {name for name in world.available if name.startswith("row 1 ")} - {cell(1, 0), cell(1, 1)}


def test_a_first_decision_stands_and_items_that_forbid_one_get_no_seeds() -> None:
    decided = Policy(star(2)).states[0]
    for difference in (1.0, 1.1, 0.9, 1.2, 1.0, 0.8, 1.1, 1.0):
        decided.add(difference, None)
    assert (decided.status, decided.seeds) == ("higher", least(False, 2))
    decided.fail("too late")
    decided.add(-1e6, None)
    assert (decided.status, decided.seeds) == ("higher", least(False, 2))
    random = np.random.default_rng(2)
    values = random.normal(0, 1, (2, MOST))
    world = World(Policy(star(1, items=True)), values[1:] - values[0], [Items(9.0, 99)]).play()
    assert world.policy.states[0].status == "items forbid"
    assert len(world.available) == 2 * least(True, 1)


def test_no_more_seeds_than_allowed_even_if_nothing_can_be_decided_then() -> None:
    world = of_rows(np.random.default_rng(3).normal(size=(2, 3)), star(1, most=3)).play(2)
    assert len(world.available) == 6
    assert world.policy.states[0].status == "undecided"
    assert world.policy.states[0].interval() == (-math.inf, math.inf)
