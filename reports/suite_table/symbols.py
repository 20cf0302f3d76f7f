"""The signs that a table uses beside its numbers, each explained where it is used."""

from __future__ import annotations

import math
from typing import Literal

from reports.number_format import format_number

State = Literal[
    "done",
    "undefined",
    "not measured",
    "not run",
    "running",
    "failed",
    "not built",
    "unavailable",
    "stale",
    "no test labels",
]
Mark = Literal[
    "single-seed",
    "alike",
    "fewer-seeds",
    "not-above-majority",
    "collapsed",
    "untrained",
    "ours",
    "confounded",
    "some-failed",
]

NOT_PRINTED = "·"
SIGNS: dict[Mark, tuple[str, str]] = {
    "single-seed": ("¹", "a single seed, so no interval"),
    "alike": ("=", "the same in every seed, which tells nothing of others, so no interval"),
    "fewer-seeds": ("ⁿ", "mean over fewer seeds than n"),
    "not-above-majority": ("↓", "not above the majority class"),
    "collapsed": ("≡", "one answer for every item"),
    "untrained": ("°", "untrained head"),
    "some-failed": ("!", "some seeds failed"),
    "ours": ("+", "our control row, not in the paper"),
    "confounded": ("≠", "differs from its base row on several axes or in data size"),
}
WORDS: dict[State, tuple[str, str]] = {
    "undefined": ("const", "constant predictions, which have no Pearson r"),
    "not measured": ("absent", "not measured by this run"),
    "not run": ("not run", "no finished seed yet"),
    "running": ("training", "no finished seed yet, one is at work"),
    "failed": ("failed", "every seed tried has failed"),
    "not built": ("not built", "needs a technique that is not written yet"),
    "unavailable": ("unavailable", "this set-up cannot run the row"),
    "stale": ("stale", "trained before an edit or by older code, left out"),
    "no test labels": ("no labels", "test labels are not in this data; dev never stands in for test"),
}


def format_score(value: float | None) -> str:
    """A reference line's score; a constant answer has no Pearson r."""
    return WORDS["undefined"][0] if value is None or math.isnan(value) else format_number(value)


def parse_state(text: str) -> tuple[State, str]:
    """``failed: out of memory`` as a state and its reason.

    Raises:
        ValueError: a state that tables do not know.
    """
    word, _, reason = text.partition(":")
    for state in WORDS:
        if word.strip() == state:
            return state, reason.strip()
    raise ValueError(f"unknown row state {text!r}; a state is one of {', '.join(WORDS)}")
