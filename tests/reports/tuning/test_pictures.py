"""Studies' figures: one of each kind, under names of their own, the same bytes each time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reports.tuning.figures import draw_figures, pictures
from reports.tuning.results import StudyResults
from reports.tuning.study_groups import arms, curve, groups
from tests.reports.tuning.study_data import example, trial, tuned


def several() -> list[StudyResults]:
    random = example(12, 1, name="1e1e1e", sampler="random", arm="random", study="Smart/Random search")
    return [example(), random, example(12, 2, name="2e2e2e", setup="another")]


def test_each_study_has_its_figures_and_each_row_its_budget() -> None:
    names = [each.name for each in draw_figures(several())]
    assert names == [
        *(f"smart-demo-0a1b2c-{kind}" for kind in ("history", "slices", "importances")),
        *(f"smart-random-search-demo-1e1e1e-{kind}" for kind in ("history", "slices", "importances")),
        *(f"smart-demo-2e2e2e-{kind}" for kind in ("history", "slices", "importances")),
        *("smart-demo-0a1b2c-budget", "smart-demo-2e2e2e-budget"),
    ]
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)


def test_figures_are_the_same_bytes_twice(tmp_path: Path) -> None:
    first, second = (pictures(several()[:2], tmp_path / name) for name in "ab")
    assert first == second
    for each in first:
        for kind in ("svg", "pdf"):
            one, two = ((tmp_path / name / f"{each.name}.{kind}").read_bytes() for name in "ab")
            assert one == two


def test_nothing_is_drawn_of_a_study_without_a_trial() -> None:
    assert list(draw_figures([tuned([])])) == []


def test_no_budget_is_drawn_where_nothing_was_found() -> None:
    names = [each.name for each in draw_figures([tuned([trial(0, None, state="failed")])])]
    assert [name.rpartition("-")[2] for name in names] == ["history", "slices"]


def test_random_search_is_told_by_its_draws_alone() -> None:
    trials = [trial(0, 0.9, start="paper", cost=99.0), trial(1, 0.2, cost=1.0), trial(2, 0.6, cost=3.0)]
    line = curve("r", [tuned(trials, sampler="random")])
    assert line.says == "expected best of n of 2 draws"
    assert line.costs == (2.0, 4.0)
    assert line.values == pytest.approx((0.4, 0.6))


def test_repeated_random_searches_are_one_sample() -> None:
    arm = [tuned([trial(0, value, cost=2.0)], sampler="random") for value in (0.1, 0.3, 0.8)]
    line = curve("r", arm)
    assert line.costs == (2.0, 4.0, 6.0)
    assert line.values == pytest.approx((0.4, (0.3 + 0.8 + 0.8) / 3, 0.8))


def test_a_pruned_trial_costs_and_is_never_best() -> None:
    trials = [trial(0, 0.5), trial(1, 0.9, state="pruned", cost=3.0), trial(2, 0.7)]
    line = curve("t", [tuned(trials)])
    assert (line.says, line.costs, line.values) == ("one study", (10.0, 13.0, 23.0), (0.5, 0.5, 0.7))
    assert curve("r", [tuned(trials, sampler="random")]).values[-1] == 0.7


def test_repetitions_of_another_sampler_are_a_mean_and_a_range() -> None:
    arm = [tuned([trial(0, value), trial(1, 0.6)]) for value in (0.2, 0.4)]
    line = curve("t", arm)
    assert line.says == "mean and range of 2 studies"
    assert line.costs == (10.0, 20.0)
    assert line.values == pytest.approx((0.3, 0.6))
    assert (line.low, line.high) == ((0.2, 0.6), (0.4, 0.6))


def test_arms_have_names_of_their_own() -> None:
    results = [tuned([], arm=arm, pruner=pruner) for arm, pruner in (("a", "median"), ("b", "none"), ("c", "none"))]
    assert list(arms([*results, tuned([], arm="a", seed=1)])) == [
        *("smart, tpe, median", "smart, tpe, none, b", "smart, tpe, none, c")
    ]
    assert [len(each) for each in groups([*results, tuned([], row="other")])] == [3, 1]
