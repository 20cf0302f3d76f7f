"""What cannot be right about a suite: rows that are not there, and metrics that none of its rows has."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.variant import Row, Suite, overall

GAP = "_gap"


def faults(suite: Suite) -> Iterator[str]:
    """One sentence each, with how to mend it. ``InputError`` for a row whose recipe cannot be made."""
    names = [row.name for row in suite.rows]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"there are two rows {name!r}; rename one"
    measured = {row.name: metrics(suite, row) for row in suite.rows}
    for row in suite.rows:
        metric = getattr(suite.selection_of(row), "metric", None)
        if metric is not None and metric not in measured[row.name]:
            yield (
                f"row {row.name!r} chooses its epoch by {metric}, which it does not measure; "
                f"give the suite selection=LastEpoch() or BestEpoch(metric={sorted(measured[row.name])[0]!r})"
            )
    known = {metric for each in measured.values() for metric in each}
    for column in suite.columns:
        if column not in known:
            yield f"column {column!r} is a metric of no row; choose from {', '.join(sorted(known))}"
    yield from claimed(suite, known)


def claimed(suite: Suite, known: set[str]) -> Iterator[str]:
    """What the claims name. Rows of other suites are named by their slugs."""
    for claim in suite.claims:
        for contrast in claim.contrasts:
            for name in (contrast.better, contrast.worse):
                if "/" not in name and all(row.name != name for row in suite.rows):
                    yield f"claim {claim.name!r} names the row {name!r}, which is not there"
            if contrast.metric not in known | {f"{task}{GAP}" for task in tasks(suite)}:
                yield f"claim {claim.name!r} is about {contrast.metric}, a metric of no row"


def tasks(suite: Suite) -> set[str]:
    """By name, those that some row has."""
    return {branch.key for row in suite.rows for branch in suite.recipe(row).branches}


def metrics(suite: Suite, row: Row) -> set[str]:
    """By name, those that a row has: its tasks' own, and the overall."""
    own = {branch.task.metric_name for branch in suite.recipe(row).branches}
    total = overall(suite.formula, dict.fromkeys(own, 0.0))
    return own if total is None else {*own, "overall"}
