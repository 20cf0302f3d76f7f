"""Small blocks, and text of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from reports.document.blocks import Block, Bullets, Cell, Grid, Heading, Picture, Words

SVG = (
    '<?xml version="1.0"?>\n<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="453pt" height="200pt" '
    'viewBox="0 0 453 200" xmlns="http://www.w3.org/2000/svg"><metadata><a href="http://example.org/"/></metadata>'
    '<defs><path id="p" d="M 0 0 L 9 9"/></defs><use xlink:href="#p" style="stroke: #000000"/></svg>'
)
SIGNS = [*"#[]$*_@<>\"\\`'/=+-~^&%{}|!():;,.1 \n\t\0\x1b\u2028\u202e\ufffe", "\r\n"]
SIGNS += ["שלום", "😀", "≠", "//", "/*", "--", "...", "](", "<script>", "&amp;", "#let", "\\u{41}", "=1+1", "- "]
TEXT = st.one_of(st.lists(st.sampled_from(SIGNS), max_size=12).map("".join), st.text(max_size=20))


def grid(texts: Sequence[str]) -> Grid:
    """Every text in a head's cell, a body's cell, small print and a note."""
    cells = tuple(Cell(text, below=text) for text in texts)
    return Grid(
        name="table",
        caption=texts[0],
        head=(tuple(Cell(text) for text in texts),),
        body=(cells,),
        widths=(1.0,) * len(texts),
        notes=tuple(texts),
    )


def numbered(rows: int) -> Grid:
    """A table whose rows are named row-0 and so on."""
    body = tuple((Cell(f"row-{at}"), Cell(f".{at}", value=float(at))) for at in range(rows))
    head = ((Cell("name of row"), Cell("score")),)
    return Grid(name="t", caption="The caption", head=head, body=body, widths=(2, 1), notes=("The note stands here",))


def picture(name: str = "one", height: float = 2.8, width: float = 6.3) -> Picture:
    return Picture(name=name, caption=f"Shows {name}.", width=width, height=height)


def drawn(folder: Path, *names: str) -> Path:
    """The folder, with figures of these names."""
    (folder / "figures").mkdir(exist_ok=True)
    for name in names:
        (folder / "figures" / f"{name}.svg").write_text(SVG, encoding="utf-8")
    return folder


def every(text: str) -> list[Block]:
    """A block of each kind that holds this text."""
    return [Heading(1, text), Words(text), Words(text, "warning"), Bullets((text, text), text), grid([text, text])]
