from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from reports.statistics.multiple_testing import holm


def test_the_worked_case() -> None:
    """Three times the least, twice the next, once the last, and never less than the one before."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@settings(max_examples=8, deadline=None)  # statsmodels takes 40 ms, at times more
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_it_is_what_statsmodels_gives(ps: list[float]) -> None:
    assert holm(ps) == pytest.approx(multipletests(ps, method="holm")[1])


def test_nothing_stays_nothing_and_one_p_stays_itself() -> None:
    assert holm([]) == []
    assert holm([0.2]) == [0.2]


@pytest.mark.parametrize("p", [math.nan, -0.1, 1.1])
def test_what_is_no_p_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="p-value"):
        holm([0.5, p])
