"""Text for a screen of any width, and for files, which have none."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from model.names import printed

if TYPE_CHECKING:
    from rich.console import Console


def moves(console: Console) -> bool:
    """Whether what was written can be drawn over; forced colour alone makes no terminal of a file."""
    return console.is_interactive and console.file.isatty()


def broken(text: str, width: int) -> str:
    """The text in lines of this width, broken between words alone: a path or an address stays whole."""
    return "\n".join(_broken(line, width) for line in text.split("\n"))


def _broken(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    made = textwrap.wrap(line, max(width, 1), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(made)


def tell(text: str, err: bool = False) -> None:
    """Write it, without what would move a terminal: in a file or a pipe line by line as it is, broken to the width of a
    terminal."""
    text = printed(text, keep="\n")
    stream = sys.stderr if err else sys.stdout  # None where it is closed
    if stream is not None and stream.isatty():
        text = broken(text, shutil.get_terminal_size().columns)
    click.echo(text, err=err)


def answer(found: Any, in_words: Callable[[Any], str], as_json: bool) -> None:
    """Tell what was found in words, or write it as JSON."""
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        tell(in_words(found))
