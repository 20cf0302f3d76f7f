"""Characters that no face of ours has: set in a font of the machine that has them, or named; what is plain depends on
no font of the machine."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from reports.document import fonts as letters
from reports.document.blocks import Block, Cell, Grid, Heading, Picture, Words
from reports.document.fonts import MissingGlyphs, families, fonts, missing_in_dejavu, sentence, texts_of
from reports.document.html import page
from reports.document.typst import pdf
from reports.figures import style
from reports.figures.save import save

TITLE = "问题或陈述"
BLOCKS: list[Block] = [Heading(1, TITLE), Words("A question or a statement.")]


def font(path: Path, characters: str, style: str = "Regular") -> Path:
    """A font whose every character is a bar, and the more to the right the later it comes."""
    names = [".notdef", *(f"uni{ord(each):04X}" for each in characters)]
    glyphs = {}
    for place, name in enumerate(names):
        pen = TTGlyphPen(None)
        pen.moveTo((100, 0))
        for x, y in ((100, 700), (200 + 20 * place, 700), (200 + 20 * place, 0)):
            pen.lineTo((x, y))
        pen.closePath()
        glyphs[name] = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(each): name for each, name in zip(characters, names[1:], strict=True)})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable(dict.fromkeys(("familyName", "fullName", "psName"), path.stem) | {"styleName": style})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The machine's fonts, none at first."""
    there: list[str] = []
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(there))
    entries = list(font_manager.fontManager.ttflist)
    forget()
    yield there
    font_manager.fontManager.ttflist = entries
    forget()


def forget() -> None:
    for each in (letters.fonts, letters.fonts_with, letters.families, style.width_of):
        each.cache_clear()


def set_quietly(blocks: list[Block], folder: Path) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return pdf(blocks, "Report", folder)


def test_what_our_face_lacks_is_told_from_what_it_has() -> None:
    assert missing_in_dejavu("naïve, ±.003 ≈ → ✓ ⚠ אב") == ()
    assert missing_in_dejavu("plain") == ()
    assert missing_in_dejavu("b语a问\u200d\ufe0f\n") == ("语", "问")


def test_without_a_font_the_characters_are_named_in_the_document_and_in_a_warning(
    machine: list[str], tmp_path: Path
) -> None:
    with pytest.warns(
        MissingGlyphs, match=f"no font of this machine has {' '.join(sorted(TITLE))}, .* boxes in report.pdf"
    ):
        document = pdf(BLOCKS, "Report", tmp_path)
    said = [Words(f"{sentence(TITLE, ['this document'])}.", "warning"), *BLOCKS]
    with pytest.warns(MissingGlyphs):
        assert (
            len(pdf(said, "Report", tmp_path))
            > len(document)
            > len(set_quietly([Heading(1, "x"), BLOCKS[1]], tmp_path))
        )


def test_a_font_of_the_machine_sets_them(machine: list[str], tmp_path: Path) -> None:
    with pytest.warns(MissingGlyphs):
        boxes = pdf(BLOCKS, "Report", tmp_path)
    machine.append(str(font(tmp_path / "Signs.ttf", TITLE)))
    forget()
    first = set_quietly(BLOCKS, tmp_path)
    assert b"Signs" in first and b"Signs" not in boxes
    assert set_quietly(BLOCKS, tmp_path) == first


def test_those_that_are_left_are_named_alone(machine: list[str], tmp_path: Path) -> None:
    machine.append(str(font(tmp_path / "Signs.ttf", TITLE[1:])))
    with pytest.warns(MissingGlyphs) as raised:
        pdf(BLOCKS, "Report", tmp_path)
    (warning,) = [each.message for each in raised]
    assert isinstance(warning, MissingGlyphs)
    assert warning.characters == (TITLE[0],)


def test_plain_text_depends_on_no_font_of_the_machine(machine: list[str], tmp_path: Path) -> None:
    plain: list[Block] = [Heading(1, "naïve, ±.003 ✓ ⚠"), Words("plain")]
    before = set_quietly(plain, tmp_path)
    drawn = bars(tmp_path / "before", "plain")
    machine.append(str(font(tmp_path / "Signs.ttf", "plain" + TITLE)))
    forget()
    assert set_quietly(plain, tmp_path) == before
    assert bars(tmp_path / "after", "plain") == drawn


def bars(folder: Path, words: str) -> bytes:
    """A figure with these words as a title and at a tick."""
    with style.look():
        figure = style.sheet(2, 1)
        axes = style.panel(figure, 0.5, 0.3, 1, 0.4)
        axes.set_title(words)
        axes.set_yticks([0.5], [words])
    return save(figure, folder, "bars")[0].read_bytes()


def test_figures_use_the_machine_s_fonts_or_say_what_they_lack(machine: list[str], tmp_path: Path) -> None:
    with pytest.warns(MissingGlyphs, match="in figures") as raised:
        boxes = bars(tmp_path / "boxes", TITLE)
    assert [type(each.message) for each in raised] == [MissingGlyphs]
    narrow = style.width_of(TITLE)
    machine.append(str(font(tmp_path / "Signs.ttf", TITLE)))
    forget()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = bars(tmp_path / "one", TITLE)
        assert bars(tmp_path / "two", TITLE) == first != boxes
        assert style.width_of(TITLE) == pytest.approx(len(TITLE) * style.SMALL / 72 * 1.03, rel=0.05)
    assert narrow != style.width_of(TITLE)
    assert families(TITLE) == ("Signs",)


def test_as_few_fonts_as_do_are_chosen_and_always_the_same(machine: list[str], tmp_path: Path) -> None:
    some = font(tmp_path / "A.ttf", TITLE[:2])
    bold = font(tmp_path / "B.ttf", TITLE, "Bold")
    whole = font(tmp_path / "C.ttf", TITLE)
    (tmp_path / "D.ttf").write_bytes(b"no font")
    boxes = font(tmp_path / "LastResort.ttf", TITLE)
    machine += map(str, (boxes, some, bold, tmp_path / "D.ttf", whole))
    for _ in range(2):
        assert fonts(tuple(TITLE), True) == (whole,)
        machine.reverse()
        forget()


def test_every_text_of_a_report_is_looked_at() -> None:
    grid = Grid(name="g", caption="1", head=((Cell("2", below="3"),),), body=((Cell("4"),),), widths=(1,), notes=("5",))
    blocks: list[Block] = [Heading(1, "6"), grid, Picture(name="p", caption="7", width=1, height=1)]
    assert sorted("".join(texts_of(blocks))) == list("1234567")
    assert TITLE in page(BLOCKS, "Report", Path())  # a browser has fonts of its own
