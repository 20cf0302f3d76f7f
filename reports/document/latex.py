"""A grid as a LaTeX table with booktabs' rules; what it needs is in the file's first line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.document.blocks import Cell, Grid
from reports.document.text import plain

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    '"': r"\textquotedbl{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
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
    "\N{EM SPACE}": r"\quad{}",
} | {sign: f"\\{sign}" for sign in "&%$#_{}"}
NEGATIVE = re.compile(r"(?<![\w}-])-(?=\.?\d)")
LONG = 40  # characters from which a column is set as paragraphs
NEEDS = r"% \usepackage[T1]{fontenc} \usepackage{booktabs}; signs beyond Latin need LuaLaTeX or XeLaTeX"


def latex(block: Grid) -> str:
    head: list[str] = []
    for row in block.head:
        head += [line([spanning(cell) for cell in row]), *rules(row)]
    body = [line([bold(cell) for cell in row]) for row in block.body]
    lines = [NEEDS, r"\begin{table}", r"\centering\small", rf"\caption{{{tex(block.caption)}}}"]
    lines += [rf"\begin{{tabular}}{{{columns(block)}}}", r"\toprule", *head, r"\midrule", *body]
    lines += [r"\bottomrule", r"\end{tabular}"]
    if block.notes:
        lines.append(r"\par\footnotesize " + tex("; ".join(block.notes)))
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def columns(block: Grid) -> str:
    """The tabular's: words longer than a line as paragraphs, in their share of the width."""
    spec = ""
    for at, share in enumerate(block.widths):
        longest = max((len(row[at].text) for row in block.body), default=0)
        if at in block.left and longest > LONG:
            spec += rf"p{{{0.85 * share / sum(block.widths):.2f}\linewidth}}"
        else:
            spec += "l" if at in block.left else "r"
    return spec


def line(cells: Sequence[str]) -> str:
    text = " & ".join(cells) + r" \\"
    return "{}" + text if text.startswith(("[", "*")) else text  # else an option of the line break before it


def rules(cells: Sequence[Cell]) -> list[str]:
    """Under the groups of columns."""
    text, at = "", 1
    for cell in cells:
        text += rf"\cmidrule(lr){{{at}-{at + cell.span - 1}}}" if cell.span > 1 else ""
        at += cell.span
    return [text] if text else []


def spanning(cell: Cell) -> str:
    return rf"\multicolumn{{{cell.span}}}{{c}}{{{tex(cell.text)}}}" if cell.span > 1 else tex(cell.text)


def bold(cell: Cell) -> str:
    return rf"\textbf{{{tex(cell.text)}}}" if cell.strong and cell.text else tex(cell.text)


def tex(text: str) -> str:
    signed = NEGATIVE.sub("\N{MINUS SIGN}", plain(text).strip(" "))
    plainly = "".join(SPECIAL.get(sign, sign) for sign in signed.replace("--", "-\0-").replace("--", "-\0-"))
    return plainly.replace("\0", "{}").replace("\N{MINUS SIGN}", "$-$")
