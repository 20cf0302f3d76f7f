from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from reports.statistics.crossed_effects import crossed
from reports.statistics.variance_components import mean_squares
from tests.reports.statistics.experiments import Array, drawn, long


def test_the_mean_squares_are_those_of_statsmodels_analysis_of_variance() -> None:
    block = drawn(0)
    table = anova_lm(ols("y ~ C(seed) + C(item)", long(block)).fit())
    assert mean_squares(block) == pytest.approx(tuple(table["mean_sq"]), rel=1e-9)


@pytest.mark.parametrize(
    ("blocks", "weights", "level"),
    [
        ([], (), 0.95),
        ([np.zeros((3, 1))], (1.0,), 0.95),
        ([np.zeros((3, 0))], (1.0,), 0.95),
        ([np.zeros((0, 3))], (1.0,), 0.95),
        ([np.zeros(3)], (1.0,), 0.95),
        ([np.array([[1.0, math.nan]])], (1.0,), 0.95),
        ([np.zeros((3, 4)), np.zeros((2, 4))], (1.0, 1.0), 0.95),
        ([np.zeros((3, 4)), np.zeros((3, 4))], (1.0,), 0.95),
        ([np.zeros((3, 4))], (math.inf,), 0.95),
        ([np.zeros((3, 4))], (1.0,), 95.0),
    ],
)
def test_what_cannot_be_compared_is_refused(blocks: list[Array], weights: tuple[float, ...], level: float) -> None:
    with pytest.raises(ValueError, match=r"block|weight|level"):
        crossed(blocks, weights, level=level)
