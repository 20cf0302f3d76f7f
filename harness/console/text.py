"""Text wrapped to the width of a terminal, and unwrapped in files."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from harness.console.log_file import LOG
from model.names import printed

if TYPE_CHECKING:
    from rich.console import Console


def is_live_terminal(console: Console) -> bool:
    """Whether lines on it can be redrawn; a file with forced colour is no terminal."""
    return console.is_interactive and console.file.isatty()


def wrap_text(text: str, width: int) -> str:
    """The text in lines of this width, broken between words alone: a path or an address stays whole."""
    return "\n".join(_wrap_line(line, width) for line in text.split("\n"))


def _wrap_line(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    lines = textwrap.wrap(line, max(width, 1), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def print_text(text: str, err: bool = False) -> None:
    """Print text, without what would move a terminal: to a file or a pipe line by line as it is, wrapped to the width
    of a terminal."""
    text = printed(text, keep="\n")
    stream = sys.stderr if err else sys.stdout  # None where it is closed
    if stream is not None and stream.isatty():
        text = wrap_text(text, shutil.get_terminal_size().columns)
    click.echo(text, err=err)


def print_result(result: Any, format_text: Callable[[Any], str], as_json: bool) -> None:
    """Print a result as text or as JSON."""
    if as_json:
        click.echo(json.dumps(result, indent=1))
    else:
        print_text(format_text(result))


def print_and_log(console: Console, text: str, style: str | None = None) -> None:
    """Print a line and write it to the log: as it is to a file or a pipe, on a terminal wrapped between words and never
    within a path. Without what would move a terminal."""
    text = printed(text, keep="\n")
    LOG.info("%s", text)
    shown = wrap_text(text, console.width) if console.is_terminal else text
    console.print(shown, style=style, highlight=False, markup=False, soft_wrap=True)
