"""What an experiment could have found, and how many seeds would find it."""

from __future__ import annotations

import math

from scipy import stats
from scipy.optimize import brentq

from reports.statistics.crossed_effects import FREEDOM, Estimate
from reports.statistics.variance_components import check_level


def detectable(estimate: Estimate, *, power: float = 0.8, level: float = 0.95) -> float:
    """The smallest true difference that a two-sided test of 1 - level finds with this power, at the estimate's error.

    ``delta * error``, where ``P(|T| > t_crit) = power`` for T non-central t with non-centrality delta and
    the estimate's degrees of freedom.

    Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", 2nd edition, ch. 2; Bloom (1995), "Minimum
    detectable effects", Evaluation Review 19, 547-556.

    Raises:
        ValueError: a level outside (0, 1), or a power outside (1 - level, 1).
    """
    check(power, level)
    upper = 1.0
    while power_of(upper, estimate.freedom, level) < power:
        upper *= 2
    delta = brentq(lambda each: power_of(each, estimate.freedom, level) - power, 0.0, upper)
    return float(delta) * estimate.error


def seeds_needed(
    estimate: Estimate,
    effect: float,
    *,
    power: float = 0.8,
    level: float = 0.95,
    most: int = 10_000,
    cautiously: bool = False,
) -> int | None:
    """The fewest seeds, on the same items, with which a two-sided test of 1 - level finds ``effect`` with this power.

    ``Var(k) = items + (error^2 - items) n / k`` with ``items = sum_b w_b^2 item_b / m_b``, the part that seeds do not
    shrink, and Satterthwaite's degrees of freedom: k - 1 for the seeds' part, m_b - 1 for a block's. None where not
    even ``most`` seeds would do, for then the items set the limit. An estimate without components has seeds alone, and
    this is the paired t-test; else the freedom is at most ``crossed.FREEDOM (k - 1)``. The components are estimates
    themselves: from few seeds, take the number as a rough guide. The level is any in (0, 1), so 1 - alpha / m or Holm's
    works, too. ``cautiously``: by the test of ``crossed.cautious``, which has k - 1 degrees of freedom.

    Cohen (1988) as for ``detectable``; Westfall, Kenny and Judd (2014), "Statistical power and optimal design in
    experiments in which samples of participants respond to samples of stimuli", Journal of Experimental Psychology:
    General 143, 2020-2045.

    Raises:
        ValueError: an estimate of one seed, an effect that is not positive, a level outside (0, 1), or a power outside
            (1 - level, 1).
    """
    check(power, level)
    if estimate.seeds < 2:
        raise ValueError("one seed does not tell how much seeds differ; run two or more")
    if not (effect > 0 and math.isfinite(effect)):
        raise ValueError(f"the effect is {effect}; it must be positive")

    def enough(seeds: int) -> bool:
        variance, freedom = at(estimate, seeds)
        freedom = seeds - 1 if cautiously else freedom
        return power_of(effect / math.sqrt(variance), freedom, level) >= power

    if most < 2 or not enough(most):
        return None
    low, high = 1, most  # more seeds never find less: halve the range between too few and enough
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def at(estimate: Estimate, seeds: int) -> tuple[float, float]:
    """The variance of the mean at so many seeds, and its degrees of freedom."""
    items = [(of.weight**2 * of.item / of.items, of.items - 1) for of in estimate.components]
    beyond = max(estimate.error**2 - sum(variance for variance, _ in items), 0.0)
    terms = [*items, (beyond * estimate.seeds / seeds, seeds - 1)]
    total = sum(variance for variance, _ in terms)
    freedom = 1 / sum((variance / total) ** 2 / freedom for variance, freedom in terms)
    return total, min(freedom, FREEDOM * (seeds - 1.0))


def power_of(delta: float, freedom: float, level: float) -> float:
    """The power of a two-sided t-test whose t has the non-centrality ``delta`` and these degrees of freedom."""
    edge = float(stats.t.isf((1 - level) / 2, freedom))
    near, far = float(stats.nct.sf(edge, freedom, delta)), float(stats.nct.cdf(-edge, freedom, delta))
    return near if math.isnan(far) else near + far  # the far tail is NaN where it underflows


def check(power: float, level: float) -> None:
    check_level(level)
    if not 1 - level < power < 1:
        raise ValueError(f"the power is {power}; it must lie between {1 - level:g}, which chance gives, and 1")
