"""``<home>/harness.log``: the lines that training commands on a home have said, without tables, each with its time
and their process."""

from __future__ import annotations

import contextlib
import logging
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from harness.secrets import hidden
from model.errors import InputError
from model.names import printed

NAME = "harness.log"
WORDS = "harness.words"  # of the command line, in click's context
SAID = logging.getLogger("harness.said")
SAID.setLevel(logging.INFO)
SAID.propagate = False
SAID.addHandler(logging.NullHandler())


class Hiding(logging.Formatter):
    """Lines without secrets, and without what would move a terminal that shows them."""

    def format(self, record: logging.LogRecord) -> str:
        return printed(hidden(super().format(record)), keep="\n")


class Book(logging.FileHandler):
    """A log that cannot be written any more, as on a full disk, keeps nobody from training."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


@contextlib.contextmanager
def logbook(home: Path) -> Iterator[None]:
    """Within the block, what is said is kept in the home too, then how it ended. ``InputError`` if it cannot be."""
    book = opened(home / NAME)
    SAID.addHandler(book)
    context = click.get_current_context(silent=True)
    words = context.find_root().meta.get(WORDS, ()) if context else ()
    SAID.info("began: %s", shlex.join(["harness", *words]))
    try:
        yield
    except SystemExit as end:
        SAID.info("ended with exit code %s", end.code or 0)
        raise
    except InputError as error:
        SAID.info("error: %s", error)
        raise
    except BaseException as error:
        SAID.info("ended by %s", type(error).__name__, exc_info=error)
        raise
    finally:
        SAID.removeHandler(book)
        with contextlib.suppress(OSError):
            book.close()


def opened(path: Path) -> Book:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        book = Book(path, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the log {path} cannot be written ({error.strerror or error}); make it writable, or name another --home"
        ) from None
    book.setFormatter(Hiding("%(asctime)s %(process)d %(message)s", "%Y-%m-%d %H:%M:%S"))
    return book
