"""Paths: the range over all orders above, the average below, the paper's own order among them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from reports.figures.estimates import Estimate
from reports.figures.order_ranges import IMPOSSIBLE, NO_ORDER, SHAPLEY, SINGLE, STATED, Apparent, paths
from reports.figures.save import save
from tests.reports.figures.drawing import METRICS, all_faults, estimates, row_names, words

APPARENT = Apparent(
    factor="smart",
    metric="SST",
    low=-0.01,
    median=0.005,
    high=0.03,
    shapley=Estimate(0.008, 0.002, 0.014),
    stated=0.025,
    printed=0.021,
    n=5,
)
NOWHERE = Apparent(factor="smart", metric="SST", low=None, shapley=Estimate(None))

FULL = os.environ.get("HARNESS_TEST_COUNTS") == "full"


def signs(figure: Figure, column: int = 0) -> dict[tuple[str, bool], tuple[float, float]]:
    """The place of every single sign of a panel, by its marker and whether it is filled."""
    return {
        (str(line.get_marker()), line.get_markerfacecolor() not in ("none", "#ffffff")): (x[0], y[0])
        for line in figure.axes[column].get_lines()
        if len(x := np.asarray(line.get_xdata()).tolist()) == 1 and (y := np.asarray(line.get_ydata()).tolist())
    }


def bars(figure: Figure) -> list[tuple[list[float], float]]:
    """The lines of two points along a row: their ends and their height."""
    return [
        (np.asarray(line.get_xdata()).tolist(), float(np.asarray(line.get_ydata())[0]))
        for line in figure.axes[0].get_lines()
        if len(set(np.asarray(line.get_ydata()).tolist())) == 1 and len(np.asarray(line.get_xdata())) == 2
    ]


@settings(max_examples=20 if FULL else 3, deadline=None, derandomize=True)
@given(st.data(), st.integers(1, 14), st.integers(1, 5))
def test_nothing_is_cut_off_nor_over_another(data: st.DataObject, count: int, metrics: int) -> None:
    maybe = st.one_of(st.none(), st.floats(-0.1, 0.1))
    lines = []
    for factor in row_names(count):
        for metric in (*METRICS, "Quora F1")[:metrics]:
            ends = data.draw(st.one_of(st.none(), st.tuples(st.floats(-0.1, 0), st.floats(0, 0.1))))
            line = Apparent(
                factor=factor,
                metric=metric,
                low=ends[0] if ends else None,
                median=sum(ends) / 2 if ends else None,
                high=ends[1] if ends else None,
                shapley=data.draw(estimates(-0.1, 0.1)),
                stated=data.draw(maybe),
                printed=data.draw(maybe),
                n=data.draw(st.integers(0, 5)),
            )
            lines += [line] if data.draw(st.integers(0, 9)) else []
    assert all_faults(paths(lines)) == []


def test_no_line_is_no_figure() -> None:
    assert paths([]) == []


def test_each_number_stands_at_its_place() -> None:
    (figure,) = paths([APPARENT])
    (above, _), (below, _) = sorted(bars(figure), key=lambda bar: bar[1])
    assert (above, below) == ([-0.01, 0.03], [0.002, 0.014])
    placed = signs(figure)
    assert {sign: place[0] for sign, place in placed.items()} == {
        ("D", True): 0.025,
        ("D", False): 0.021,
        ("|", True): 0.005,
        ("o", True): 0.008,
    }
    assert placed["o", True][1] > placed["D", True][1] == placed["D", False][1] == placed["|", True][1]
    assert {"+.008", SHAPLEY.words, STATED.words, "5 seeds a row"} <= set(words(figure))


def test_everything_is_in_view_and_so_is_0() -> None:
    far = Apparent(factor="a", metric="m", low=0.2, high=0.3, shapley=Estimate(0.25, 0.24, 0.26), printed=0.5)
    low, high = paths([far])[0].axes[0].get_xlim()
    assert low < 0
    assert high > 0.5


def test_without_an_order_it_says_so() -> None:
    (figure,) = paths([NOWHERE])
    assert {NO_ORDER, IMPOSSIBLE.words} <= set(words(figure))
    assert signs(figure) == {}


def test_what_is_printed_is_drawn_also_where_no_order_is_possible() -> None:
    (figure,) = paths([Apparent(factor="a", metric="m", low=None, shapley=Estimate(None), printed=0.02)])
    assert NO_ORDER in words(figure)
    assert {sign: place[0] for sign, place in signs(figure).items()} == {("D", False): 0.02}


def test_a_pair_that_is_not_given_is_absent_and_an_average_that_is_missing_is_said() -> None:
    bare = Apparent(factor="b", metric="y", low=0.0, high=0.1, shapley=Estimate(None))
    flat = Apparent(factor="c", metric="y", low=0.0, high=0.1, shapley=Estimate(math.nan))
    seen = words(paths([APPARENT, bare, flat])[0])
    assert [seen.count(word) for word in ("absent", "not run", "const")] == [3, 1, 1]


def test_a_single_seed_has_its_own_sign() -> None:
    (figure,) = paths([Apparent(factor="a", metric="m", low=0.0, high=0.1, shapley=Estimate(0.05))])
    assert {sign: place[0] for sign, place in signs(figure).items()} == {("s", False): 0.05}
    seen = words(figure)
    assert SINGLE.words in seen
    assert SHAPLEY.words not in seen


def test_signs_that_are_not_used_are_not_explained() -> None:
    (figure,) = paths([Apparent(factor="a", metric="m", low=0.0, high=0.1, shapley=Estimate(0.05, 0.0, 0.1))])
    assert not {STATED.words, IMPOSSIBLE.words, "their median", "printed in the paper"} & set(words(figure))


@pytest.mark.parametrize(("metrics", "panels"), [(1, [1]), (3, [3]), (4, [2, 2])])
def test_panels_keep_room_for_their_numbers(metrics: int, panels: list[int]) -> None:
    lines = [
        Apparent(factor=name, metric=metric, low=0.0, high=0.1, shapley=Estimate(0.012, 0.0, 0.1))
        for name in row_names(12)
        for metric in METRICS[:metrics]
    ]
    figures = paths(lines)
    assert [len(figure.axes) for figure in figures] == panels
    assert all_faults(figures) == []
    assert all(words(figure).count("+.012") == 12 * len(figure.axes) for figure in figures)


def test_drawn_twice_it_is_the_same_bytes(tmp_path: Path) -> None:
    once, again = (
        [path.read_bytes() for path in save(paths([APPARENT])[0], tmp_path / folder, "a")]
        for folder in ("once", "again")
    )
    assert once == again
