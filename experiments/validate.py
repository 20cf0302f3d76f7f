"""Faults of a suite: those of its form, and metrics and rows that it names and does not have."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.form import Fault, form_faults, near_names
from experiments.papers import SUITES
from experiments.statements import ConstantAnswer, GatheredLine, StatedFigure, Statement, UndescribedChange
from experiments.suite import Claim, Row, Suite, overall
from model.errors import shown
from model.names import LONGEST_NAME, text_fault

GAP = "_gap"
EXTRA_COLUMNS = ("overall", "seconds_per_epoch")  # what papers print beside the columns


def faults(suite: Suite) -> Iterator[Fault]:
    """One sentence each, with how to mend it. ``InputError`` for a row whose recipe cannot be made."""
    first = list(form_faults(suite))
    if first:
        yield from first
        return
    yield from task_faults(suite)
    measured = {row.name: metric_names(suite, row) for row in suite.rows}
    for row in suite.rows:
        metric = getattr(suite.selection_of(row), "metric", None)
        if metric is not None and metric not in measured[row.name]:
            yield Fault(
                f"row {row.name!r} chooses its epoch by {metric}, which it does not measure; "
                f"give the suite selection=LastEpoch() or BestEpoch(metric={sorted(measured[row.name])[0]!r})",
                row.name,
            )
    choices = {metric for each in measured.values() for metric in each}
    for column in suite.columns:
        if column not in choices:
            choice = ", ".join(sorted(choices))
            yield Fault(f"column {shown(column, 60)} is a metric of no row; choose from {choice}", column)
    yield from printed_faults(suite)
    for claim in suite.claims:
        yield from claim_faults(suite, claim, choices)
    below = {row.name for row in suite.extends.rows} if suite.extends else set()
    for said in suite.statements:
        for name in rows_named_by(said):
            if not (name in below or row_exists(suite, name)):
                yield Fault(f"a statement names the row {shown(name, 60)}, which is not there", name)


def task_faults(suite: Suite) -> Iterator[Fault]:
    """Tasks whose title cannot be printed or whose name is too long for a file's."""
    for task in {branch.task.name: branch.task for row in suite.rows for branch in suite.recipe(row).branches}.values():
        if why := text_fault(task.title):
            yield Fault(f"task {shown(task.name, 60)}: title is {shown(task.title, 60)}; {why}", task.title)
        if len(task.name) > LONGEST_NAME:
            yield Fault(f"the name of task {shown(task.name, 60)} has more than {LONGEST_NAME} characters", task.name)


def printed_faults(suite: Suite) -> Iterator[Fault]:
    """Printed figures that no column shows."""
    shows = (*suite.columns, *EXTRA_COLUMNS)
    for row in suite.rows:
        for column in (*row.printed, *row.printed_deltas):
            if column not in shows:
                choice = ", ".join(dict.fromkeys(shows))
                yield Fault(
                    f"row {row.name!r} has a printed {shown(column, 60)}, which no column shows; choose from {choice}",
                    column,
                )
        if row.printed_deltas and row.delta_from is None:
            yield Fault(f"row {row.name!r} has printed differences; say from which row with delta_from", row.name)


def claim_faults(suite: Suite, claim: Claim, metrics: set[str]) -> Iterator[Fault]:
    """Rows and metrics that a claim names and that are missing. Rows of other suites are named by their slugs."""
    if not claim.margin > 0:
        yield Fault(f"claim {claim.name!r} has the margin {claim.margin}; it must be above 0", claim.name)
    if not claim.contrasts:
        yield Fault(f"claim {claim.name!r} has no contrasts; say with beats(...) what is to be better", claim.name)
    if claim.biggest and claim.contrasts and all(row.name != claim.contrasts[0].better for row in suite.rows):
        yield Fault(
            f"claim {claim.name!r} is about the biggest step, so its first row must be one of this suite", claim.name
        )
    for contrast in claim.contrasts:
        for name in (contrast.better, contrast.worse):
            if not row_exists(suite, name):
                close = near_names(name, [row.name for row in suite.rows])
                yield Fault(f"claim {claim.name!r} names the row {shown(name, 60)}, which is not there{close}", name)
        if contrast.better == contrast.worse:
            yield Fault(
                f"claim {claim.name!r} compares the row {shown(contrast.better, 60)} with itself", contrast.better
            )
        if contrast.metric not in metrics | {f"{task}{GAP}" for task in task_names(suite)}:
            yield Fault(
                f"claim {claim.name!r} is about {shown(contrast.metric, 60)[1:-1]}, a metric of no row", contrast.metric
            )


def row_exists(suite: Suite, name: str) -> bool:
    """Whether this is a row of the suite, by its name or full slug, or one that is built in, by its full slug."""
    if any(row.name == name for row in suite.rows):
        return True
    return any(f"{each.slug}/{row.name}" == name for each in (suite, *SUITES) for row in each.rows)


def rows_named_by(said: Statement) -> Iterator[str]:
    """The rows that a statement names."""
    if isinstance(said, StatedFigure):
        yield from (name for name in (said.row, said.than, said.fair) if name is not None)
    elif isinstance(said, GatheredLine):
        yield from said.rows.values()
    elif isinstance(said, ConstantAnswer | UndescribedChange):
        yield said.row


def task_names(suite: Suite) -> set[str]:
    """The tasks of all rows."""
    return {branch.key for row in suite.rows for branch in suite.recipe(row).branches}


def metric_names(suite: Suite, row: Row) -> set[str]:
    """The metrics of a row: its tasks' own, and the overall."""
    own = {branch.task.metric_name for branch in suite.recipe(row).branches}
    total = overall(suite.formula, dict.fromkeys(own, 0.0))
    return own if total is None else {*own, "overall"}
