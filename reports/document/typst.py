"""Blocks as a Typst document, and its PDF."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.document.blocks import Block, Bullets, Cell, Grid, Heading, Picture, Tone, Words
from reports.document.figure_files import describe_figures, require_figures
from reports.document.figure_layout import Columns, Item, Run, Sheet, plan_run, runs
from reports.document.fonts import LAST_RESORT, MissingGlyphs, faces, fonts, missing_in_dejavu, sentence, texts_of
from reports.document.text import plain

if TYPE_CHECKING:
    import typst

STYLE = Path(__file__).with_name("style.typ")
COLOURS: dict[Tone, str] = {"": "ink", "muted": "muted", "good": "good", "bad": "bad", "warning": "warning"}
BOTTOM = 11.0  # inches from the page's top to its text's end
WHOLE = 14  # lines: a table of no more is not broken over pages
FACES = '#set text(font: ("Libertinus Serif", "DejaVu Sans"))'  # as style.typ has them
NO_FONT_HAS = "\U0010fffd"  # the last of private use
MARK = "#context [#metadata(here().position().y / 1in)<run>]"


def pdf(blocks: Sequence[Block], title: str, folder: Path) -> bytes:
    """The document; its pictures are ``<folder>/figures/<name>.svg``. The same blocks give the same bytes, whatever
    fonts the machine has, unless they hold characters that neither Typst's faces nor DejaVu has: those are set in the
    machine's fonts, and where it has none, a warning (``MissingGlyphs``) and the document's first words say so.
    ``FigureError`` for a picture that is missing."""
    require_figures(blocks, folder)
    with machine_fonts(blocks, title) as fonts:
        unset = missing_characters(blocks, title, fonts)
        if unset:
            warnings.warn(MissingGlyphs(unset, "report.pdf"), stacklevel=2)
            blocks = [Words(f"{sentence(unset, ['this document'])}.", "warning"), *blocks]
        plan = plan_pages(blocks, title, folder, fonts)
        document = compiler(source(blocks, title, plan), folder, fonts).compile(format="pdf", timestamp=0)
    assert isinstance(document, bytes)
    return document


@contextlib.contextmanager
def machine_fonts(blocks: Sequence[Block], title: str) -> Iterator[list[Path]]:
    """Folders of fonts: DejaVu, for the signs that Typst's own faces lack; where it lacks some too, besides those fonts
    of the machine that have them, and without the one that has boxes for all that there is."""
    characters = missing_in_dejavu("".join((title, *texts_of(blocks))))
    if not characters:
        yield [faces()]
        return
    own = [path for path in sorted(faces().iterdir()) if LAST_RESORT not in path.name]
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate((*own, *fonts(characters, False))):
            shutil.copy(path, Path(folder) / f"{number:03}{path.suffix}")
        yield [Path(folder)]


def missing_characters(blocks: Sequence[Block], title: str, folders: Sequence[Path]) -> list[str]:
    """The characters of the document that come out as Typst's sign for none: a page of each, beside one of a character
    that no font has."""
    characters = [NO_FONT_HAS, *missing_in_dejavu("".join((title, *texts_of(blocks))))]
    if len(characters) == 1:
        return []
    text = f"{FACES}\n" + "\n#pagebreak()\n".join(f"#{literal(each)}" for each in characters)
    pages = compiler(text, Path(tempfile.gettempdir()), folders).compile(format="svg")
    assert isinstance(pages, list)
    return [each for each, page in zip(characters[1:], pages[1:], strict=True) if page == pages[0]]


def compiler(text: str, folder: Path, folders: Sequence[Path] = ()) -> typst.Compiler:
    import typst

    fonts = typst.Fonts(include_system_fonts=False, font_paths=list(folders or [faces()]))
    return typst.Compiler(text.encode(), root=folder, font_paths=fonts)


def plan_pages(blocks: Sequence[Block], title: str, folder: Path, fonts: Sequence[Path] = ()) -> list[Run]:
    """The runs of figures on pages. Where a run begins is asked of drafts without the figures' drawings: it is known
    for all runs up to one that text follows on its page, whose end moves what comes after."""
    items = [each for each in runs(blocks) if isinstance(each, tuple)]
    plans: list[Run] = []
    while len(plans) < len(items):
        positions = compiler(source(blocks, title, plans, draft=True), folder, fonts).query("<run>", field="value")
        for begin in json.loads(positions):
            plans.append(plan_run(items[len(plans)], BOTTOM - begin))
            if plans[-1].open:
                break
    return plans


def source(blocks: Sequence[Block], title: str, plans: Sequence[Run] = (), draft: bool = False) -> str:
    """The document; a run of figures that has no plan yet is a mark at which its page ends."""
    parts = [STYLE.read_text(encoding="utf-8"), f"#let draft = {json.dumps(draft)}"]
    parts.append(f"#show: report.with(title: {literal(title)})")
    words, plan = describe_figures(blocks), iter(plans)
    for block in runs(blocks):
        if isinstance(block, tuple):
            next_plan = next(plan, None)
            parts.append(f"{MARK}\n#pagebreak(weak: true)" if next_plan is None else run(next_plan, words))
        else:
            parts.append(draw_block(block))
    return "\n\n".join(parts) + "\n"


def literal(text: str) -> str:
    """A string of Typst's code: nothing in it is markup."""
    return '"' + re.sub(r'(["\\])', r"\\\1", plain(text)) + '"'


def literals(texts: Iterable[str]) -> str:
    return f"({''.join(f'{literal(text)},' for text in texts)})"


def run(plan: Run, words: dict[str, str]) -> str:
    sheets = "\n#pagebreak(weak: true)\n".join(sheet(each, words) for each in plan.sheets)
    return sheets if plan.open else f"{sheets}\n#pagebreak(weak: true)"


def sheet(page: Sheet, words: dict[str, str]) -> str:
    return "\n".join(f"#{item(each, page.scale, words)}" for each in page.items)


def item(figure: Item, scale: float, words: dict[str, str]) -> str:
    if isinstance(figure, Columns):
        left, right = ("".join(f"{item(each, scale, words)}," for each in side) for side in (figure.left, figure.right))
        return f"columns-of(({left}), ({right}))"
    path, alt = literal(f"figures/{figure.name}.svg"), literal(words[figure.name])
    size = f"{figure.width * scale:.4f}in, {figure.height * scale:.4f}in"
    return f"picture(draft, {path}, {size}, {literal(figure.caption)}, {alt})"


def draw_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"#heading(level: {block.level}, {literal(block.text)})"
    if isinstance(block, Words):
        return f"#words(tone: {COLOURS[block.tone]}, {literal(block.text)})"
    if isinstance(block, Bullets):
        return f"#bullets(title: {literal(block.title)}, tone: {COLOURS[block.tone]}, {literals(block.items)})"
    assert not isinstance(block, Picture)
    return grid(block)


def grid(block: Grid) -> str:
    widths = ", ".join(f"{width:g}fr" for width in block.widths)
    align = ", ".join("left" if at in block.left else "right" for at in range(len(block.widths)))
    head = "".join("".join(map(cell, row)) + "\n" for row in block.head)
    body = "".join("".join(map(cell, row)) + "\n" for row in block.body)
    lines = sum(2 if any(each.below for each in row) else 1 for row in block.body)
    return (
        f"#grid-of(columns: ({widths},), align: ({align},), caption: {literal(block.caption)}, "
        f"notes: {literals(block.notes)}, heads: {len(block.head)}, starts: ({starts(block)}), "
        f"whole: {json.dumps(lines <= WHOLE)},\n  head: (\n{head}), body: (\n{body}))"
    )


def starts(block: Grid) -> str:
    """The columns with which a group of columns, or what follows one, begins."""
    columns: set[int] = set()
    for row in block.head:
        at = 0
        for each in row:
            columns |= {at, at + each.span} if each.span > 1 else set()
            at += each.span
    return "".join(f"{at}," for at in sorted(columns))


def cell(content: Cell) -> str:
    text = literal(content.text)
    if content.span > 1:
        return f"group({content.span}, {text}),"
    parts = [f"tone: {COLOURS[content.tone]}"] if content.tone else []
    parts += ["strong-text: true"] if content.strong else []
    parts += [f"below: {literal(content.below)}"] if content.below else []
    return f"cell({', '.join([text, *parts])})," if parts else f"{text},"
