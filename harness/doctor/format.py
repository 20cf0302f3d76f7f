"""Findings as lines for a terminal, or as JSON."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence

from harness.doctor.finding import Finding

STATE, NAME = 8, 10  # widths of the first two columns
LEAST = 20  # characters of text a line, however narrow the terminal


def format_finding(finding: Finding, width: int) -> str:
    """The state, the check and its finding; the fix below. Broken between words alone."""
    width_left = max(width - STATE - NAME, LEAST)
    head = f"{finding.state:<{STATE}}{finding.check:<{NAME}}"
    lines = wrap(finding.says, width_left, "")
    if finding.fix:
        lines += wrap(finding.fix, width_left, "-> ")
    return "\n".join([head + lines[0], *(" " * len(head) + line for line in lines[1:])])


def wrap(text: str, width: int, mark: str) -> list[str]:
    lines = textwrap.wrap(
        " ".join(text.split()),
        width,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [mark]


def format_summary(findings: Sequence[Finding]) -> str:
    """The last line."""
    counts = [(state, sum(each.state == state for each in findings)) for state in ("error", "warning")]
    return ", ".join(f"{count or 'no'} {state}{'s' * (count != 1)}" for state, count in counts)


def as_json(findings: Sequence[Finding]) -> str:
    return json.dumps([dataclasses.asdict(each) for each in findings], indent=1)
