"""Blocks as one HTML page that needs no network: figures and styles inside, tables sorted by a click on a heading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from reports.blocks import Block, Bullets, Cell, Grid, Heading, Picture, Words

HERE = Path(__file__).parent
ANCHOR = re.compile(r"[^a-z0-9]+")


def page(blocks: Sequence[Block], title: str, folder: Path) -> str:
    """The page; its pictures are read from ``<folder>/figures/<name>.svg``."""
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    contents = "".join(
        f'<li class="level{block.level}"><a href="#{anchor(number, block)}">{escape(block.text)}</a></li>'
        for number, block in enumerate(blocks)
        if isinstance(block, Heading) and block.level < 3
    )
    body = "\n".join(drawn(number, block, folder) for number, block in enumerate(blocks))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n<nav><ul>{contents}</ul></nav>\n<main>\n<h1>{escape(title)}</h1>\n"
        f"{body}\n</main>\n<script>\n{script}</script>\n</body>\n</html>\n"
    )


def anchor(number: int, block: Heading) -> str:
    return f"{ANCHOR.sub('-', block.text.lower()).strip('-')}-{number}"


def drawn(number: int, block: Block, folder: Path) -> str:
    if isinstance(block, Heading):
        return f'<h{block.level + 1} id="{anchor(number, block)}">{escape(block.text)}</h{block.level + 1}>'
    if isinstance(block, Words):
        return f'<p class="{block.tone}">{escape(block.text)}</p>'
    if isinstance(block, Bullets):
        title = f'<p class="title {block.tone}">{escape(block.title)}</p>' if block.title else ""
        return f"{title}<ul>{''.join(f'<li>{escape(item)}</li>' for item in block.items)}</ul>"
    if isinstance(block, Picture):
        return f"<figure>{svg(folder, block.name)}<figcaption>{escape(block.caption)}</figcaption></figure>"
    return grid(block)


def svg(folder: Path, name: str) -> str:
    """The picture as an element; its ids are made its own, for a page holds many."""
    text = (folder / "figures" / f"{name}.svg").read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(name)}"', 1)


def grid(block: Grid) -> str:
    head = "".join(row(each, "th", block.left) for each in block.head)
    body = "".join(row(each, "td", block.left) for each in block.body)
    notes = "".join(f"<span>{escape(note)}</span>" for note in block.notes)
    return (
        f'<div class="grid"><p class="caption">{escape(block.caption)}</p><div class="scroll"><table>'
        f"<thead>{head}</thead><tbody>{body}</tbody></table></div>"
        f'<p class="notes">{notes}</p></div>'
    )


def row(cells: Sequence[Cell], kind: str, left: Sequence[int]) -> str:
    return f"<tr>{''.join(cell(each, kind, at in left) for at, each in enumerate(cells))}</tr>"


def cell(told: Cell, kind: str, left: bool) -> str:
    names = " ".join(filter(None, (told.tone, "strong" if told.strong else "", "left" if left else "")))
    marks = f' class="{names}"' if names else ""
    marks += f' colspan="{told.span}"' if told.span > 1 else ""
    marks += f' data-value="{told.value!r}"' if told.value is not None else ""
    below = f"<small>{escape(told.below)}</small>" if told.below else ""
    return f"<{kind}{marks}>{escape(told.text)}{below}</{kind}>"
