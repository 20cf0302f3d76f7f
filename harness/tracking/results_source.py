"""What reports ask of whatever holds results: a results folder or a tracking store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from harness.registry.selectors import Pair
from reports.results import SetUp


class TrialRun(NamedTuple):
    """A trial, as a tracking store has it or would."""

    tags: Mapping[str, str]
    metrics: Mapping[str, float]


class ResultsSource(Protocol):
    """Where reports take their figures from: a results folder or a tracking store. Each method raises ``InputError``
    where it cannot be read."""

    name: str  # in messages

    def setups(self, pairs: Iterable[Pair], only: str | None = None) -> list[SetUp]:
        """What was measured of these rows, one object a set-up (``only``: this one), in the order of profile, data,
        encoder and variant."""

    def trials(self, only: str | None = None) -> list[TrialRun]:
        """Every ended trial (of one set-up)."""

    def ablations(self) -> list[str]:
        """The names of the ablations of which something was run."""

    def faults(self) -> list[str]:
        """What was wrong with what has been read, in sentences."""
