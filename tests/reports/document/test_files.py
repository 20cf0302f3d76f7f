"""Table files: CSV keeps values and starts no formula, Markdown and LaTeX show text as it is."""

from __future__ import annotations

import csv
import dataclasses
import io
import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reports.document.blocks import Cell, Grid
from reports.document.latex import SPECIAL, latex, tex
from reports.document.table_files import FORMULA, comma_separated, markdown, tables
from reports.document.text import plain
from tests.reports.document.parts import SIGNS, TEXT, grid, numbered

BACK = {command: sign for sign, command in SPECIAL.items()} | {"$-$": "-", "{}": ""}
COMMANDS = re.compile("|".join(sorted(map(re.escape, BACK), key=len, reverse=True)))
ALL = "".join(SIGNS)


@given(st.lists(st.one_of(TEXT, st.floats(allow_nan=False), st.integers(), st.none()), min_size=1, max_size=6))
@example(["=1+1", "+1", "-.5", "-x", "@a", "\t=1", -0.5, "-1_0"])
def test_csv_keeps_values_and_starts_no_formula(values: list[object]) -> None:
    table = dataclasses.replace(numbered(1), records=({f"c{at}": value for at, value in enumerate(values)},))
    _, read = csv.reader(io.StringIO(comma_separated(table), newline=""))
    for value, text in zip(values, read, strict=True):
        expected = "" if value is None else plain(str(value))
        assert text in (expected, f"'{expected}")
        if text.startswith(FORMULA):
            float(text)
        if not isinstance(value, str):
            assert text == expected


def test_csv_without_records_has_a_name_for_each_column() -> None:
    head = ((Cell(""), Cell("SST", span=2), Cell("")), (Cell("row"), Cell("printed"), Cell("ours"), Cell("n")))
    table = Grid(name="t", caption="c", head=head, body=((Cell("a"),) * 4,), widths=(1,) * 4)
    assert comma_separated(table).splitlines() == ["row,SST printed,SST ours,n", "a,a,a,a"]


@given(TEXT)
@example(ALL)
@example("1. a")
@example("[a](b)")
@example("<https://a.example>")
def test_markdown_shows_text_as_it_is(text: str) -> None:
    output = markdown(grid([text, "x"]))
    parsed = MarkdownIt("commonmark").enable("table").parse(output)
    kinds = {token.type for token in parsed}
    inline = [child for token in parsed for child in token.children or ()]
    assert {child.type for child in inline} <= {"text", "text_special"}
    assert kinds <= {
        *(
            f"{name}_{side}"
            for name in ("heading", "table", "thead", "tbody", "tr", "th", "td")
            for side in ("open", "close")
        ),
        *(f"{name}_{side}" for name in ("bullet_list", "list_item", "paragraph") for side in ("open", "close")),
        "inline",
    }
    shown = ["".join(child.content for child in token.children or ()) for token in parsed if token.type == "inline"]
    assert " ".join(shown[0].split()) == " ".join(plain(text).split())


def test_markdown_columns_are_aligned() -> None:
    lines = [line for line in markdown(numbered(12)).splitlines() if line.startswith("|")]
    assert len(lines) == 14
    assert len({tuple(at for at, sign in enumerate(line) if sign == "|") for line in lines}) == 1


@given(TEXT)
@example(ALL)
@example("---")
@example("-.5 --1")
def test_latex_shows_text_as_it_is(text: str) -> None:
    output = tex(text)
    assert COMMANDS.sub(lambda match: BACK[match[0]], output) == plain(text).strip(" ").replace("\N{MINUS SIGN}", "-")
    assert "--" not in output
    bare = re.sub(r"\\[&%$#_{}]", "", output)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not re.search(r"[%&#~^]", re.sub(r"\$[^$]*\$|~", "", bare))


@given(TEXT)
@example("[x]")
@example("* x")
def test_latex_rows_are_whole(text: str) -> None:
    lines = latex(grid([text, text])).splitlines()
    rows = lines[lines.index(r"\toprule") + 1 : lines.index(r"\bottomrule")]
    assert [len(re.findall(r"(?<!\\)&", row)) for row in rows if row != r"\midrule"] == [1, 1]
    assert not any(row.startswith(("[", "*")) for row in rows)


def test_latex_has_rules_and_sets_long_words_as_paragraphs() -> None:
    head = ((Cell(""), Cell("SST", span=2)), (Cell("row"), Cell("printed"), Cell("ours")))
    body = ((Cell("word " * 20), Cell(".1"), Cell("-.2", strong=True)),)
    output = latex(Grid(name="t", caption="c", head=head, body=body, widths=(2, 1, 1)))
    assert r"\cmidrule(lr){2-3}" in output
    assert r"\begin{tabular}{p{0.42\linewidth}rr}" in output
    assert r"\textbf{$-$.2}" in output


def test_a_table_is_three_files() -> None:
    assert set(tables(numbered(2))) == {"t.md", "t.tex", "t.csv"}
