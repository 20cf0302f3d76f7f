"""A report's grids as files: CSV to compute with, Markdown to read, LaTeX for a paper."""

from __future__ import annotations

import csv
import io
import re

from reports.blocks import Cell, Grid

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "≠": r"$\neq$",
    "≡": r"$\equiv$",
    "≈": r"$\approx$",
    "↓": r"$\downarrow$",
    "★": r"$\star$",
    "✓": r"$\surd$",
    "✗": r"$\times$",
    "°": r"$^\circ$",
    "¹": r"$^1$",
    "ⁿ": r"$^n$",
    "\N{NO-BREAK SPACE}": "~",
} | {sign: f"\\{sign}" for sign in "&%$#_{}"}
NEGATIVE = re.compile(r"(?<![\w-])-(?=\.?\d)")


def tables(block: Grid) -> dict[str, str]:
    """The grid by file name."""
    made = {f"{block.name}.md": markdown(block), f"{block.name}.tex": latex(block)}
    return made | {f"{block.name}.csv": comma_separated(block)}


def comma_separated(block: Grid) -> str:
    """Its records; where it has none, its cells as they are shown."""
    stream = io.StringIO()
    if block.records:
        records = csv.DictWriter(stream, list(block.records[0]), lineterminator="\n")
        records.writeheader()
        records.writerows(block.records)
    else:
        plain = csv.writer(stream, lineterminator="\n")
        plain.writerow(expanded(block)[-1])
        plain.writerows([cell.text for cell in row] for row in block.body)
    return stream.getvalue()


def expanded(block: Grid) -> list[list[str]]:
    """The head's lines with one text a column."""
    return [[text for cell in row for text in (cell.text, *[""] * (cell.span - 1))] for row in block.head]


def markdown(block: Grid) -> str:
    *over, last = expanded(block)
    named, group = list(last), ""
    for at, name in enumerate(last):
        group = over[-1][at] or group if over else ""
        named[at] = f"{group} {name}".strip() if over and name in ("printed", "ours") else name
    rows = [named, *([marked(cell) for cell in row] for row in block.body)]
    widths = [max(3, *(len(row[at]) for row in rows)) for at in range(len(named))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {note}" for note in block.notes]
    return "\n".join([f"### {block.caption}", "", *lines, "", *notes]).rstrip() + "\n"


def marked(cell: Cell) -> str:
    text = cell.text.strip().replace("|", "\\|")
    below = f" ({cell.below})".replace("|", "\\|") if cell.below else ""
    return f"**{text}**{below}" if cell.strong and text else f"{text}{below}"


def latex(block: Grid) -> str:
    """A tabular with booktabs' rules, and its caption."""
    align = "".join("l" if at in block.left else "r" for at in range(len(block.widths)))
    head = [" & ".join(spanning(cell) for cell in row) + r" \\" for row in block.head]
    body = [" & ".join(bold(cell) for cell in row) + r" \\" for row in block.body]
    lines = [r"\begin{table}", r"\centering\small", rf"\caption{{{tex(block.caption)}}}"]
    lines += [
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        *head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if block.notes:
        lines.append(r"\par\footnotesize " + tex("; ".join(block.notes)))
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def spanning(cell: Cell) -> str:
    return rf"\multicolumn{{{cell.span}}}{{c}}{{{tex(cell.text)}}}" if cell.span > 1 else tex(cell.text)


def bold(cell: Cell) -> str:
    return rf"\textbf{{{tex(cell.text)}}}" if cell.strong and cell.text else tex(cell.text)


def tex(text: str) -> str:
    return NEGATIVE.sub("$-$", "".join(SPECIAL.get(sign, sign) for sign in text.strip()))
