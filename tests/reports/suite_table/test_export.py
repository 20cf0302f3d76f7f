import io
import itertools
from pathlib import Path

import pandas
import pytest

from reports.suite_table.build import build
from reports.suite_table.export import CSV_COLUMNS, csv, markdown
from tests.reports import example

GOLDEN = Path(__file__).with_name("golden.md")


def parsed() -> pandas.DataFrame:
    return pandas.read_csv(io.StringIO(csv(example.table())))


def test_markdown_with_every_kind_of_cell_is_the_golden_one() -> None:
    assert markdown(example.table()) == GOLDEN.read_text(encoding="utf-8")


def test_markdown_columns_are_aligned_in_the_source() -> None:
    rows = [line for line in markdown(example.table()).splitlines() if line.startswith("|")]
    bars = [[at for at, sign in enumerate(row) if sign == "|"] for row in rows]
    assert len(rows) == 2 + len(example.SUITE.rows) + len(example.references())
    assert all(places == bars[0] for places in bars)


def test_only_signs_that_are_used_are_explained() -> None:
    rows = {"02-sst-only"}
    text = markdown(build(example.SUITE, example.results(), {}, [], example.HEADER, rows=rows))
    assert "constant predictions" in text
    assert "not built" not in text
    assert "control row" not in text


def test_a_bar_in_a_text_does_not_break_a_row() -> None:
    states = {("made/up", "11-idle"): "failed: a|b"}
    text = markdown(build(example.SUITE, pandas.DataFrame(), states, [], example.HEADER))
    assert "11-idle failed: a\\|b" in text


def test_csv_gives_back_every_figure_unrounded() -> None:
    table, frame = example.table(), parsed()
    assert tuple(frame.columns) == CSV_COLUMNS
    rows = frame[frame["origin"] != "reference"].reset_index(drop=True)
    pairs = itertools.product(table.lines, range(len(table.columns)))
    for (_, record), (line, at) in zip(rows.iterrows(), pairs, strict=True):
        column, entry = table.columns[at], line.entries[at]
        assert (record["row"], record["metric"], record["state"]) == (line.name, column.key, entry.state)
        assert record["n"] == entry.n
        low, high = entry.ends or (None, None)
        for name, value in {"printed": entry.printed, "mean": entry.mean, "low": low, "high": high}.items():
            assert record[name] == value if value is not None else pandas.isna(record[name])


def test_csv_says_what_the_figures_were_made_with() -> None:
    frame = parsed()
    assert set(frame["profile"]) == {"demo"}
    assert set(frame["fingerprint"]) == {example.HEADER.fingerprint}


def test_csv_carries_the_reference_lines() -> None:
    frame = parsed()
    majority = frame[(frame["row"] == "majority class") & (frame["metric"] == "quora_accuracy")]
    assert majority["mean"].tolist() == [pytest.approx(0.6)]
