"""``<home>/harness.log``: the lines that training commands on a results folder have printed, without tables, each
with time and process."""

from __future__ import annotations

import contextlib
import logging
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from harness.console.redact import redact_secrets
from model.errors import InputError
from model.names import printed

NAME = "harness.log"
ARGUMENTS = "harness.arguments"  # of the command line, in click's context
LOG = logging.getLogger("harness.said")
LOG.setLevel(logging.INFO)
LOG.propagate = False
LOG.addHandler(logging.NullHandler())


class RedactingFormatter(logging.Formatter):
    """Formats lines without secrets, and without what would move a terminal that shows them."""

    def format(self, record: logging.LogRecord) -> str:
        return printed(redact_secrets(super().format(record)), keep="\n")


class LogFile(logging.FileHandler):
    """A log file that may fail, as on a full disk, without stopping training."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


@contextlib.contextmanager
def log_to_file(home: Path) -> Iterator[None]:
    """Within the block, write printed lines to the results folder's log, then how it ended. ``InputError`` if that
    fails."""
    log_file = open_log(home / NAME)
    LOG.addHandler(log_file)
    context = click.get_current_context(silent=True)
    arguments = context.find_root().meta.get(ARGUMENTS, ()) if context else ()
    LOG.info("began: %s", shlex.join(["harness", *arguments]))
    try:
        yield
    except SystemExit as end:
        LOG.info("ended with exit code %s", end.code or 0)
        raise
    except InputError as error:
        LOG.info("error: %s", error)
        raise
    except BaseException as error:
        LOG.info("ended by %s", type(error).__name__, exc_info=error)
        raise
    finally:
        LOG.removeHandler(log_file)
        with contextlib.suppress(OSError):
            log_file.close()


def open_log(path: Path) -> LogFile:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        log_file = LogFile(path, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the log {path} cannot be written ({error.strerror or error}); make it writable, or name another --home"
        ) from None
    log_file.setFormatter(RedactingFormatter("%(asctime)s %(process)d %(message)s", "%Y-%m-%d %H:%M:%S"))
    return log_file
