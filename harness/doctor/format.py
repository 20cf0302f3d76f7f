"""Findings as lines for a terminal, or as JSON."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence

from harness.doctor.finding import Finding

MARK, NAME = 8, 10  # widths of the first two columns
LEAST = 20  # characters of text a line, however narrow the terminal


def lines(finding: Finding, width: int) -> str:
    """The mark, the check and what it found; what to do about it below. Broken between words alone."""
    text = max(width - MARK - NAME, LEAST)
    head = f"{finding.state:<{MARK}}{finding.check:<{NAME}}"
    found = wrapped(finding.says, text, "")
    if finding.mend:
        found += wrapped(finding.mend, text, "-> ")
    return "\n".join([head + found[0], *(" " * len(head) + line for line in found[1:])])


def wrapped(text: str, width: int, mark: str) -> list[str]:
    made = textwrap.wrap(
        " ".join(text.split()),
        width,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return made or [mark]


def verdict(found: Sequence[Finding]) -> str:
    """The last line."""
    broken, mind = (sum(each.state == state for each in found) for state in ("broken", "mind"))
    least = f"{mind} to mind" if mind else ""
    return ", ".join(filter(None, [f"{broken} broken" if broken else "nothing is broken", least]))


def as_json(found: Sequence[Finding]) -> str:
    return json.dumps([dataclasses.asdict(each) for each in found], indent=1)
