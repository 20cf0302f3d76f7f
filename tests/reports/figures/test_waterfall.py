"""Waterfall: each step starts where the one before ended, and a level that is missing breaks it."""

from __future__ import annotations

import itertools
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports.figures.estimates import Estimate
from reports.figures.save import save
from reports.figures.waterfall import DOWN, FINAL, INTERVAL, NONE, OFF, PRINTED, SINGLE, UP, Level, waterfall
from tests.reports.figures.drawing import METRICS, all_faults, estimates, row_names, words

FULL = os.environ.get("HARNESS_TEST_COUNTS") == "full"


def levels(*scores: float | None, half: float | None = 0.01, metric: str = "SST") -> list[Level]:
    names = ["base", *row_names(len(scores) - 1)]
    return [
        Level(
            metric=metric,
            name=name,
            score=Estimate(score) if score is None or half is None else Estimate(score, score - half, score + half),
            n=3,
        )
        for name, score in zip(names, scores, strict=True)
    ]


def steps(figure: Figure) -> list[tuple[float, float]]:
    """Each bar's start and end."""
    return [
        (patch.get_x(), patch.get_x() + patch.get_width())
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle)
    ]


def marks(figure: Figure) -> list[tuple[str, float]]:
    """Every single sign and where it stands, down the page."""
    lines = [line for line in figure.axes[0].get_lines() if line.get_marker() != "None"]
    lines.sort(key=lambda line: float(np.asarray(line.get_ydata())[0]))
    return [(str(line.get_marker()), float(np.asarray(line.get_xdata())[0])) for line in lines]


@settings(max_examples=20 if FULL else 3, deadline=None, derandomize=True)
@given(st.data(), st.integers(0, 40), st.integers(1, 5))
def test_nothing_is_cut_off_nor_over_another(data: st.DataObject, count: int, metrics: int) -> None:
    bars = []
    for metric in (*METRICS, "Quora F1")[:metrics]:
        for name in ("base", *row_names(count)):
            level = Level(
                metric=metric,
                name=name,
                score=data.draw(estimates(0.3, 0.9)),
                printed=data.draw(st.one_of(st.none(), st.floats(0.3, 0.9))),
                off=data.draw(st.booleans()),
                n=data.draw(st.integers(0, 5)),
            )
            bars += [level] if data.draw(st.integers(0, 9)) else []
    assert all_faults(waterfall(bars)) == []


def test_no_level_is_no_figure() -> None:
    assert waterfall([]) == []


def test_a_bar_starts_where_the_one_before_ended() -> None:
    (figure,) = waterfall(levels(0.5, 0.52, 0.51, 0.56))
    drawn = steps(figure)
    assert drawn[0][0] == pytest.approx(0.5)
    assert drawn[-1][1] == pytest.approx(0.56)
    assert all(before[1] == pytest.approx(after[0]) for before, after in itertools.pairwise(drawn))
    assert marks(figure) == [("o", 0.5), (">", 0.52), ("<", 0.51), (">", 0.56), ("o", 0.56)]


def test_steps_are_signed_and_the_first_and_final_scores_are_not() -> None:
    seen = words(waterfall(levels(0.5, 0.52, 0.51))[0])
    assert {".500", "+.020", "-.010", ".510", UP.words, DOWN.words, FINAL} <= set(seen)
    assert NONE.words not in seen


def test_a_step_of_nothing_points_nowhere() -> None:
    (figure,) = waterfall(levels(0.5, 0.5))
    assert marks(figure) == [("o", 0.5), ("|", 0.5), ("o", 0.5)]
    assert NONE.words in words(figure)
    assert not {UP.words, DOWN.words} & set(words(figure))


def test_the_scale_holds_intervals_and_printed_scores_and_need_not_hold_0() -> None:
    bars = [*levels(0.5, 0.52), Level(metric="SST", name="smart", score=Estimate(0.53), printed=0.7)]
    low, high = waterfall(bars)[0].axes[0].get_xlim()
    assert 0.4 < low < 0.49
    assert high > 0.7


def test_a_level_that_was_not_run_has_no_step_to_or_from_it() -> None:
    (figure,) = waterfall(levels(0.5, None, 0.51, 0.56))
    (step,) = steps(figure)
    assert step == pytest.approx((0.51, 0.56))
    assert marks(figure) == [("o", 0.5), ("o", 0.51), (">", 0.56), ("o", 0.56)]
    assert words(figure).count("not run") == 1


def test_where_the_last_was_not_run_there_is_no_final_score() -> None:
    seen = words(waterfall(levels(0.5, 0.52, None))[0])
    assert seen.count("not run") == 2


def test_constant_answers_and_levels_that_are_not_given_are_said() -> None:
    bars = [*levels(0.5, 0.52, 0.51), *levels(0.5, math.nan, metric="STS")]
    seen = words(waterfall(bars)[0])
    assert (seen.count("const"), seen.count("absent")) == (1, 2)  # the last level, and so the final score


def test_printed_scores_stand_beside_with_another_sign_where_the_row_is_off() -> None:
    bars = [
        Level(metric="m", name="base", score=Estimate(0.5, 0.4, 0.6), printed=0.55),
        Level(metric="m", name="smart", score=Estimate(0.6, 0.5, 0.7), printed=0.65, off=True),
    ]
    (figure,) = waterfall(bars)
    assert marks(figure) == [("o", 0.5), ("D", 0.55), (">", 0.6), ("x", 0.65), ("o", 0.6)]
    assert {PRINTED.words, OFF.words} <= set(words(figure))
    assert not {PRINTED.words, OFF.words} & set(words(waterfall(levels(0.5, 0.6))[0]))


def test_a_single_seed_has_no_interval() -> None:
    (figure,) = waterfall(levels(0.5, 0.6, half=None))
    seen = words(figure)
    assert SINGLE.words in seen
    assert INTERVAL.words not in seen
    across = [line for line in figure.axes[0].get_lines() if len(set(np.asarray(line.get_xdata()).tolist())) > 1]
    assert across == []


def test_a_base_alone_is_one_line() -> None:
    (figure,) = waterfall(levels(0.5))
    assert (steps(figure), marks(figure)) == ([], [("o", 0.5)])
    assert FINAL not in words(figure)


@pytest.mark.parametrize(("metrics", "panels"), [(1, [1]), (3, [3]), (4, [2, 2])])
def test_twelve_factors_keep_room_for_their_numbers(metrics: int, panels: list[int]) -> None:
    bars = [
        level
        for metric in METRICS[:metrics]
        for level in levels(*(0.5 + 0.01 * place for place in range(13)), metric=metric)
    ]
    figures = waterfall(bars)
    assert [len(figure.axes) for figure in figures] == panels
    assert all_faults(figures) == []
    assert all(words(figure).count("+.010") == 12 * len(figure.axes) for figure in figures)


def test_a_waterfall_goes_on_over_the_page() -> None:
    figures = waterfall(levels(*(0.5 + 0.001 * place for place in range(50))))
    drawn = [step for figure in figures for step in steps(figure)]
    assert len(figures) == 2
    assert len(drawn) == 49
    assert all(before[1] == pytest.approx(after[0]) for before, after in itertools.pairwise(drawn))


def test_drawn_twice_it_is_the_same_bytes(tmp_path: Path) -> None:
    once, again = (
        [path.read_bytes() for path in save(waterfall(levels(0.5, 0.52, None))[0], tmp_path / folder, "a")]
        for folder in ("once", "again")
    )
    assert once == again
