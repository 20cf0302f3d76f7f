"""Whether two rows are the same, for all that matters."""

from __future__ import annotations

import math

from scipy import stats

from reports.statistics.crossed_effects import Estimate, Undefined


def tost(estimate: Estimate | Undefined, margin: float) -> float:
    """The p of the two one-sided tests that the difference lies within ``margin`` of 0: the larger of the two.

    ``max(P(t >= (mean + margin) / error), P(t <= (mean - margin) / error))`` with the estimate's degrees of freedom. At
    most alpha exactly where the estimate's interval of level 1 - 2 alpha lies within the margin.

    Never below ``unseen``, and that alone where no item differs: m items show an equivalence at .05 only where the
    margin is above about 3 / m, the rule of three. 1 where nothing varies and the mean is not 0.

    Schuirmann (1987), "A comparison of the two one-sided tests procedure and the power approach", Journal of
    Pharmacokinetics and Biopharmaceutics 15, 657-680.

    Raises:
        ValueError: a margin that is not positive.
    """
    if not margin > 0:
        raise ValueError(f"the margin is {margin}; it must be positive")
    least = unseen(estimate, margin)
    if isinstance(estimate, Undefined):
        return 1.0 if estimate.mean else least
    nearest = (margin - abs(estimate.mean)) / estimate.error  # the side that is harder to show
    return max(float(stats.t.sf(nearest, estimate.freedom)), least)


def unseen(estimate: Estimate | Undefined, margin: float) -> float:
    """The chance at most to meet none of the items that make a difference of ``margin``:
    ``exp(-margin min_b m_b / (|w_b| most_b))``.

    If the items that differ, by ``most_b`` at most, make a difference of the margin, their shares s_b have
    ``sum_b |w_b| most_b s_b >= margin``, and ``prod_b (1 - s_b)^m_b <= exp(-sum_b m_b s_b)``. With one block of right
    or wrong items it is .05 at 3 / m. A block whose ``most`` is not known counts where nothing varies, with 1, and else
    not at all. 0 for a metric that has no items.

    Hanley and Lippman-Hand (1983), "If nothing goes wrong, is everything all right? Interpreting zero numerators",
    Journal of the American Medical Association 249, 1743-1745.
    """
    unknown = 1.0 if isinstance(estimate, Undefined) else 0.0
    ends = [(of.items, abs(of.weight) * (of.most or unknown)) for of in estimate.components]
    return math.exp(-margin * min(items / end for items, end in ends if end)) if any(end for _, end in ends) else 0.0
