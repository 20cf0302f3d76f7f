"""Progress at every width, on every kind of terminal, and in files."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from harness.cells.record import Record
from harness.console.progress_bars import Bars, format_bars
from harness.execution.events import Event
from harness.execution.progress import ProgressDisplay
from tests.harness import terminals
from tests.harness.terminals import COLOUR, shown

NAMES = ("bertram/table1/06-smart seed 0", "smart_vs_deberta/table2/deberta-with-everything-there-is seed 11 +3")
WIDTHS = [1, 10, 20, 30, 40, 60, 80, 120, 200]
BARS = """
import time
from rich.console import Console
from harness.console.progress_bars import Bars
bars = Bars(console=Console(), transient=True)
bars.add_task("cells", total=16, left="2:05:00 left", count=True, begun=8.0)
bars.add_task("smart_vs_deberta/table2/deberta-with-everything seed 11", total=100, left="", count=False, begun=0.0)
with bars:
    time.sleep(2.5)
print("done")
"""


class Task:
    """What a bar reads of a cell."""

    def __init__(self, identity: str) -> None:
        self.id, self.encoder = identity, "tiny"


def bars(total: int | None = 16) -> Bars:
    display = Bars(console=Console(file=io.StringIO()))
    display.add_task("cells", total=total, completed=3, left="2:05:00 left", count=True, begun=0.5)
    for name in NAMES:
        display.add_task(name, total=100, completed=37, left="", count=False, begun=0.0)
    return display


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("total", [16, None])
def test_no_bar_is_wider_than_the_screen_and_each_is_one_line(width: int, total: int | None) -> None:
    drawn = format_bars(bars(total).tasks, width)
    assert len(drawn) == 3
    assert all(len(line) <= max(width, 5) and "\n" not in line.plain for line in drawn)


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
def test_figures_stay_and_long_names_keep_their_end(width: int) -> None:
    overall, short, long = (line.plain for line in format_bars(bars().tasks, width))
    assert "3/16" in overall
    assert "37%" in short and "37%" in long
    assert "seed 0" in short and "seed 11 +3" in long
    assert ("…" in long) == (NAMES[1] not in long)


def test_what_goes_first_is_the_bar_then_the_times() -> None:
    full, barless, timeless = (format_bars(bars().tasks, width)[0].plain for width in (80, 40, 28))
    assert "━" in full and "left" in full
    assert "━" not in barless and "left" in barless
    assert "left" not in timeless


def test_cells_in_training_move_the_bar_of_all() -> None:
    task = bars().tasks[0]
    before = format_bars([task], 80)[0].plain.count("━")
    task.fields["begun"] = 8.0
    assert format_bars([task], 80)[0].plain.count("━") > before
    task.fields["begun"] = 99.0
    assert len(format_bars([task], 80)[0]) <= 80


def test_an_ascii_screen_gets_ascii_bars() -> None:
    plain = format_bars(bars().tasks[:2], 120, ascii_only=True)
    assert all(line.plain.isascii() and "#" in line.plain for line in plain)


def test_the_clock_goes_on_while_nothing_is_heard_and_a_resize_is_followed() -> None:
    output, code = shown(["-c", BARS], columns=100, then=(1.5, 40))
    assert code == 0
    frames = [line for line in terminals.lines(output) if line.startswith("cells")]
    assert all(any(f" {second}" in frame for frame in frames) for second in ("0:00", "0:01", "0:02")), frames
    assert len(frames[0]) > 40 and len(frames[-1]) <= 40, frames
    assert output.count("\n") < 3 * len(frames), "bars run down the screen"


def test_without_colour_the_bars_move_all_the_same() -> None:
    output, _ = shown(["-c", BARS], env={"NO_COLOR": "1"})
    assert "\x1b[2K" in output and "━" in output
    assert not COLOUR.search(output)
    assert COLOUR.search(shown(["-c", BARS])[0])


def watch(stream: io.StringIO, total: int = 2) -> ProgressDisplay:
    return ProgressDisplay(total, {"a": "table/one seed 0", "b": "table/two seed 0"}, Console(file=stream))


def news(kind: str, identity: str = "a", **more: object) -> Event:
    return Event(kind, Task(identity), **more)  # type: ignore[arg-type]


def test_a_file_gets_plain_lines_and_the_encoder_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # which makes no terminal of a file
    stream = io.StringIO()
    with watch(stream) as watched:
        watched.update(news("started"))
        for share in (0.1, 0.2):
            watched.update(news("share", share=share, preparing=True))
        watched.update(news("share", share=0.5))
        watched.update(news("done"))
    said = stream.getvalue().splitlines()
    assert said[0] == "making the encoder, once"
    assert said[1].startswith("done  1/2  table/one seed 0  (0:00")
    assert len(said) == 2
    assert "\x1b" not in stream.getvalue()


def test_a_long_training_is_told_in_a_file_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    with watch(stream) as watched:
        watched.update(news("started"))
        watched.update(news("share", share=0.37))
        watched.update(None)
        assert stream.getvalue() == ""
        later = time.monotonic() + 3600
        monkeypatch.setattr("harness.execution.progress.time.monotonic", lambda: later)
        watched.update(None)
        watched.update(None)
    assert stream.getvalue() == "training  0/2 ended  table/one seed 0 37%  (1:00:00)\n"


def test_a_failure_names_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "traceback.txt").write_text("Traceback ...")
    record = Record(tmp_path, {}, {"status": "failed"}, [])
    stream = io.StringIO()
    with watch(stream) as watched:
        watched.update(news("started"))
        watched.update(news("failed", reason="out of memory", record=record))
    first, second = stream.getvalue().splitlines()
    assert first == "failed  1/2  table/one seed 0: out of memory"
    assert second == f"traceback: {tmp_path / 'traceback.txt'}"
