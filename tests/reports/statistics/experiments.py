"""Experiments whose truth is known: differences drawn from a model, to count how often an interval holds it."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Sequence

import numpy as np
import pandas
from numpy.typing import NDArray
from scipy.special import ndtr

from reports.statistics.correlation import pearson, pseudo_values
from reports.statistics.crossed_effects import Estimate, crossed

FULL = os.environ.get("HARNESS_TEST_COUNTS") == "full"
TIMES = 4000 if FULL else 600

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Drawn:
    """One experiment: blocks [seeds, items], and the centre where it is not the blocks' mean."""

    blocks: Sequence[Array]
    mean: float | None = None


def coverage(
    draw: Callable[[np.random.Generator], Drawn], truth: float, weights: Sequence[float] = (1.0,), times: int = TIMES
) -> float:
    """The share of experiments whose 95% interval holds the truth."""
    random = np.random.default_rng(7)
    inside = 0
    for _ in range(times):
        drawn = draw(random)
        interval = estimate_of(drawn.blocks, weights, mean=drawn.mean)
        inside += interval.low <= truth <= interval.high
    return inside / times


def estimate_of(
    blocks: Sequence[Array],
    weights: Sequence[float] = (1.0,),
    *,
    level: float = 0.95,
    mean: float | None = None,
    most: Sequence[float] = (),
) -> Estimate:
    """``crossed`` of what varies."""
    estimate = crossed(blocks, weights, level=level, mean=mean, most=most)
    assert isinstance(estimate, Estimate)
    return estimate


def error(share: float = 0.95, times: int = TIMES) -> float:
    """Three standard errors of a share that was counted."""
    return 3 * math.sqrt(share * (1 - share) / times)


def normal(random: np.random.Generator, shape: tuple[int, int], seed: float, item: float, rest: float) -> Array:
    """[seeds, items] with these variances and the mean 0."""
    n, m = shape
    values: Array = random.normal(0, math.sqrt(seed), (n, 1)) + random.normal(0, math.sqrt(item), (1, m))
    return values + random.normal(0, math.sqrt(rest), (n, m))


def drawn(seed: int, shape: tuple[int, int] = (6, 25), variances: tuple[float, ...] = (0.5, 0.5, 1.0)) -> Array:
    return normal(np.random.default_rng(seed), shape, *variances) + 0.2


def long(block: Array) -> pandas.DataFrame:
    """One record a cell, as statsmodels reads it."""
    seeds, items = np.indices(block.shape)
    return pandas.DataFrame({"y": block.ravel(), "seed": seeds.ravel(), "item": items.ravel(), "all": 1})


def right_or_wrong(random: np.random.Generator, n: int, m: int) -> tuple[Drawn, float]:
    """Two rows' correctness, by hidden normal values: an item's difficulty is shared in part, and seeds have luck."""
    means, shared, own, luck = (0.3, 0.1), 0.6, 0.5, 0.05
    item = random.normal(0, math.sqrt(shared), (1, m))
    total = math.sqrt(shared + own + luck + 1)
    first, second = (mean + item + normal(random, (n, m), luck, own, 1.0) > 0 for mean in means)
    truth = float(ndtr(means[0] / total) - ndtr(means[1] / total))
    return Drawn([first.astype(float) - second.astype(float)]), truth


SLOPES, SPREAD, NOISE = (1.0, 0.9), 0.12, (0.4, 0.2, 0.3)  # of answers on gold; over seeds; shared, own and rest


def answers(random: np.random.Generator, n: int, m: int) -> Drawn:
    """Pseudo-values of two rows' correlation with gold, about the plain difference of r. The slope differs by seed."""
    gold, shared = random.normal(0, 1, m), random.normal(0, math.sqrt(NOISE[0]), m)
    values, scores = [], []
    for slope in SLOPES:
        by_seed = slope + random.normal(0, SPREAD, n)
        noise = normal(random, (n, m), 0.0, NOISE[1], NOISE[2])
        answer = by_seed[:, None] * gold + shared + noise  # [seeds, items]
        values.append(np.stack([pseudo_values(row, gold) for row in answer]))
        scores.append(np.mean([pearson(row, gold) for row in answer]))
    return Drawn([values[0] - values[1]], float(scores[0] - scores[1]))


def true_difference() -> float:
    """The mean over seeds of the population's r, first less second, of ``answers``."""
    nodes, shares = np.polynomial.hermite_e.hermegauss(60)
    slopes = [slope + SPREAD * nodes for slope in SLOPES]
    first, second = (float((each / np.sqrt(each**2 + sum(NOISE)) * shares).sum() / shares.sum()) for each in slopes)
    return first - second


def three(random: np.random.Generator, n: int, items: Sequence[int] = (500, 800, 300)) -> Drawn:
    """Three blocks of different items, whose seed effects go together in part."""
    luck = random.normal(0, 0.012, n)
    variances = ((0.0002, 0.02, 0.1), (0.0001, 0.01, 0.05), (0.0, 0.3, 0.8))
    blocks = [normal(random, (n, m), *each) + luck[:, None] for m, each in zip(items, variances, strict=True)]
    return Drawn(blocks)
