"""Blocks as one HTML page that needs no network: figures and styles inside, tables sorted by a click on a heading."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from reports.document.blocks import Block, Bullets, Cell, Grid, Heading, Picture, Words
from reports.document.figure_files import describe_figures, require_figures
from reports.document.text import plain

HERE = Path(__file__).parent
ANCHOR = re.compile(r"[^a-z0-9]+")
OWN = re.compile(r'(\bid="|url\(#|href="#)')
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
LONG = 30  # characters that are kept on one line
INDENT = "\N{EM SPACE}"  # before what belongs to the row above


def page(blocks: Sequence[Block], title: str, folder: Path) -> str:
    """The page; its pictures are read from ``<folder>/figures/<name>.svg``. ``FigureError`` for one that is missing."""
    require_figures(blocks, folder)
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    words = describe_figures(blocks)
    contents = "".join(
        f'<li class="level{block.level}"><a href="#{anchor(number, block)}">{escape(block.text)}</a></li>'
        for number, block in enumerate(blocks)
        if isinstance(block, Heading) and block.level < 3
    )
    body = "\n".join(draw_block(number, block, folder, words) for number, block in enumerate(blocks))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f'<style>\n{style}</style>\n</head>\n<body>\n<nav aria-label="Contents"><ul>{contents}</ul></nav>\n<main>\n'
        f"<h1>{escape(title)}</h1>\n{body}\n</main>\n<script>\n{script}</script>\n</body>\n</html>\n"
    )


def escape(text: str) -> str:
    return html.escape(plain(text))


def anchor(number: int, block: Heading) -> str:
    return f"{ANCHOR.sub('-', block.text.lower()).strip('-')}-{number}"


def draw_block(number: int, block: Block, folder: Path, words: Mapping[str, str]) -> str:
    if isinstance(block, Heading):
        return f'<h{block.level + 1} id="{anchor(number, block)}">{escape(block.text)}</h{block.level + 1}>'
    if isinstance(block, Words):
        return f'<p class="{block.tone}">{escape(block.text)}</p>'
    if isinstance(block, Bullets):
        title = f'<p class="title {block.tone}">{escape(block.title)}</p>' if block.title else ""
        return f"{title}<ul>{''.join(f'<li>{escape(item)}</li>' for item in block.items)}</ul>"
    if isinstance(block, Picture):
        drawing = svg(folder, block.name, words[block.name])
        return f"<figure>{drawing}<figcaption>{escape(block.caption)}</figcaption></figure>"
    return grid(block)


def svg(folder: Path, name: str, words: str) -> str:
    """The picture as an element; its ids are made its own, for a page holds many."""
    text = (folder / "figures" / f"{name}.svg").read_text(encoding="utf-8")
    text = METADATA.sub("", text[text.index("<svg") :])
    text = OWN.sub(rf"\g<1>{ANCHOR.sub('-', name.lower())}-", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(words)}"', 1)


def grid(block: Grid) -> str:
    head = "".join(
        f"<tr>{''.join(header(each, at in block.left) for at, each in with_columns(row))}</tr>" for row in block.head
    )
    body = "".join(row(each, block.left) for each in block.body)
    notes = "".join(f"<span>{escape(note)}</span>" for note in block.notes)
    return (
        f'<div class="grid"><div class="scroll" tabindex="0" role="region" aria-label="{escape(block.caption)}"><table>'
        f"<caption>{escape(block.caption)}</caption><thead>{head}</thead><tbody>{body}</tbody></table></div>"
        + (f'<p class="notes">{notes}</p>' if notes else "")
        + "</div>"
    )


def with_columns(cells: Sequence[Cell]) -> list[tuple[int, Cell]]:
    """The cells with their columns."""
    return [(sum(before.span for before in cells[:at]), cell) for at, cell in enumerate(cells)]


def header(cell: Cell, left: bool) -> str:
    if cell.span == 1 and not cell.text:
        return "<td></td>"
    scope = f'scope="colgroup" colspan="{cell.span}"' if cell.span > 1 else 'scope="col"'
    return f"<th {scope}{marks(cell, left)}>{inner(cell)}</th>"


def row(cells: Sequence[Cell], left: Sequence[int]) -> str:
    first, *others = cells
    under = ' class="under"' if first.text.startswith(INDENT) else ""
    data = "".join(f"<td{marks(each, at in left)}>{inner(each)}</td>" for at, each in enumerate(others, 1))
    return f'<tr{under}><th scope="row"{marks(first, 0 in left)}>{inner(first)}</th>{data}</tr>'


def marks(cell: Cell, left: bool) -> str:
    long = "words" if left and len(cell.text) > LONG else ""
    names = " ".join(filter(None, (cell.tone, "strong" if cell.strong else "", "left" if left else "", long)))
    attributes = f' class="{names}"' if names else ""
    return attributes + (f' data-value="{cell.value!r}"' if cell.value is not None else "")


def inner(cell: Cell) -> str:
    long = ' class="words"' if len(cell.below) > LONG else ""
    return escape(cell.text) + (f"<small{long}>{escape(cell.below)}</small>" if cell.below else "")
