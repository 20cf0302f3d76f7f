"""The HTML page: text is text, nothing is asked of a network, and a screen reader finds its way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reports.document.blocks import Block, Cell, Grid, Heading
from reports.document.figure_files import FigureError
from reports.document.html import HERE, page
from reports.document.text import plain
from tests import ROOT
from tests.reports.document.parts import SIGNS, TEXT, drawn, every, numbered, picture

PROGRAM = """
from pathlib import Path
from reports.document.html import page
from tests.reports.document.parts import every, numbered
print(ascii(page([*every("x"), numbered(9)], "T", Path())))
"""
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "nav",
    "ul",
    "li",
    "a",
    "main",
    "h1",
    "h2",
    "p",
    "div",
    "span",
}
TAGS |= {"table", "caption", "thead", "tbody", "tr", "th", "td", "small", "script"}


class Read(HTMLParser):
    """Elements, and the text of each outside styles and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.opened: list[tuple[str, dict[str, str | None]]] = []
        self.path: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append((tag, dict(attrs)))
        self.path += [] if tag == "meta" else [tag]
        self.texts.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.path.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.path and self.path[-1] not in ("style", "script"):
            at = max(at for at, (tag, _) in enumerate(self.texts) if tag == self.path[-1])
            self.texts[at] = (self.path[-1], self.texts[at][1] + data)

    def of(self, tag: str) -> list[str]:
        return [text for each, text in self.texts if each == tag]


@given(TEXT)
@example("".join(SIGNS))
@example("</script><script>alert(1)</script>")
def test_text_is_never_markup(text: str) -> None:
    read = Read(page(every(text), text, Path()))
    expected = plain(text)
    assert read.path == []
    assert {tag for tag, _ in read.opened} <= TAGS
    assert [tag for tag, _ in read.opened].count("script") == 1
    assert read.of("h2") == [expected]
    assert read.of("p")[:2] == [expected, expected]
    assert read.of("small") == [expected] * 2 * bool(text)
    assert read.of("caption") == [expected]
    assert read.of("title") == [expected]


def test_nothing_is_asked_of_a_network(tmp_path: Path) -> None:
    html = page([*every("x"), picture("one")], "T", drawn(tmp_path, "one"))
    assert re.findall(r"""(?:src|href|action|data|url)\s*[=(]\s*["']?\s*(?:https?:)?//""", html) == []
    assert set(re.findall(r"https?://[^\s\"'<>)]+", html)) <= {
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/2000/svg",
    }
    assert "default-src 'none'" in html
    assert re.findall(r"@import|<link|<img|<iframe|fetch\(|XMLHttp", html) == []


def test_links_and_references_lead_somewhere_once(tmp_path: Path) -> None:
    blocks: list[Block] = [Heading(1, "Same"), Heading(2, "Same"), picture("one"), picture("two")]
    read = Read(page(blocks, "T", drawn(tmp_path, "one", "two")))
    ids = [str(attributes["id"]) for _, attributes in read.opened if "id" in attributes]
    links = [
        str(value)
        for _, attributes in read.opened
        for name, value in attributes.items()
        if name in ("href", "xlink:href")
    ]
    assert len(ids) == len(set(ids)) == 4
    assert sorted(links) == sorted(f"#{each}" for each in ids)


def test_tables_and_figures_are_named_for_readers(tmp_path: Path) -> None:
    group = (Cell(""), Cell("both", span=2))
    table = Grid(
        name="t",
        caption="Two",
        head=(group, (Cell("row"), Cell("a"), Cell("b"))),
        body=((Cell("r"), Cell("1"), Cell("2")), (Cell("\N{EM SPACE}under r"), Cell("3"), Cell("4"))),
        widths=(1, 1, 1),
    )
    html = page([Heading(2, "The suite"), table, picture("one")], "T", drawn(tmp_path, "one"))
    read = Read(html)
    scopes = [attributes.get("scope") for tag, attributes in read.opened if tag == "th"]
    assert scopes == ["colgroup", "col", "col", "col", "row", "row"]
    assert [attributes["aria-label"] for tag, attributes in read.opened if tag == "svg"] == ["The suite. Shows one."]
    assert html.count('<tr class="under">') == 1
    assert read.of("caption") == ["Two"]


def brightness(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["page.css", "style.typ"])
def test_words_stand_out_from_their_ground(name: str) -> None:
    colours = dict(re.findall(r"(ink|muted|good|bad|warning)[^#\n;]{1,9}(#[0-9a-f]{6})", (HERE / name).read_text()))
    assert len(colours) == 5
    assert all((brightness("#f3f6f8") + 0.05) / (brightness(colour) + 0.05) >= 4.5 for colour in colours.values())


@given(st.lists(st.floats(allow_nan=False), max_size=5))
def test_values_that_tables_sort_by_are_whole(values: list[float]) -> None:
    body = tuple((Cell("a"), Cell(f"{value:.1f}", value=value)) for value in values)
    table = Grid(name="t", caption="c", head=((Cell("r"), Cell("v")),), body=body, widths=(1, 1))
    read = Read(page([table], "T", Path()))
    assert [
        float(attributes["data-value"] or "") for _, attributes in read.opened if "data-value" in attributes
    ] == values


def test_a_missing_figure_is_named(tmp_path: Path) -> None:
    with pytest.raises(FigureError, match=r"one\.svg is missing"):
        page([picture("one")], "T", tmp_path)


def test_two_processes_write_the_same(tmp_path: Path) -> None:
    root = ROOT
    environment = {**os.environ, "PYTHONPATH": str(root)}
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM], check=True, capture_output=True, env=environment | {"PYTHONHASHSEED": seed}
        ).stdout
        for seed in "12"
    }
    assert outputs == {ascii(page([*every("x"), numbered(9)], "T", Path())).encode() + b"\n"}
