"""What the audit finds."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

Severity = Literal["impossible", "misprint", "contradicted", "confounded", "note"]
Kind = Literal[
    "range",
    "overall",
    "delta",
    "line",
    "sign",
    "answer",
    "floor",
    "repeat",
    "axes",
    "data",
    "split",
    "statement",
    "claim",
]
SEVERITIES: dict[Severity, str] = {
    "impossible": "no unrounded figures give what is printed",
    "misprint": "two printed things do not fit each other",
    "contradicted": "the paper's own figures say otherwise",
    "confounded": "more differs between the rows than what is compared",
    "note": "worth knowing, nothing wrong",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """``about`` is a row, a claim or a printed line, empty for the whole table; ``rows`` are all rows concerned."""

    suite: str
    about: str
    kind: Kind
    severity: Severity
    sentence: str
    rows: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """The finding as plain data."""
        return dataclasses.asdict(self) | {"rows": list(self.rows)}


def rank(finding: Finding) -> int:
    return list(SEVERITIES).index(finding.severity)
