"""The papers' own arithmetic: what they print, recomputed from what they print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from experiments.statements import ConstantAnswer, GatheredLine, UndescribedChange
from experiments.suite import Suite
from reports.audit import arithmetic, chance_level, claims, confounds, statements
from reports.audit.finding import Finding, rank

CHECKS = (
    *(arithmetic.ranges, arithmetic.overalls, arithmetic.deltas, arithmetic.turned),
    claims.claims,
    *(confounds.across_splits, confounds.several, confounds.sizes),
    *(chance_level.collapsed, chance_level.below, confounds.repeats),
)


def audit(suites: Iterable[Suite]) -> list[Finding]:
    """Everything that is wrong with the printed figures of these suites or worth knowing of them; by suite, the
    gravest first, then in the order of checks and rows."""
    return [finding for suite in suites for finding in sorted(check(suite), key=rank)]


def check(suite: Suite) -> Iterator[Finding]:
    for each in CHECKS:
        yield from each(suite)
    if suite.origin == "ours":  # it repeats its table's statements
        return
    yield from statements.statements(suite)
    for said in suite.statements:
        if isinstance(said, ConstantAnswer):
            yield from chance_level.answers(suite, said)
        elif isinstance(said, GatheredLine):
            yield from arithmetic.lines(suite, said)
        elif isinstance(said, UndescribedChange):
            yield from confounds.undescribed_changes(suite, said)
