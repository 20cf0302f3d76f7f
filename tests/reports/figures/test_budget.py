"""The best by what was spent: arms on one scale, each said how it was found."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from reports.figures.best_by_budget import PAGE, REACH, StudyRun, budget
from tests.reports.figures.drawing import LONG, all_faults, words

nan = math.nan


def arm(name: str, costs: tuple[float, ...], values: tuple[float, ...], steps: bool = True) -> StudyRun:
    return StudyRun(name=name, says="one study", costs=costs, values=values, steps=steps)


def drawn(figure: Figure) -> list[list[float]]:
    return [np.asarray(line.get_ydata()).tolist() for line in figure.axes[0].get_lines() if line.get_marker() == "None"]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.data(), st.integers(0, 14), st.sampled_from([0.0, 0.03, 7.0, 1234.0, 3e7]))
def test_nothing_is_cut_off_nor_over_another(data: st.DataObject, count: int, cost: float) -> None:
    arms = []
    for at in range(count):
        values = tuple(sorted(data.draw(st.lists(st.floats(0, 1), max_size=200))))
        spread = data.draw(st.booleans()) and values
        arms.append(
            StudyRun(
                name=f"{LONG[at % 4]}-{at}",
                says="mean and range of 3 studies",
                costs=tuple(cost * (n + 1) for n in range(len(values))),
                values=tuple(nan if data.draw(st.integers(0, 9)) == 0 else value for value in values[:3]) + values[3:],
                low=tuple(value - 0.02 for value in values) if spread else None,
                high=tuple(value + 0.02 for value in values) if spread else None,
                steps=data.draw(st.booleans()),
            )
        )
    assert all_faults(budget("overall, dev", "CPU-seconds", arms)) == []


def test_arms_are_named_with_how_they_were_found() -> None:
    (figure,) = budget("m", "GPU-seconds", [arm("a", (1.0,), (0.5,)), arm("b", (), ())])
    assert {"a: one study", "b: no value yet", "spent, GPU-seconds", "best m"} <= set(words(figure))


def test_steps_stay_until_the_next_and_lines_do_not() -> None:
    (figure,) = budget("m", "s", [arm("a", (1.0, 2.0), (0.5, 0.6)), arm("b", (1.0, 2.0), (0.4, 0.7), steps=False)])
    styles = [line.get_drawstyle() for line in figure.axes[0].get_lines() if line.get_marker() == "None"]
    assert styles == ["steps-post", "default"]
    assert drawn(figure) == [[0.5, 0.6], [0.4, 0.7]]


def test_the_end_of_the_shortest_arm_is_marked() -> None:
    (figure,) = budget("m", "s", [arm("a", (1.0, 2.0), (0.5, 0.6)), arm("b", (1.0, 5.0), (0.4, 0.7))])
    (line,) = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == ":"]
    assert set(np.asarray(line.get_xdata()).tolist()) == {2.0}
    assert REACH.words in words(figure)
    (alone,) = budget("m", "s", [arm("a", (1.0, 2.0), (0.5, 0.6))])
    assert REACH.words not in words(alone)


def test_pages_share_their_scales_and_no_two_arms_of_one_look_alike() -> None:
    arms = [arm(str(at), (1.0, float(at + 2)), (0.5, 0.5 + at / 100)) for at in range(PAGE + 1)]
    figures = budget("m", "s", arms)
    assert len(figures) == 2
    assert len({(figure.axes[0].get_xlim(), figure.axes[0].get_ylim()) for figure in figures}) == 1
    for figure in figures:
        lines = [line for line in figure.axes[0].get_lines() if line.get_drawstyle() == "steps-post"]
        assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(lines)


def test_nothing_found_is_said_in_words() -> None:
    assert "no arm has a value" in words(budget("m", "s", [arm("a", (1.0,), (nan,))])[0])
    assert budget("m", "s", []) == []
