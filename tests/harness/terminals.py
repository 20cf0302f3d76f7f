"""Programs on a terminal of a chosen width, and what they write there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence

PLAIN = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;]*m")


def widen(terminal: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))


def shown(
    words: Sequence[object],
    columns: int = 80,
    env: Mapping[str, str] | None = None,
    then: tuple[float, int] | None = None,
    limit: float = 60.0,
) -> tuple[str, int]:
    """All that a Python program writes to its terminal, and its exit code; ``then`` is when the terminal gets which
    other width."""
    ours, theirs = pty.openpty()
    widen(ours, columns)
    kept = {name: value for name, value in os.environ.items() if name not in PLAIN}
    process = subprocess.Popen(
        [sys.executable, *map(str, words)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=kept | {"TERM": "xterm-256color"} | (dict(env) if env else {}),
        start_new_session=True,
    )
    os.close(theirs)
    began, output = time.monotonic(), b""
    while True:
        if then and time.monotonic() > began + then[0]:
            widen(ours, then[1])
            then = None
        assert time.monotonic() < began + limit, output
        if select.select([ours], [], [], 0.1)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            output += part
    os.close(ours)
    return output.decode(), process.wait(10)


def lines(output: str) -> list[str]:
    """What was written, a line each, later versions of the same line after earlier ones, without control codes."""
    return [CONTROL.sub("", line) for line in re.split(r"[\r\n]+", output)]
