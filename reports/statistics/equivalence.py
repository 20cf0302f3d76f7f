"""Whether two rows are the same, for all that matters."""

from __future__ import annotations

from scipy import stats

from reports.statistics.crossed import Estimate


def tost(estimate: Estimate, margin: float) -> float:
    """The p of the two one-sided tests that the difference lies within ``margin`` of 0: the larger of the two.

    ``max(P(t >= (mean + margin) / error), P(t <= (mean - margin) / error))`` with the estimate's degrees of freedom. At
    most alpha exactly where the estimate's interval of level 1 - 2 alpha lies within the margin.

    Schuirmann (1987), "A comparison of the two one-sided tests procedure and the power approach", Journal of
    Pharmacokinetics and Biopharmaceutics 15, 657-680.

    Raises:
        ValueError: a margin that is not positive.
    """
    if not margin > 0:
        raise ValueError(f"the margin is {margin}; it must be positive")
    if not estimate.error:
        return float(abs(estimate.mean) >= margin)
    nearest = (margin - abs(estimate.mean)) / estimate.error  # the side that is harder to show
    return float(stats.t.sf(nearest, estimate.freedom))
