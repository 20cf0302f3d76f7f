"""Importances: the largest first, with intervals, and words for what is missing."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.figures.estimates import Estimate
from reports.figures.importances import Share, importances
from tests.reports.figures.drawing import all_faults, estimates, row_names, words


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.data(), st.integers(1, 60))
def test_nothing_is_cut_off_nor_over_another(data: st.DataObject, count: int) -> None:
    shares = [Share(parameter=name, share=data.draw(estimates(0, 1))) for name in row_names(count)]
    assert all_faults(importances(shares)) == []


def test_no_importance_is_no_figure() -> None:
    assert importances([]) == []


def test_the_largest_is_first_and_the_missing_are_last() -> None:
    shares = [("a", 0.1), ("b", None), ("c", 0.7), ("d", math.nan), ("e", 0.0)]
    (figure,) = importances([Share(parameter=name, share=Estimate(mean)) for name, mean in shares])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["c", "a", "e", "b", "d"]
    assert {".700", ".100", ".000", "not run", "const"} <= set(words(figure))


def test_an_interval_is_a_line() -> None:
    (figure,) = importances([Share(parameter="a", share=Estimate(0.4, 0.1, 0.8))])
    assert [0.1, 0.8] in [list(line.get_xdata()) for line in figure.axes[0].get_lines()]
