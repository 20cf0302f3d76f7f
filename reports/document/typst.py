"""Blocks as a Typst document, and its PDF."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports.blocks import Block, Bullets, Cell, Grid, Heading, Picture, Tone, Words

STYLE = Path(__file__).with_name("style.typ")
COLOURS: dict[Tone, str] = {"": "ink", "muted": "muted", "good": "good", "bad": "bad", "warning": "warning"}
HALF = 3.3  # inches
SPECIAL = re.compile(r"([\\#$*_`@<>\[\]~\"'/=+\-])")


def pdf(blocks: Sequence[Block], title: str, folder: Path) -> bytes:
    """The document; its pictures are ``<folder>/figures/<name>.svg``. The same blocks give the same bytes."""
    import matplotlib
    import typst

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # DejaVu Sans: the signs that a text face lacks
    text = source(blocks, title).encode()
    made = typst.Compiler(root=str(folder), font_paths=[str(fonts)], ignore_system_fonts=True).compile(
        text, format="pdf", timestamp=0
    )
    assert isinstance(made, bytes)
    return made


def source(blocks: Sequence[Block], title: str) -> str:
    parts = [STYLE.read_text(encoding="utf-8"), f"#show: report.with(title: [{escaped(title)}])"]
    return "\n\n".join([*parts, *map(drawn, side_by_side(blocks))]) + "\n"


def side_by_side(blocks: Sequence[Block]) -> Iterator[Block | tuple[Picture, Picture]]:
    """The blocks, with neighbouring pictures of half the page's width as pairs."""
    left: Picture | None = None
    for block in blocks:
        half = isinstance(block, Picture) and block.width < HALF
        if left is not None and isinstance(block, Picture) and half:
            yield left, block
            left = None
            continue
        if left is not None:
            yield left
        left = block if isinstance(block, Picture) and half else None
        if left is None:
            yield block
    if left is not None:
        yield left


def escaped(text: str) -> str:
    """Text that Typst's markup shows as it is."""
    return SPECIAL.sub(r"\\\1", text).replace("\n", " ")


def drawn(block: Block | tuple[Picture, Picture]) -> str:
    if isinstance(block, tuple):
        left, right = map(picture, block)
        return f"#pair({left}, {right})"
    if isinstance(block, Heading):
        return f"#heading(level: {block.level})[{escaped(block.text)}]"
    if isinstance(block, Words):
        return f"#words(tone: {COLOURS[block.tone]})[{escaped(block.text)}]"
    if isinstance(block, Bullets):
        items = "".join(f"[{escaped(item)}]," for item in block.items)
        return f"#bullets(title: [{escaped(block.title)}], tone: {COLOURS[block.tone]}, ({items}))"
    if isinstance(block, Picture):
        return f"#{picture(block)}"
    return grid(block)


def picture(block: Picture) -> str:
    return f'picture("figures/{block.name}.svg", {block.width}in, [{escaped(block.caption)}])'


def grid(block: Grid) -> str:
    widths = ", ".join(f"{width:g}fr" for width in block.widths)
    align = ", ".join("left" if at in block.left else "right" for at in range(len(block.widths)))
    head = "".join("".join(map(cell, row)) + "\n" for row in block.head)
    body = "".join("".join(map(cell, row)) + "\n" for row in block.body)
    notes = "".join(f"[{escaped(note)}]," for note in block.notes)
    return (
        f"#grid-of(columns: ({widths},), align: ({align},), caption: [{escaped(block.caption)}], "
        f"notes: ({notes}), heads: {len(block.head)},\n  head: (\n{head}), body: (\n{body}))"
    )


def cell(told: Cell) -> str:
    text = f"[{escaped(told.text)}]"
    parts = [f"tone: {COLOURS[told.tone]}"] if told.tone else []
    parts += ["strong-text: true"] if told.strong else []
    parts += [f"below: [{escaped(told.below)}]"] if told.below else []
    inner = f"cell({', '.join([text, *parts])})" if parts else text
    return f"table.cell(colspan: {told.span}, align: center, {inner})," if told.span > 1 else f"{inner},"
