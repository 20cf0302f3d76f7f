"""A report that cannot be written is one sentence and exit code 1, whatever keeps it; the results are kept and said."""

from __future__ import annotations

import errno
import io
import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from harness.commands import run
from harness.commands.run import announce_report
from harness.reporting.report import WrittenReport
from model.errors import InputError
from reports.document.fonts import MissingGlyphs
from tests.harness.conftest import Invoke
from tests.harness.processes import ROWS, words


def try_writing(folder: Path, error: Exception | None) -> tuple[bool, str]:
    """Whether there is a report, and what was said."""
    stream = io.StringIO()

    def written(tell: Callable[[str], None]) -> WrittenReport:
        if error is not None:
            raise error
        return WrittenReport(folder, True)

    return announce_report(folder, Console(file=stream, width=400), written), stream.getvalue()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (InputError("the store has no results"), "no report: the store has no results\n"),
        (ValueError("Key backend: 'module://x' is not valid"), "no report: ValueError: Key backend: 'module://x'"),
        (RuntimeError("two\nlines"), "no report: RuntimeError: two"),
        (OSError(errno.ENOSPC, "No space left on device"), "no report: the disk is full; the results are kept"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written (Permission denied); the results"),
    ],
)
def test_what_keeps_a_report_from_being_written_is_one_sentence(tmp_path: Path, error: Exception, why: str) -> None:
    there, text = try_writing(tmp_path, error)
    assert not there
    assert why in text
    assert text.count("\n") == 1
    assert "Traceback" not in text


def test_the_log_has_the_traceback(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("harness.said")
    logger.addHandler(caplog.handler)
    try_writing(tmp_path, ValueError("why"))
    logger.removeHandler(caplog.handler)
    assert any(record.exc_info and "why" in str(record.exc_info[1]) for record in caplog.records)


def test_a_report_that_is_there_is_named(tmp_path: Path) -> None:
    assert try_writing(tmp_path, None) == (True, f"report: {tmp_path / 'report.pdf'}\n")


def test_characters_that_no_font_has_are_one_line(tmp_path: Path) -> None:
    stream = io.StringIO()

    def written(tell: Callable[[str], None]) -> WrittenReport:
        warnings.warn(MissingGlyphs("问题", "figures"), stacklevel=1)
        warnings.warn(MissingGlyphs("题", "figures"), stacklevel=1)
        warnings.warn(MissingGlyphs("题😀", "report.pdf"), stacklevel=1)
        return WrittenReport(tmp_path, True)

    assert announce_report(tmp_path, Console(file=stream, width=400), written)
    (line, report) = stream.getvalue().splitlines()
    assert line.startswith("no font of this machine has 问 题 😀, so that they are boxes in figures and report.pdf; ")
    assert report.startswith("report: ")


def test_a_run_whose_report_fails_keeps_its_results_and_ends_with_1(
    invoke: Invoke, encoder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*arguments: object, **more: object) -> WrittenReport:
        raise ValueError("no such backend")

    monkeypatch.setattr(run, "write_report", fails)
    arguments = [str(word) for word in words(tmp_path / "home", encoder, ROWS, "--seeds", 1, "--report")]
    result = invoke(*arguments)
    assert result.exit_code == 1, result.output
    assert "no report: ValueError: no such backend; the results are kept" in " ".join(result.output.split())
    assert "2 of 2 done" in result.output
