"""How often the interval of a factorial table's contrast holds the truth, where the truth is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest

from reports.statistics.attribution import add_one, effects, estimate, leave_one_out
from reports.statistics.shapley import shapley, steps
from tests.reports.statistics.experiments import FULL, Array, error
from tests.reports.statistics.test_attribution import Levels, full

TIMES = 2000 if FULL else 200
SEEDS, ITEMS, WEIGHTS = 6, (150, 100), (2 / 3, 1 / 3)
OWN = ((0.0003, 0.01, 0.1), (0.0001, 0.02, 0.2))  # by block: variances of a combination's own seed, item and rest
SHARED = 0.05  # of seeds and of items, in all combinations


def truth(table: Levels, three: float) -> Array:
    """The first helps, the second hurts, the third does nothing by itself but helps the first."""
    x = table - 0.5
    values: Array = 0.5 + x @ np.array([0.04, -0.03, 0.0]) + 0.06 * x[:, 0] * x[:, 2] + three * x.prod(axis=1)
    return values


def drawn(random: np.random.Generator, means: Array) -> list[Array]:
    """Blocks [combinations, seeds, items]."""
    luck = random.normal(0, math.sqrt(SHARED), (1, SEEDS, 1))
    blocks = []
    for items, (seed, item, rest) in zip(ITEMS, OWN, strict=True):
        shapes = ((len(means), SEEDS, 1), seed), ((len(means), 1, items), item), ((len(means), SEEDS, items), rest)
        own = sum(random.normal(0, math.sqrt(variance), shape) for shape, variance in shapes)
        blocks.append(means[:, None, None] + luck + random.normal(0, math.sqrt(SHARED), (1, 1, items)) + own)
    return blocks


def contrasts(table: Levels) -> Mapping[str, Array]:
    """Those that exist and are not 0, by name."""
    attribution, path = shapley(table), steps(table, (2, 0, 1))
    assert attribution is not None
    assert path is not None
    named = {f"effect {term}": each for term, each in effects(table, [(0, 2)]).items()}
    for f in range(3):
        named |= {f"without {f}": leave_one_out(table)[f], f"alone {f}": add_one(table)[f]}
        named |= {f"shapley {f}": attribution.contrasts[f], f"flattery {f}": path[f] - attribution.contrasts[f]}
    return {name: each for name, each in named.items() if each is not None and each.any()}


TABLES = {"whole": (full(3), 0.05), "two missing": (full(3)[[0, 1, 2, 4, 5, 7]], 0.0)}  # what least squares leaves out
CONTRASTS = {kind: contrasts(table) for kind, (table, _) in TABLES.items()}


@cache
def experiments(kind: str) -> Mapping[str, Array]:
    """Of each contrast, low, mean and high [times, 3]."""
    random = np.random.default_rng(11)
    intervals: dict[str, list[tuple[float, float, float]]] = {name: [] for name in CONTRASTS[kind]}
    for _ in range(TIMES):
        blocks = drawn(random, truth(*TABLES[kind]))
        for name, contrast in CONTRASTS[kind].items():
            interval = estimate(contrast, blocks, WEIGHTS)
            intervals[name].append((interval.low, interval.mean, interval.high))
    return {name: np.array(each) for name, each in intervals.items()}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, named in CONTRASTS.items() for name in named])
def test_an_interval_holds_the_truth_as_often_as_it_says_and_its_centre_finds_it(kind: str, name: str) -> None:
    true = float(CONTRASTS[kind][name] @ truth(*TABLES[kind]))
    low, mean, high = experiments(kind)[name].T
    covered = ((low <= true) & (true <= high)).mean()
    assert 0.94 - error(times=TIMES) <= covered <= 0.97 + error(times=TIMES)
    assert mean.mean() == pytest.approx(true, abs=4 * mean.std(ddof=1) / math.sqrt(TIMES))


def test_known_effects_are_recovered() -> None:
    intervals = experiments("whole")
    sizes = {"effect (0,)": 0.04, "effect (1,)": -0.03, "effect (2,)": 0.0, "effect (0, 2)": 0.06}
    for name, size in sizes.items():
        assert intervals[name][:, 1].mean() == pytest.approx(size, abs=0.004)
