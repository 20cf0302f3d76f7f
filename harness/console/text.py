"""Text for a screen of any width, and for files, which have none."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from harness.console.log_file import LOG

if TYPE_CHECKING:
    from rich.console import Console


def moves(console: Console) -> bool:
    """Whether what was written can be drawn over; forced colour alone makes no terminal of a file."""
    return console.is_interactive and console.file.isatty()


def wrap_text(text: str, width: int) -> str:
    """The text in lines of this width, broken between words alone: a path or an address stays whole."""
    return "\n".join(_broken(line, width) for line in text.split("\n"))


def _broken(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    made = textwrap.wrap(line, max(width, 1), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(made)


def tell(text: str, err: bool = False) -> None:
    """Write it: as it is in a file or a pipe, broken to the width of a terminal."""
    stream = sys.stderr if err else sys.stdout  # None where it is closed
    if stream is not None and stream.isatty():
        text = wrap_text(text, shutil.get_terminal_size().columns)
    click.echo(text, err=err)


def answer(found: Any, in_words: Callable[[Any], str], as_json: bool) -> None:
    """Tell what was found in words, or write it as JSON."""
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        tell(in_words(found))


def say(console: Console, text: str, style: str | None = None) -> None:
    """A line, kept in the log too: as it is in a file or a pipe, on a terminal broken between words and never in a
    path."""
    LOG.info("%s", text)
    shown = wrap_text(text, console.width) if console.is_terminal else text
    console.print(shown, style=style, highlight=False, markup=False, soft_wrap=True)
