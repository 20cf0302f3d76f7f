from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import dblquad, quad

from reports.statistics.crossed_effects import Components, Estimate, crossed
from reports.statistics.power import power_of
from reports.statistics.sequential import (
    PRIOR,
    SKEWED,
    Comparison,
    Items,
    Noise,
    decide,
    first_possible,
    interval,
    items_of,
    log_e,
    more_seeds,
    next_seed,
    over_seeds,
)
from tests.reports.statistics.experiments import FULL, error, normal

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]
LOOKS = 30
DATA = (0.4, -0.1, 0.7, 0.5, 0.2)


def two_rows_skewed(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    return random.exponential(size=shape) - random.exponential(size=shape)


def two_values(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    return random.choice([-1.0, 1.0], size=shape)


def collapsing(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Either row loses 30 points in a tenth of its seeds; the rest scatter by 1."""
    lost = (random.random(shape) < 0.1).astype(float) - (random.random(shape) < 0.1)
    return 30 * lost + random.normal(size=shape)


def heavy(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    return random.standard_t(2, size=shape)


def slightly_skewed(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    return random.gamma(16, size=shape) - 16  # skewness 1/2


def gaussian(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    return random.normal(size=shape)


NOISES: dict[str, Draw] = {
    "normal": gaussian,
    "rows skewed alike": two_rows_skewed,
    "slightly skewed": slightly_skewed,
    "two values": two_values,
    "collapsing": collapsing,
    "heavy": heavy,
}


def of(values: Array | tuple[float, ...], margin: float = 0.01, items: Items | None = None) -> Comparison:
    return Comparison(differences=tuple(float(value) for value in values), margin=margin, items=items)


def density(values: tuple[float, ...], prior: float | None) -> float:
    """Of the data, over mean / sigma ~ N(0, prior) (0 where None) and d sigma / sigma, by numerical integration."""

    def at(effect: float, log_sigma: float) -> float:
        sigma = math.exp(log_sigma)
        return math.prod(math.exp(-((x / sigma - effect) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi)) for x in values)

    if prior is None:
        return float(quad(lambda log_sigma: at(0.0, log_sigma), -6, 10, epsrel=1e-9)[0])

    def mixed(log_sigma: float, effect: float) -> float:
        weight = math.exp(-(effect**2) / (2 * prior)) / math.sqrt(2 * math.pi * prior)
        return weight * at(effect, log_sigma)

    return float(dblquad(mixed, -14, 14, -5, 9, epsrel=1e-7, epsabs=1e-12)[0])


def test_the_e_value_of_normal_noise_is_the_integral_over_mean_and_sigma() -> None:
    for n in (2, 5):
        integral = density(DATA[:n], PRIOR) / density(DATA[:n], None)
        assert math.exp(log_e(np.array(DATA), "normal")[n - 1]) == pytest.approx(integral, rel=1e-5)


def test_the_e_value_of_symmetric_noise_multiplies_the_mixtures_odds_of_each_sign() -> None:
    expected = 1.0
    for n in range(2, len(DATA) + 1):
        same, turned = density(DATA[:n], PRIOR), density((*DATA[: n - 1], -DATA[n - 1]), PRIOR)
        expected *= 2 * same / (same + turned)
        assert math.exp(log_e(np.array(DATA))[n - 1]) == pytest.approx(expected, rel=1e-5)


@given(sizes=st.lists(st.floats(0.0, 100.0).filter(lambda x: x == 0 or x > 1e-3), min_size=1, max_size=9))
def test_over_all_signs_of_given_sizes_e_is_1_on_average_and_rarely_ever_large(sizes: list[float]) -> None:
    """So it is under every symmetric noise, whatever the sizes: the whole claim, by enumeration."""
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(sizes)))).T  # [seeds, patterns]
    evidence = np.exp(log_e(signs * np.array(sizes)[:, None]))
    assert evidence.mean(axis=1) == pytest.approx(1.0)
    for alpha in (0.2, 0.05, 0.01):
        assert (evidence.max(axis=0) >= 1 / alpha).mean() <= alpha


@given(values=st.lists(st.floats(-5, 5), min_size=2, max_size=8), scale=st.sampled_from([1e-3, -1.0, 64.0]))
@pytest.mark.parametrize("noise", ["symmetric", "normal"])
def test_unit_and_sign_do_not_matter_and_one_seed_says_nothing(values: list[float], scale: float, noise: str) -> None:
    data = np.round(np.array(values), 3)
    plain = log_e(data, noise)  # type: ignore[arg-type]
    assert plain[0] == pytest.approx(0.0, abs=1e-12)
    assert log_e(scale * data, noise) == pytest.approx(plain, rel=1e-6, abs=1e-9)  # type: ignore[arg-type]


def anytime_p(values: list[float], centre: float = 0.0, noise: Noise = "symmetric") -> list[float]:
    """After each seed, the p-value that the centre is this one on these items."""
    evidence = log_e(np.asarray(values, dtype=np.float64) - centre, noise)
    return [float(p) for p in np.minimum(np.exp(-np.maximum.accumulate(evidence)), 1.0)]


def test_rows_that_are_the_same_to_the_last_bit_never_differ_and_are_equivalent_in_the_end() -> None:
    assert anytime_p([0.0] * 40) == [1.0] * 40
    for count, least in ((100, None), (1000, "equivalent")):
        items = items_of(crossed([np.zeros((8, count))], most=(1.0,)))
        assert items is not None and items.error > 0
        decisions = [decide(Comparison(differences=(0.0,) * n, margin=0.01, items=items)) for n in range(1, 8)]
        assert decisions == [None] * 5 + [least] * 2


def test_seeds_that_all_differ_by_the_same_decide_nothing_where_there_are_no_items() -> None:
    for value in (0.0, 0.3):
        compared = Comparison(differences=(value,) * 12, margin=0.01)
        assert interval(compared) == (-math.inf, math.inf) and decide(compared) is None


@pytest.mark.parametrize(("family", "least"), [(1, 6), (8, 9)])
def test_equal_differences_are_decided_at_the_first_possible_seed(family: int, least: int) -> None:
    alpha = 0.05 / family
    assert first_possible(alpha) == least >= 1 + math.log2(1 / alpha)
    for sign, decision in ((1, "higher"), (-1, "lower")):
        data = sign * np.linspace(1.0, 1.001, least)
        assert [decide(of(data[:n]), family=family) for n in (least - 1, least)] == [None, decision]


@given(seed=st.integers(0, 10_000))
@example(seed=1709)  # a small island of centres that one look finds and the look before it would miss
def test_p_never_rises_and_the_interval_never_widens(seed: int) -> None:
    data = np.random.default_rng(seed).normal(0.5, 1, 14)
    ps = anytime_p(list(data))
    assert all(later <= earlier for earlier, later in itertools.pairwise(ps))
    ends = [over_seeds(list(data[:n]), 0.2) for n in range(2, 15)]
    for (low, high), (next_low, next_high) in itertools.pairwise(ends):
        assert low <= next_low + 1e-6 and next_high <= high + 1e-6


@given(seed=st.integers(0, 10_000), noise=st.sampled_from(["symmetric", "normal"]))
def test_the_interval_ends_where_p_is_its_alpha(seed: int, noise: str) -> None:
    data = list(np.random.default_rng(seed).normal(0.5, 1, 12))
    for end in over_seeds(data, 0.05, noise):  # type: ignore[arg-type]
        assert anytime_p(data, end, noise)[-1] == pytest.approx(0.05, rel=1e-3)  # type: ignore[arg-type]


@given(seed=st.integers(0, 10_000))
def test_a_larger_family_a_higher_level_and_items_only_widen(seed: int) -> None:
    data = of(np.random.default_rng(seed).normal(0.5, 1, 12))
    wider = [
        interval(data, family=3),
        interval(data, level=0.99),
        interval(dataclasses.replace(data, items=Items(0.1, 499))),
    ]
    low, high = interval(data)
    assert all(other[0] <= low and high <= other[1] for other in wider)


@given(seed=st.integers(0, 10_000), margin=st.floats(0.1, 3))
def test_a_wider_margin_decides_all_that_a_narrower_one_does(seed: int, margin: float) -> None:
    data = np.random.default_rng(seed).normal(0.2, 1, 15)
    if (decision := decide(of(data, margin))) is not None:
        assert decide(of(data, 2 * margin)) == decision


@given(seed=st.integers(0, 10_000), centre=st.floats(-2, 2), margin=st.floats(0.1, 3), family=st.integers(1, 4))
def test_what_is_decided_has_been_refused_at_the_familys_level(
    seed: int, centre: float, margin: float, family: int
) -> None:
    """So that a false decision is no more frequent than a true centre that is refused."""
    data = np.random.default_rng(seed).normal(centre, 1, 16)
    decision = decide(of(data, margin), family=family)
    against = {None: (), "equivalent": (-margin, margin)}.get(decision, (0.0,))
    for each in against:
        assert anytime_p(list(data), each)[-1] <= 0.05 / family * (1 + 1e-6)


def ever_refused(paths: Array, family: int) -> Array:
    """Of experiments [seeds, ...] whose centre is 0: whether any look refuses it."""
    refused: Array = (log_e(paths) >= math.log(family / 0.05)).any(axis=0)
    return refused


@pytest.mark.parametrize("name", NOISES)
def test_a_true_centre_is_hardly_ever_refused_however_often_one_looks(name: str) -> None:
    paths = NOISES[name](np.random.default_rng(11), (LOOKS, 4000))
    assert ever_refused(paths, 1).mean() <= 0.05 + error(0.05, 4000)


@pytest.mark.parametrize("name", NOISES)
def test_of_8_true_centres_hardly_ever_one_is_refused(name: str) -> None:
    paths = NOISES[name](np.random.default_rng(12), (LOOKS, 8 * 2000))
    assert ever_refused(paths, 8).reshape(2000, 8).any(axis=1).mean() <= 0.05 + error(0.05, 2000)


@pytest.mark.parametrize("truth", [0.0, 0.5])
@pytest.mark.parametrize("name", ["normal", "slightly skewed", "two values"])
def test_a_true_null_is_hardly_ever_decided(name: str, truth: float) -> None:
    """No difference, or one of just the margin; decisions are asked for after each seed of each experiment in which
    the truth is refused, as in the others none can be false."""
    times = 1000 if FULL else 200
    paths = NOISES[name](np.random.default_rng(19), (LOOKS, times))
    wrong = {"equivalent", "lower"} if truth else {"higher", "lower"}
    times_wrong = sum(
        any(decide(of(paths[:n, at] + truth, 0.5)) in wrong for n in range(6, LOOKS + 1))
        for at in np.flatnonzero(ever_refused(paths, 1))
    )
    assert times_wrong / times <= 0.05 + error(0.05, times)


def test_it_is_the_symmetry_that_holds_the_level_for_two_values() -> None:
    paths = two_values(np.random.default_rng(13), (LOOKS, 4000))
    ever = {noise: (log_e(paths, noise).max(axis=0) >= math.log(20)).mean() for noise in ("symmetric", "normal")}  # type: ignore[arg-type]
    assert ever["symmetric"] <= 0.05 < 0.12 < ever["normal"] < 0.16


@pytest.mark.parametrize(
    ("draw", "alone", "of_8"),
    [
        (lambda random, shape: random.gamma(4, size=shape) - 4, 0.04, 0.06),
        (lambda random, shape: random.gamma(1, size=shape) - 1, 0.09, 0.18),
        (lambda random, shape: (random.random(shape) < 0.2) - 0.2, 0.29, None),
    ],
)
def test_what_skewness_does_is_what_is_said(draw: Draw, alone: float, of_8: float | None) -> None:
    paths = draw(np.random.default_rng(14), (LOOKS, 8 * 2000))
    assert f"{alone:.0%}" in SKEWED
    assert abs(ever_refused(paths, 1).mean() - alone) <= 0.005 + error(alone, paths.shape[1])
    if of_8 is not None:
        assert f"{of_8:.0%}" in SKEWED
        family = ever_refused(paths, 8).reshape(2000, 8).any(axis=1)
        assert abs(family.mean() - of_8) <= 0.005 + error(of_8, 2000)


ITEM_CASES = {"seed-heavy": (4e-4, 0.02, 0.1), "balanced": (2e-4, 0.0166, 0.1), "item-heavy": (2e-5, 0.05, 0.1)}


@pytest.mark.parametrize("case", ITEM_CASES)
def test_with_items_drawn_once_a_true_null_is_hardly_ever_decided(case: str) -> None:
    random, times, alone, both = np.random.default_rng(15), 1000 if FULL else 150, 0, 0
    for _ in range(times):
        block = normal(random, (20, 300), *ITEM_CASES[case])
        by_seed = block.mean(axis=1)
        if not (log_e(by_seed) >= math.log(20)).any():
            continue  # not even the seeds refuse 0
        alone += 1
        looks = ((n, items_of(crossed([block[:n]]))) for n in range(6, 21, 2))
        both += any(decide(of(by_seed[:n], 0.001, items)) for n, items in looks)
    assert both / times <= 0.05 + error(0.05, times)
    assert alone / times > 0.1 or case != "item-heavy"  # seeds alone speak of these items only


def test_the_items_part_is_that_of_the_components() -> None:
    parts = (Components(0.5, 0.1, 0.04, 1.0, 100), Components(-1.0, 0.1, 0.09, 1.0, 50))
    estimate = Estimate(mean=0, low=0, high=0, p=1, error=1, freedom=3, seeds=4, components=parts)
    assert items_of(estimate) == (pytest.approx(math.sqrt(0.25 * 0.04 / 100 + 0.09 / 50)), 49)
    assert items_of(dataclasses.replace(estimate, components=())) is None


def stopped(random: np.random.Generator, effect: float, family: int, times: int = 200) -> Array:
    """At which seed each of the experiments finds a difference of so many standard deviations; infinite if at none."""
    paths, ends = random.normal(effect, 1, (LOOKS, times)), np.full(times, math.inf)
    refused = log_e(paths) >= math.log(family / 0.05)
    for at in np.flatnonzero(refused.any(axis=0)):
        looks = range(int(refused[:, at].argmax()) + 1, LOOKS + 1)
        ends[at] = next((n for n in looks if decide(of(paths[:n, at]), family=family) == "higher"), math.inf)
    return ends


@pytest.mark.parametrize(
    ("family", "effect", "fixed", "mean"),
    [(1, 1, 10, 13.1), (1, 2, 5, 6.9), (1, 4, 3, 6.0), (8, 1, 17, 19.1), (8, 2, 7, 10.3), (8, 4, 5, 9.0)],
)
def test_the_seeds_it_takes_beside_a_number_fixed_for_80_percent_power(
    family: int, effect: float, fixed: int, mean: float
) -> None:
    """Who knows the effect needs fewer with a number fixed in advance; who does not saves by stopping early."""
    level = 1 - 0.05 / family
    power = [power_of(effect * math.sqrt(n), n - 1, level) for n in range(2, 40)]
    assert next(n for n, each in enumerate(power, 2) if each >= 0.8) == fixed
    ends = stopped(np.random.default_rng(16), effect, family)
    spent = np.minimum(ends, LOOKS)
    assert abs(spent.mean() - mean) <= 0.05 + 3 * spent.std() / math.sqrt(len(spent))
    assert np.isfinite(ends).mean() > 0.8
    assert ends.min() >= first_possible(0.05 / family)


def scattered(mean: float, spread: float, n: int = 10, seed: int = 0) -> tuple[float, ...]:
    """Values of exactly this mean and standard deviation."""
    drawn = np.random.default_rng(seed).normal(size=n)
    return tuple(mean + spread * (drawn - drawn.mean()) / drawn.std(ddof=1))


def test_the_next_seed_goes_to_the_undecided_one_that_is_nearest_per_cost() -> None:
    decided, near, far = (of(scattered(mean, 1.0)) for mean in (3.0, 0.7, 0.3))
    assert decide(decided, family=3) == "higher"
    assert next_seed([decided, far, near]) == 2
    assert next_seed([decided, far, dataclasses.replace(near, cost=50.0)]) == 1
    assert next_seed([decided, far, near, of((0.5,))]) == 3  # one seed says nothing yet
    assert next_seed([decided, decided]) is None
    assert next_seed([]) is None


def test_where_items_forbid_a_decision_no_seed_is_spent() -> None:
    data = of(scattered(0.3, 1.0), items=Items(0.5, 499))
    assert more_seeds(data) is None
    assert next_seed([data]) is None
    early = of(scattered(0.3, 1.0, n=3), items=Items(0.5, 499))  # too few to know
    assert more_seeds(early) is None
    assert next_seed([early]) == 0
    assert next_seed([early, of(scattered(0.3, 1.0))]) == 1
    assert more_seeds(dataclasses.replace(data, items=Items(0.001, 499))) is not None


def test_about_as_many_more_seeds_as_said_decide() -> None:
    random, ends = np.random.default_rng(17), stopped(np.random.default_rng(18), 1.0, 1)
    guessed = [more_seeds(of(scattered(1.0, 1.0, 4, int(each)))) for each in random.integers(0, 99, 5)]
    assert len(set(guessed)) == 1  # of mean and spread alone
    assert guessed[0] is not None
    assert abs(4 + guessed[0] - float(np.median(ends))) <= 3


@given(spread=st.floats(0.1, 5), mean=st.floats(0.1, 3))
def test_more_spread_never_needs_fewer_seeds(spread: float, mean: float) -> None:
    few, many = (more_seeds(of(scattered(mean, each)), most=100_000) for each in (spread, 1.5 * spread))
    assert few is not None
    assert many is not None
    assert few <= many


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="leave no failed seed in"):
        of((0.1, math.nan))
    with pytest.raises(ValueError, match="margin and cost must be positive"):
        of((0.1,), margin=0.0)
    with pytest.raises(ValueError, match="family has 0"):
        interval(of(DATA), family=0)
    with pytest.raises(ValueError, match="the level is 1"):
        decide(of(DATA), level=1.0)
