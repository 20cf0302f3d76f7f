"""The findings on a screen."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from reports.audit.finding import SEVERITIES, Finding

NARROWEST = 40
MARGIN = 2
BESIDE = 76  # the narrowest screen with the sentence beside the row's name
NAME_MOST = 30
STYLES = {"impossible": "bold red", "misprint": "red", "contradicted": "magenta", "confounded": "yellow", "note": "dim"}


def page(findings: Sequence[Finding], checked: Sequence[str], width: int) -> Text:
    """The findings of the checked suites, for a screen of ``width`` characters, at least 40; no line is longer."""
    width = max(width, NARROWEST)
    lines = []
    for suite, of_suite in groupby(findings, lambda finding: finding.suite):
        lines += [Text(suite, "bold"), *_suite(list(of_suite), width), Text()]
    return Text("\n", no_wrap=True, overflow="crop").join([*lines, *_foot(findings, checked, width)])


def _suite(findings: Sequence[Finding], width: int) -> Iterator[Text]:
    kinds = max(map(len, SEVERITIES)) + 2
    names = min(NAME_MOST, max(len(finding.about) for finding in findings)) + 2
    for finding in findings:
        style = STYLES[finding.severity]
        if width >= BESIDE:
            room = width - MARGIN - kinds - names
            lines = textwrap.wrap(finding.sentence, room, break_on_hyphens=False)
            name = finding.about if len(finding.about) <= NAME_MOST else finding.about[: NAME_MOST - 1] + "…"
            for at, part in enumerate(lines):
                head = (finding.severity, name) if at == 0 else ("", "")
                yield Text.assemble(" " * MARGIN, (head[0].ljust(kinds), style), head[1].ljust(names), part)
        else:
            yield Text.assemble(
                (finding.severity, style), f" {finding.about}".rstrip()[: width - len(finding.severity)]
            )
            lines = textwrap.wrap(finding.sentence, width - MARGIN, break_on_hyphens=False)
            yield from (Text(" " * MARGIN + part) for part in lines)


def _foot(findings: Sequence[Finding], checked: Sequence[str], width: int) -> Iterator[Text]:
    """What the words mean, where nothing was found, and the count."""
    counts = Counter(finding.severity for finding in findings)
    for severity, meaning in SEVERITIES.items():
        if counts[severity]:
            yield from (Text(part, "dim") for part in textwrap.wrap(f"{severity}: {meaning}", width))
    without = [suite for suite in checked if suite not in {finding.suite for finding in findings}]
    if without:
        text = f"nothing found in {', '.join(without)}"
        yield from (Text(part, "dim") for part in textwrap.wrap(text, width, break_on_hyphens=False))
    by_severity = ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES if counts[severity])
    text = f"{_count_text(len(findings), 'finding')} in {_count_text(len(checked), 'suite')}"
    yield from map(Text, textwrap.wrap(text + (f": {by_severity}." if by_severity else "."), width))


def _count_text(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
