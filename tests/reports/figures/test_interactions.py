"""Interactions: a triangle a metric, one scale of colours about 0, nothing told by colour alone."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from reports.figures import style
from reports.figures.interactions import SHADES, SINGLE, SUPPORTED, TANGLED, Cell, interactions
from reports.figures.save import save
from tests.reports.figures.drawing import METRICS, all_faults, estimates, row_names, texts, words

FULL = os.environ.get("HARNESS_TEST_COUNTS") == "full"


def cell(one: str, other: str, mean: float | None, half: float | None = 0.01, supported: bool = False) -> Cell:
    low, high = (None, None) if mean is None or half is None else (mean - half, mean + half)
    return Cell(metric="SST", one=one, other=other, mean=mean, low=low, high=high, supported=supported)


def full(count: int, metrics: tuple[str, ...] = METRICS) -> list[Cell]:
    names = row_names(count)
    return [
        Cell(metric=metric, one=one, other=other, mean=-0.012, low=-0.022, high=-0.002, supported=True)
        for metric in metrics
        for place, one in enumerate(names)
        for other in names[: place + 1]
    ]


def grounds(axes: Axes) -> dict[tuple[int, int], Rectangle]:
    """The filled rectangle of each cell by column and row."""
    return {
        (round(patch.get_x() + patch.get_width() / 2), round(patch.get_y() + patch.get_height() / 2)): patch
        for patch in axes.patches
        if isinstance(patch, Rectangle) and patch.get_fill()
    }


def written(figure: Figure, words: str) -> Text:
    (match,) = [text for axes in figure.axes for text in axes.texts if text.get_text() == words]
    return match


@settings(max_examples=20 if FULL else 3, deadline=None, derandomize=True)
@given(st.data(), st.integers(1, 13), st.integers(1, 5))
def test_nothing_is_cut_off_nor_over_another(data: st.DataObject, count: int, metrics: int) -> None:
    names, cells = row_names(count), []
    for metric in (*METRICS, "a metric with a name that has no end")[:metrics]:
        for place, one in enumerate(names):
            for other in names[: place + 1]:
                value = data.draw(estimates(-0.2, 0.2))
                effect = Cell(
                    metric=metric,
                    one=one,
                    other=other,
                    mean=value.mean,
                    low=value.low,
                    high=value.high,
                    supported=data.draw(st.booleans()),
                )
                cells += [effect] if data.draw(st.integers(0, 9)) else []
    assert all_faults(interactions(cells)) == []


@pytest.mark.parametrize("count", [1, 2, 4, 6, 9, 10, 12, 16])
def test_all_metrics_of_any_number_of_factors_fit(count: int) -> None:
    figures = interactions(full(count))
    assert all_faults(figures) == []
    assert sum(len(figure.axes) - 1 for figure in figures) == len(METRICS)


@pytest.mark.parametrize("count", [1, 4, 10, 12])
def test_numbers_stand_inside_their_cells(count: int) -> None:
    for figure in interactions(full(count)):
        texts(figure)
        for axes in figure.axes[:-1]:
            assert sum(text.get_text() == "-.012" for text in axes.texts) == count * (count + 1) // 2
            for text in axes.texts:
                (x0, y0), (x1, y1) = axes.transData.inverted().transform(text.get_window_extent().get_points())
                column, row = text.get_position()[0], round(text.get_position()[1])
                assert column - 0.5 < x0 < x1 < column + 0.5
                assert row - 0.5 < y1 < y0 < row + 0.5


def test_no_cell_is_no_figure() -> None:
    assert interactions([]) == []


def test_the_colours_are_symmetric_about_0_and_one_scale_for_all_metrics() -> None:
    cells = [
        Cell(metric="x", one="a", other="a", mean=0.02),
        Cell(metric="x", one="b", other="b", mean=-0.02),
        Cell(metric="x", one="b", other="a", mean=0.0),
        Cell(metric="y", one="a", other="a", mean=0.02),
        Cell(metric="y", one="b", other="b", mean=-0.04),
    ]
    (figure,) = interactions(cells)
    first, second, colours = figure.axes
    low, high = colours.get_xlim()
    assert (low, high) == (-0.04, 0.04)
    x, y = grounds(first), grounds(second)
    assert to_rgb(x[0, 1].get_facecolor()) == to_rgb(style.WHITE)
    assert x[0, 0].get_facecolor() == y[0, 0].get_facecolor() == pytest.approx(SHADES(0.75), abs=0.01)
    assert x[1, 1].get_facecolor() == pytest.approx(SHADES(0.25), abs=0.01)
    assert to_rgb(y[1, 1].get_facecolor()) == to_rgb(style.VERMILLION)


def test_pages_share_their_colours() -> None:
    (first, *_) = row_names(12)
    cells = [*full(12), Cell(metric="last", one=first, other=first, mean=0.5)]
    assert {figure.axes[-1].get_xlim() for figure in interactions(cells)} == {(-0.5, 0.5)}
    assert len(interactions(cells)) > 1


def test_an_interaction_stands_in_the_lower_triangle_whichever_factor_comes_first() -> None:
    mains = [cell("a", "a", 0.01), cell("b", "b", 0.02)]
    for pair in (("a", "b"), ("b", "a")):
        axes = interactions([*mains, cell(*pair, 0.03)])[0].axes[0]
        assert set(grounds(axes)) == {(0, 0), (0, 1), (1, 1)}
        assert {text.get_text(): text.get_position()[0] for text in axes.texts}["+.030"] == 0


def test_main_effects_alone_are_framed() -> None:
    axes = interactions([cell("a", "a", 0.01), cell("b", "b", 0.02), cell("b", "a", 0.03)])[0].axes[0]
    frames = [patch for patch in axes.patches if isinstance(patch, Rectangle) and not patch.get_fill()]
    assert (
        [round(patch.get_x() + 0.5) for patch in frames] == [round(patch.get_y() + 0.5) for patch in frames] == [0, 1]
    )


def test_columns_are_lettered_and_rows_named_with_their_letter() -> None:
    (figure,) = interactions(full(3))
    first, second = figure.axes[:2]
    assert [label.get_text() for label in first.get_xticklabels()] == ["A", "B", "C"]
    assert [label.get_text() for label in first.get_yticklabels()] == [
        f"{letter} {name}" for letter, name in zip("ABC", row_names(3), strict=True)
    ]
    assert [label.get_text() for label in second.get_yticklabels()] == ["A", "B", "C"]


def test_supported_ones_are_bold_and_dotted() -> None:
    (figure,) = interactions([cell("a", "a", 0.05, supported=True), cell("b", "b", 0.02)])
    assert written(figure, "+.050").get_fontweight() == "bold"
    assert written(figure, "+.020").get_fontweight() == "normal"
    assert sum(line.get_marker() == "o" for line in figure.axes[0].get_lines()) == 1
    assert SUPPORTED.words in words(figure)
    assert SUPPORTED.words not in words(interactions([cell("a", "a", 0.05)])[0])


def test_what_cannot_be_told_apart_is_hatched_and_what_is_not_given_is_absent() -> None:
    (figure,) = interactions([cell("a", "a", 0.05), cell("b", "b", 0.02), cell("c", "a", None), cell("c", "b", 0.01)])
    hatched = [place for place, patch in grounds(figure.axes[0]).items() if patch.get_hatch()]
    seen = words(figure)
    assert hatched == [(0, 2)]
    assert TANGLED.words in seen
    assert seen.count("absent") == 2  # b with a, and c alone


def test_the_margin_reaches_the_further_end() -> None:
    effect = Cell(metric="m", one="a", other="a", mean=0.02, low=0.012, high=0.025)
    assert {"+.020", "±.008"} <= set(words(interactions([effect])[0]))


def test_a_single_seed_is_italic_and_constant_answers_are_said() -> None:
    (figure,) = interactions([cell("a", "a", 0.05, half=None), cell("b", "b", math.nan), cell("b", "a", 0.01)])
    assert written(figure, "+.050").get_fontstyle() == "italic"
    assert written(figure, "+.010").get_fontstyle() == "normal"
    assert {"const", SINGLE.words} <= set(words(figure))


def test_nothing_but_zeros_and_nothing_at_all_are_drawn() -> None:
    for mean in (0.0, None):
        (figure,) = interactions([cell("a", "a", mean)])
        low, high = figure.axes[-1].get_xlim()
        assert -low == high > 0


def test_drawn_twice_it_is_the_same_bytes(tmp_path: Path) -> None:
    once, again = (
        [path.read_bytes() for path in save(interactions([*full(4), cell("x", "y", None)])[0], tmp_path / folder, "a")]
        for folder in ("once", "again")
    )
    assert once == again
