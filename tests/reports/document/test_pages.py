"""Figures on pages: all of them, in order but for one change of places, never over a page's end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reports.document.blocks import Block, Picture, Words
from reports.document.figure_layout import GAP, HEIGHT, LEAST, MOST, Columns, Item, Sheet, plan_run, room, runs
from tests.reports.document.parts import picture

HEIGHTS = st.lists(st.floats(0.5, 8.8), min_size=1, max_size=9)


def make_pictures(heights: list[float], width: float = 6.3) -> list[Picture]:
    return [picture(f"f{at}", height, width) for at, height in enumerate(heights)]


def used(sheet: Sheet) -> float:
    sizes = [room(item) for item in sheet.items]
    return sum(scaled * sheet.scale + fixed for scaled, fixed in sizes) + GAP * max(0, len(sizes) - 1)


@given(HEIGHTS, st.floats(-0.5, 10.3))
def test_every_figure_is_on_a_page_that_holds_it(heights: list[float], first: float) -> None:
    pictures = make_pictures(heights)
    run = plan_run(pictures, first)
    placed = [item for sheet in run.sheets for item in sheet.items]
    moved = [at for at, item in enumerate(placed) if item is not pictures[at]]
    assert len(placed) == len(pictures)
    assert not moved or moved == [moved[0], moved[0] + 1]
    for at, sheet in enumerate(run.sheets):
        assert used(sheet) <= (min(first, HEIGHT) if at == 0 and sheet.items else HEIGHT) + 1e-6
        assert LEAST - 1e-9 <= sheet.scale <= MOST
        assert sheet.items or at == 0


def test_figures_shrink_a_little_rather_than_leave_half_a_page() -> None:
    run = plan_run(make_pictures([5.4, 5.2]), HEIGHT)
    assert [len(sheet.items) for sheet in run.sheets if sheet.items] == [2]
    assert LEAST <= run.sheets[-1].scale < 1


def test_neighbours_change_places_where_that_saves_much() -> None:
    run = plan_run(make_pictures([4.8, 7.1, 4.2]), HEIGHT)
    names = [[item.name for item in sheet.items if isinstance(item, Picture)] for sheet in run.sheets]
    assert ["f1"] in names
    assert any(len(each) == 2 for each in names)


def test_text_goes_on_below_a_short_end() -> None:
    assert plan_run(make_pictures([2.0]), 9.0).open
    assert not plan_run(make_pictures([8.0]), 9.5).open


def test_halves_stand_in_two_columns_of_like_height() -> None:
    halves = make_pictures([3.0, 1.6, 3.4], width=3.1)
    blocks: list[Block] = [Words("a"), *halves, Words("b"), *make_pictures([2.0])]
    first, second = (each for each in runs(blocks) if isinstance(each, tuple))
    assert first == (Columns((halves[0], halves[1]), (halves[2],)),)
    assert [isinstance(item, Picture) for item in second] == [True]


@given(st.lists(st.tuples(st.booleans(), st.floats(0.5, 4.0)), max_size=9))
def test_runs_hold_each_block_once(sizes: list[tuple[bool, float]]) -> None:
    blocks: list[Block] = [
        picture(f"f{at}", height, 3.1 if at % 3 else 6.3) if drawn else Words(str(at))
        for at, (drawn, height) in enumerate(sizes)
    ]
    flat: list[Block] = []
    for each in runs(blocks):
        for item in each if isinstance(each, tuple) else (each,):
            flat += contained(item)
    assert flat == blocks


def contained(item: Block | Item) -> list[Block]:
    return [*item.left, *item.right] if isinstance(item, Columns) else [item]
