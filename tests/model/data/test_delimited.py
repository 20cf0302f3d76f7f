"""What ``csv.writer`` wrote is read back as it was, or refused by its line; rows are never swallowed in silence."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.data.course import course
from model.data.csv_task import own, unlabelled
from model.data.delimited import DELIMITERS, Line, delimiter_of, header_of, lines
from model.data.examples import DataError
from model.task import Task

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n,;\t\0'), min_size=1, max_size=8)
ODD = st.text(st.sampled_from('ab"\n\r,;\t 1é\u2028'), max_size=12)


def read(text: str, delimiter: str, strict: bool) -> list[Line]:
    return list(lines("file.csv", text, delimiter, strict=strict))


def questions(path: Path, **fields: Any) -> Task:
    defaults = {"name": "questions", "title": "Questions", "sentences": 1, "classes": 2, "metric": "accuracy"}
    return Task(**(defaults | fields), file=path)


@settings(max_examples=300, deadline=None, database=None)
@given(data=st.data(), delimiter=st.sampled_from(DELIMITERS), strict=st.booleans(), quoting=st.sampled_from([0, 1]))
def test_what_was_written_is_read_back_as_it_was_or_named(
    data: st.DataObject, delimiter: str, strict: bool, quoting: int
) -> None:
    columns = data.draw(st.integers(1, 4))
    rows = data.draw(st.lists(st.lists(ODD, min_size=columns, max_size=columns), min_size=1, max_size=6))
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, quoting=quoting).writerows([[f"c{at}" for at in range(columns)], *rows])
    _, *parsed = read(stream.getvalue(), delimiter, strict)
    assert [line.cells for line in parsed] == [[re.sub("\r\n?", "\n", cell) for cell in row] for row in rows]
    for line in parsed:
        assert (line.opens is None) or any("\n" in cell for cell in line.cells)
        assert line.opens is None or line.first <= line.opens <= line.last


@settings(max_examples=300, deadline=None, database=None)
@given(data=st.data(), delimiter=st.sampled_from(DELIMITERS), strict=st.booleans())
def test_a_quotation_that_closes_by_luck_is_named_by_the_line_that_it_opens_in(
    data: st.DataObject, delimiter: str, strict: bool
) -> None:
    columns, count = data.draw(st.integers(1, 4)), data.draw(st.integers(2, 6))
    rows = data.draw(st.lists(st.lists(PLAIN, min_size=columns, max_size=columns), min_size=count, max_size=count))
    at = data.draw(st.integers(0, columns - 1))
    first = data.draw(st.integers(0, count - 2))
    last = data.draw(st.integers(first + 1, count - 1))
    rows[first][at] = '"' + rows[first][at]
    rows[last][at] += '"'
    text = "\n".join(delimiter.join(row) for row in [["c"] * columns, *rows])
    assert [line.opens for line in read(text, delimiter, strict) if line.opens] == [first + 2]


SPEECH = '"I liked it.|1|train\nWe stayed to the end.|0|train\nIt was great, he said."|0|train\n'
REST = "come again|1|train\nno thanks|0|dev\n"


@pytest.mark.parametrize("mark", ["\t", ";"])
@pytest.mark.parametrize("rows", [SPEECH, SPEECH.replace("We stayed to the end.|0|train\n", "")])
def test_speech_that_was_cut_into_sentences_is_refused(tmp_path: Path, rows: str, mark: str) -> None:
    path = tmp_path / "questions.csv"
    path.write_text(f"sentence|label|split\nfirst|1|train\n{rows}{REST}".replace("|", mark))
    message = rf"questions\.csv:3: a quotation opens .* down to line {2 + rows.count(chr(10))};"
    with pytest.raises(DataError, match=message):
        own(questions(path))
    with pytest.raises(DataError, match=message):
        unlabelled(path, questions(path))


def test_a_row_that_follows_a_long_one_is_named_by_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text('sentence1,sentence2,label,split\n"a\nb","c,1,train\nd,e",0,train\nf,g,1,dev\n')
    with pytest.raises(DataError, match=r"pairs\.csv:3: a quotation opens in this line .* to line 4"):
        own(questions(path, sentences=2))


@pytest.mark.parametrize(
    "text",
    ["Hello, world\nand good bye", "Well, yes\n\nNo, never", "One\ntwo, three", "I give it 4, not 5\nor 6, well, 7"],
)
def test_texts_of_several_lines_are_read_as_they_are(tmp_path: Path, text: str) -> None:
    path = tmp_path / "questions.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["sentence", "label", "split"], [text, 1, "train"], ["no", 0, "dev"]])
    assert own(questions(path)).splits["train"].texts == ((text,),)


@pytest.mark.parametrize(
    "columns", ["sentence,label,sentence,split", "label,sentence,label,split", "sentence,split,label,split"]
)
def test_a_column_that_is_there_twice_is_refused_by_name(tmp_path: Path, columns: str) -> None:
    path = tmp_path / "questions.csv"
    path.write_text(f"{columns}\na,1,0,train\nb,0,1,dev\n")
    twice = next(name for name in columns.split(",") if columns.split(",").count(name) > 1)
    with pytest.raises(DataError, match=rf"questions\.csv:1: 2 columns are called {twice}; rename all but one"):
        own(questions(path))
    (tmp_path / "ids-sst-dev.csv").write_text("\tid\tsentence\tsentence\tsentiment\n0\ta\tx\ty\t1\n")
    with pytest.raises(DataError, match=r"ids-sst-dev\.csv:1: 2 columns are called sentence"):
        course(tmp_path)


def test_columns_that_nobody_reads_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "questions.csv"
    path.write_text("x,sentence,x,label,,split,\n1,a,2,1,3,train,4\n1,b,2,0,3,dev,4\n")
    assert own(questions(path)).splits["dev"].texts == (("b",),)


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_cells_may_be_as_long_as_they_are(tmp_path: Path, delimiter: str) -> None:
    path, long = tmp_path / "questions.csv", "word " * 40_000 + "end"
    path.write_text(
        "\n".join(
            delimiter.join(row) for row in [["sentence", "label", "split"], [long, "1", "train"], ["b", "0", "dev"]]
        )
    )
    assert own(questions(path)).splits["train"].texts == ((long,),)


def test_the_limit_of_others_is_not_lowered() -> None:
    before = csv.field_size_limit(2**31 + 5)
    try:
        read("a\nb\n", ",", True)
        assert csv.field_size_limit() == 2**31 + 5
    finally:
        csv.field_size_limit(before)


def test_a_header_of_several_lines_is_refused() -> None:
    with pytest.raises(DataError, match=r"file\.csv:1: a quotation in the header runs over several lines"):
        read('a,"b\nc",d\n1,2,3\n', ",", True)
    assert header_of('a,"b, c"\n1,2') == ["a", "b, c"] and delimiter_of("a;b\tc\td") == "\t"
