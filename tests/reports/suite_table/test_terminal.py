import dataclasses
import io

import pytest
from rich.console import Console

from reports.suite_table.build import build
from reports.suite_table.export import terminal
from reports.suite_table.model import Table
from tests.reports import example


def lines(table: Table, width: int) -> list[str]:
    """What a console of this width shows, without colour."""
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(terminal(table, width))
    return stream.getvalue().splitlines()


def of_row(shown: list[str], name: str, count: int) -> list[str]:
    at = next(at for at, line in enumerate(shown) if line.startswith(name))
    return shown[at : at + count]


@pytest.mark.parametrize("width", [40, 50, 64, 72, 80, 90, 100, 110, 120, 140, 160, 220])
def test_no_line_is_longer_than_the_screen_and_none_is_lost(width: int) -> None:
    table = example.table()
    drawn = terminal(table, width).plain.splitlines()
    assert max(map(len, drawn)) <= width
    assert lines(table, width) == drawn


@pytest.mark.parametrize("width", [40, 72, 80, 100, 140])
def test_every_figure_is_shown_at_every_width(width: int) -> None:
    shown = "\n".join(lines(example.table(), width))
    for line in example.table().lines:
        assert line.name in shown
    for text in (".614 ±.041", ".526 ±.070≡", "-.120¹", ".587", "unavailable", "training", "random answer"):
        assert text in shown


def test_a_wide_screen_has_printed_and_ours_side_by_side() -> None:
    (row,) = of_row(lines(example.table(), 100), "04-all-three", 1)
    assert " ".join(row.split()) == "04-all-three .469 .614 ±.041 .526 .711 ±.026 .534 .540 ±.026 .587 .698 ±.013 3"


def test_eighty_characters_have_ours_below_printed() -> None:
    printed, ours = of_row(lines(example.table(), 80), "04-all-three", 2)
    assert printed.split() == ["04-all-three", ".469", ".526", ".534", ".587"]
    assert " ".join(ours.split()).endswith(" .614 ±.041 .711 ±.026 .540 ±.026 .698 ±.013 3")
    assert [printed.index(figure) for figure in (".469", ".526")] == [ours.index(figure) for figure in (".614", ".711")]


def test_a_screen_with_room_draws_ours_against_printed() -> None:
    (row,) = of_row(lines(example.table(), 140), "04-all-three", 1)
    assert row.index("○") < row.index("●")  # .587 < .698


def test_long_names_are_wrapped_and_keep_every_letter() -> None:
    name = "a-row-with-a-name-that-is-a-great-deal-longer-than-names-should-be"
    row = dataclasses.replace(example.SUITE.row("04-all-three"), name=name)
    suite = dataclasses.replace(example.SUITE, rows=(row,))
    table = build(suite, example.results(), {}, example.references(), example.HEADER)
    for width in (80, 100, 120):
        shown = lines(table, width)
        assert max(map(len, shown)) <= width
        start = next(at for at, line in enumerate(shown) if line.startswith("a-row"))
        stop = next(at for at in range(start, len(shown)) if shown[at].startswith("─"))
        letters = "".join(line[:60].strip().split(" ")[0] for line in shown[start:stop])
        assert letters.replace(" ", "").startswith(name)


def test_the_header_says_what_the_table_is_worth() -> None:
    head = "\n".join(lines(example.table(), 80)[:8])
    for fact in ("A Paper That Nobody Wrote", "made/up", "proves nothing", "0123456789abcdef", "tiny", "11 of 36 done"):
        assert fact in head
