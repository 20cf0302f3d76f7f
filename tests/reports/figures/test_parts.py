"""Ticks, wrapped words, pages, label places and the Pareto front."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from reports.figures import label_placement, legend, style, ticks
from reports.figures.confusion import ink
from reports.figures.estimates import Estimate, word
from reports.figures.pareto import Point, front

spots = st.lists(st.tuples(st.floats(0.3, 1.9), st.floats(0.3, 1.9)), min_size=1, max_size=32)


@given(st.floats(-2, 2), st.floats(0.0, 2), st.floats(0.7, 4))
def test_ticks_lie_in_view_and_apart(low: float, size: float, inches: float) -> None:
    left, right = ticks.span([low, low + size])
    at = ticks.ticks(left, right, inches)
    assert at
    assert all(left <= value <= right for value in at)
    names = ticks.names(at)
    assert len(set(names)) == len(names)
    scale = inches / (right - left)
    for (a, first), (b, second) in itertools.pairwise(zip(at, names, strict=True)):
        assert (b - a) * scale > (style.width_of(first) + style.width_of(second)) / 2


def test_tick_names_are_as_the_papers_print_them() -> None:
    assert ticks.names([-0.05, 0.0, 0.05]) == ["-.05", "0", ".05"]
    assert ticks.names([0.5, 1.0]) == [".5", "1.0"]
    assert ticks.names([0.516]) == [".516"]


@given(st.text("abcdefgh-", min_size=1, max_size=60), st.floats(0.3, 3))
def test_shortened_words_fit_and_keep_their_ends(words: str, inches: float) -> None:
    short = style.shorten(words, inches)
    assert style.width_of(short) <= inches
    assert short == words or ("…" in short and words.startswith(short.split("…")[0]))


@given(st.integers(1, 200), st.integers(1, 40))
def test_pages_hold_everything_once_and_evenly(count: int, most: int) -> None:
    sheets = style.pages(count, most)
    assert [i for sheet in sheets for i in sheet] == list(range(count))
    assert max(map(len, sheets)) <= most
    assert max(map(len, sheets)) - min(map(len, sheets)) <= 1


@given(spots)
def test_labels_never_overlap_nor_leave_the_panel(points: list[tuple[float, float]]) -> None:
    places = label_placement.place(points, [0.13] * len(points), (0.0, 0.0, 2.2, 2.2))
    placed = [place for place in places if place is not None]
    assert len(placed) == len(points)
    for (ax, ay), (bx, by) in itertools.combinations(placed, 2):
        assert abs(ax - bx) >= 0.13 or abs(ay - by) >= label_placement.HIGH
    assert all(0.06 <= x <= 2.14 and label_placement.HIGH / 2 <= y <= 2.2 - label_placement.HIGH / 2 for x, y in placed)


def test_labels_of_equal_points_all_find_a_place() -> None:
    for corner in ((0.2, 0.2), (1.07, 1.07), (1.9, 0.2)):
        assert None not in label_placement.place([corner] * 40, [0.13] * 40, (0.0, 0.0, 2.15, 2.15))


def test_a_lone_label_stands_right_beside_its_point() -> None:
    (place,) = label_placement.place([(1.0, 1.0)], [0.1], (0.0, 0.0, 2.0, 2.0))
    assert place is not None
    assert math.dist(place, (1.0, 1.0)) < 0.2


def test_a_label_wider_than_its_panel_is_left_out() -> None:
    assert label_placement.place([(0.1, 0.1), (0.5, 0.5)], [3.0, 0.1], (0.0, 0.0, 1.0, 1.0))[0] is None


def test_ranges_join_runs() -> None:
    assert label_placement.ranges([1, 2, 3, 5, 7, 8]) == "1-3, 5, 7, 8"


def test_the_front_holds_what_no_row_matches_in_both() -> None:
    values = {"low": (0.1, 0.9), "best": (0.5, 0.5), "twin": (0.5, 0.5), "beaten": (0.4, 0.5), "right": (0.9, 0.1)}
    points = [Point(row=name, x=Estimate(x), y=Estimate(y)) for name, (x, y) in values.items()]
    assert [point.row for point in front(points)] == ["low", "best", "twin", "right"]


def test_seeds_are_counted_over_the_rows_that_have_any() -> None:
    assert [legend.seeds(counts)[0].words for counts in ([3, 5, 0], [1], [5, 5])] == [
        "3-5 seeds a row",
        "1 seed a row",
        "5 seeds a row",
    ]
    assert legend.seeds([0]) == []


def test_words_for_missing_values() -> None:
    assert (word(None), word(math.nan), word(0.0)) == ("not run", "const", "")


def test_ink_stands_out_from_its_ground() -> None:
    assert (ink(1.0, 1.0, 1.0), ink(0.0, 0.1, 0.3)) == (style.INK, style.WHITE)
