"""What takes longer than a moment says so, and says nothing where a machine reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.console.status import clock, iterate_with_status
from harness.console.text import wrap_text
from tests.harness.terminals import COLOUR, lines, shown

SLOW = """
import sys, time
from harness.console import status
status.PATIENCE = 0.1
with status.status_line("reading a long book") as line:
    time.sleep(1.0)
    line.update("closing it")
    line.print("read: 7 pages")
    time.sleep(0.3)
print("done")
"""
QUICK = """
from harness.console.status import status_line
with status_line("reading a leaflet"):
    pass
print("done")
"""


def test_on_a_terminal_a_line_moves_and_goes_away() -> None:
    output, code = shown(["-c", SLOW])
    assert code == 0
    frames = {line for line in lines(output) if "reading a long book" in line}
    assert len(frames) > 3, frames
    assert any("closing it" in line for line in lines(output))
    assert [line for line in lines(output) if line in ("read: 7 pages", "done")] == ["read: 7 pages", "done"]
    assert "\x1b[2K" in output.rpartition("closing it")[2], "the line was left on the screen"
    assert output.count("\x1b[?25l") == output.count("\x1b[?25h"), "the cursor was left hidden"


def test_what_is_over_in_a_moment_says_nothing() -> None:
    output, _ = shown(["-c", QUICK])
    assert output.split() == ["done"]


@pytest.mark.parametrize("env", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}], ids=str)
def test_elsewhere_it_is_a_plain_line_on_standard_error(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    result = subprocess.run([sys.executable, "-c", SLOW], capture_output=True, text=True)
    assert result.stdout.splitlines() == ["read: 7 pages", "done"]
    assert result.stderr.splitlines() == ["reading a long book", "closing it"]


def test_a_dumb_terminal_gets_plain_lines() -> None:
    output, _ = shown(["-c", SLOW], env={"TERM": "dumb"})
    assert output.splitlines() == ["reading a long book", "closing it", "read: 7 pages", "done"]


def test_no_color_is_heeded() -> None:
    output, _ = shown(["-c", SLOW], env={"NO_COLOR": "1"})
    assert "reading a long book" in output
    assert not COLOUR.search(output)


def test_the_line_is_cut_to_the_screen() -> None:
    output, _ = shown(["-c", SLOW.replace("long", "very " * 20 + "long")], columns=40)
    assert max(map(len, lines(output))) <= 40
    assert any(line.endswith("…") for line in lines(output))


def test_a_run_says_at_once_what_it_does(tmp_path: Path) -> None:
    output, code = shown(["-m", "harness.cli.main", "run", "bertram/table1/06-smart", "--dry-run", "--home", tmp_path])
    assert code == 0, output
    assert "reading the rows and the data" in output.partition("demo:")[0]


def test_awaited_items_are_all_there() -> None:
    assert list(iterate_with_status(iter("abc"), "waiting for letters")) == ["a", "b", "c"]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_lines_are_broken_between_words_alone(width: int) -> None:
    path = "/a/folder/whose-name/is-longer-than/twenty characters"
    text = f"tables of every-row with seed 0 are in {path} now\n  and an indented line stays indented, too"
    wrapped = wrap_text(text, width)
    assert wrapped.split() == text.split()
    assert all(len(line) <= width or " " not in line.strip() for line in wrapped.splitlines())
    assert "\n  and" in wrapped


def test_a_clock_has_hours_where_there_are_some() -> None:
    assert [clock(seconds) for seconds in (0, 59.6, 187, 7500)] == ["0:00", "1:00", "3:07", "2:05:00"]
