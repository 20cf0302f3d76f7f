"""Values by parameter: each panel has its scale, papers' settings their lines, an inert regularizer is seen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.param_slices import PAGE, Slice, decades, short, slices
from reports.figures.trial_history import Shown
from tests.reports.figures.drawing import LONG, all_faults, words

few = settings(max_examples=10, deadline=None, derandomize=True)
STATES = st.sampled_from(["complete", "pruned", "failed"])


def shown(count: int, papers: int = 0) -> list[Shown]:
    return [
        Shown(number=at, state="complete", value=0.5 + at / 100, paper=f"paper-{at}" if at < papers else "")
        for at in range(count)
    ]


def epsilon(at: tuple[float | None, ...], shares: tuple[float | None, ...] = ()) -> Slice:
    pull = "smart" if shares else ""
    return Slice(parameter="epsilon", low=1e-7, high=0.1, log=True, whole=False, at=at, pull=pull, shares=shares)


def panel(figure: Figure, title: str) -> Axes:
    (match,) = [axes for axes in figure.axes if axes.get_title() == title]
    return match


@few
@given(st.data(), st.integers(0, 60), st.integers(1, 14), st.integers(0, 12))
def test_nothing_is_cut_off_nor_over_another(data: st.DataObject, count: int, parameters: int, papers: int) -> None:
    values = st.one_of(st.none(), st.just(math.nan), st.just(0.5), st.floats(0, 1))
    trials = [
        Shown(number=at, state=data.draw(STATES), value=data.draw(values), paper=f"paper-{at}" if at < papers else "")
        for at in range(count)
    ]
    panels = []
    for at in range(parameters):
        low, high = data.draw(st.sampled_from([(1e-7, 0.1), (1e-5, 3e-5), (0.9, 0.999), (1.0, 1.0), (2e-5, 8e-5)]))
        places = st.one_of(st.none(), st.floats(low, high))
        pulls = at < 2
        shares = st.one_of(st.none(), st.just(0.0), st.floats(1e-12, 10))
        panels.append(
            Slice(
                parameter=f"{LONG[at % 4]}-{at}" if at % 3 else "mu",
                low=low,
                high=high,
                log=data.draw(st.booleans()),
                whole=low == 1.0,
                at=tuple(data.draw(places) for _ in trials),
                pull=LONG[at] if pulls else "",
                shares=tuple(data.draw(shares) for _ in trials) if pulls else (),
            )
        )
    assert all_faults(slices("overall, dev", trials, panels, 1e-3)) == []


def test_every_parameter_has_a_panel_and_pages_hold_twelve() -> None:
    names = [f"p{at}" for at in range(PAGE + 1)]
    panels = [Slice(parameter=name, low=0, high=1, log=False, whole=False, at=(0.5, 0.6)) for name in names]
    figures = slices("m", shown(2), panels, 1e-3)
    assert [len(figure.axes) for figure in figures] == [PAGE, 1]
    assert [axes.get_title() for figure in figures for axes in figure.axes] == names


def test_shares_stand_under_their_parameter() -> None:
    other = Slice(parameter="beta", low=0, high=1, log=False, whole=False, at=(0.5, 0.6))
    (figure,) = slices("m", shown(2), [other, epsilon((1e-5, 1e-2), (1e-7, 0.1))], 1e-3)
    value, share = panel(figure, "epsilon").get_position(), panel(figure, "smart by epsilon").get_position()
    assert value.x0 == share.x0
    assert value.y0 > share.y1
    assert panel(figure, "smart by epsilon").get_yscale() == "log"


def test_the_line_of_inert_shares_is_drawn_and_explained() -> None:
    (figure,) = slices("m", shown(2), [epsilon((1e-5, 1e-2), (1e-7, 0.1))], 1e-3)
    axes = panel(figure, "smart by epsilon")
    (line,) = [line for line in axes.get_lines() if line.get_linestyle() == ":"]
    assert set(np.asarray(line.get_ydata()).tolist()) == {1e-3}
    assert "a penalty below 0.001 of the loss's gradient is inert" in words(figure)


def test_a_share_of_nothing_stands_on_the_lowest_line() -> None:
    (figure,) = slices("m", shown(2), [epsilon((1e-5, 1e-2), (0.0, 0.1))], 1e-3)
    axes = panel(figure, "smart by epsilon")
    assert "0" in [label.get_text() for label in axes.get_yticklabels()]
    (dots,) = [line for line in axes.get_lines() if line.get_marker() == "o"]
    zero, tenth = np.asarray(dots.get_ydata()).tolist()
    assert axes.get_ylim()[0] < zero < 1e-3
    assert tenth == 0.1


def test_shares_that_nobody_measured_are_said_to_be_absent() -> None:
    (figure,) = slices("m", shown(2), [epsilon((1e-5, 1e-2), (None, None))], 1e-3)
    assert words(figure).count("absent") == 1


def test_papers_have_a_dashed_line_and_a_number_each() -> None:
    (figure,) = slices("m", shown(4, papers=3), [epsilon((1e-5, 1e-5, 1e-2, 1e-3))], 1e-3)
    axes = panel(figure, "epsilon")
    dashed = [float(np.asarray(line.get_xdata())[0]) for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert dashed == [1e-5, 1e-2]
    seen = words(figure)
    assert (seen.count("1, 2"), seen.count("3"), seen.count("2 paper-1, the paper's setting")) == (1, 1, 1)


def test_log_ranges_have_log_axes() -> None:
    panels = [epsilon((1e-5,)), Slice(parameter="K", low=1, high=3, log=False, whole=True, at=(2.0,))]
    (figure,) = slices("m", shown(1), panels, 1e-3)
    assert panel(figure, "epsilon").get_xscale() == "log"
    assert [label.get_text() for label in panel(figure, "K").get_xticklabels()] == ["1", "2", "3"]


@given(st.floats(1e-9, 1), st.floats(1.001, 1e9), st.floats(0.5, 4))
def test_ticks_of_log_axes_lie_in_view_and_differ(low: float, times: float, inches: float) -> None:
    at, names = decades(low, low * times, inches)
    assert at
    assert all(low <= value <= low * times * (1 + 1e-9) for value in at)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-5, "1e-5"), (2e-5, "2e-5"), (0.01, ".01"), (0.1, ".1"), (1.0, "1"), (100.0, "100"), (1e6, "1e6")],
)
def test_ticks_are_short(value: float, text: str) -> None:
    assert short(value) == text
