"""The size of a difference in units of its spread over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from scipy.special import gammaln


def hedges(differences_by_seed: Sequence[float]) -> float | None:
    """Cohen's d_z of one difference a seed, with Hedges' correction for few of them: ``J(n - 1) * mean / s``.

    ``J(f) = gamma(f / 2) / (sqrt(f / 2) gamma((f - 1) / 2))``. None for fewer than three seeds, since J(1) is 0
    whatever the differences are, and None where all seeds differ alike.

    Hedges (1981), "Distribution theory for Glass's estimator of effect size and related estimators", Journal of
    Educational Statistics 6, 107-128; Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", p. 48.

    Raises:
        ValueError: a difference that is not finite.
    """
    values = [float(value) for value in differences_by_seed]
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"differences must be finite; got {values}")
    if len(values) < 3 or max(values) - min(values) <= 1e-12 * max(map(abs, values)):
        return None
    freedom = len(values) - 1
    correction = math.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    return correction * statistics.fmean(values) / statistics.stdev(values)
