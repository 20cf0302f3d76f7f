"""What cannot be right about a suite: what ``declared`` finds, and metrics and rows that it names and does not have."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.form import Fault, form_faults, near
from experiments.papers import SUITES
from experiments.suite import Answered, Claim, Gathered, Row, Stated, Statement, Suite, Undescribed, overall
from model.errors import shown
from model.names import LONGEST_NAME, text_fault

GAP = "_gap"
BESIDES = ("overall", "seconds_per_epoch")  # what papers print beside the columns


def faults(suite: Suite) -> Iterator[Fault]:
    """One sentence each, with how to mend it. ``InputError`` for a row whose recipe cannot be made."""
    first = list(form_faults(suite))
    if first:
        yield from first
        return
    yield from titled(suite)
    measured = {row.name: metrics(suite, row) for row in suite.rows}
    for row in suite.rows:
        metric = getattr(suite.selection_of(row), "metric", None)
        if metric is not None and metric not in measured[row.name]:
            yield Fault(
                f"row {row.name!r} chooses its epoch by {metric}, which it does not measure; "
                f"give the suite selection=LastEpoch() or BestEpoch(metric={sorted(measured[row.name])[0]!r})",
                row.name,
            )
    known = {metric for each in measured.values() for metric in each}
    for column in suite.columns:
        if column not in known:
            choice = ", ".join(sorted(known))
            yield Fault(f"column {shown(column, 60)} is a metric of no row; choose from {choice}", column)
    yield from printed(suite)
    for claim in suite.claims:
        yield from claimed(suite, claim, known)
    below = {row.name for row in suite.extends.rows} if suite.extends else set()
    for said in suite.statements:
        for name in spoken_of(said):
            if not (name in below or there(suite, name)):
                yield Fault(f"a statement names the row {shown(name, 60)}, which is not there", name)


def titled(suite: Suite) -> Iterator[Fault]:
    """Tasks whose title cannot be printed or whose name is too long for a file's."""
    for task in {branch.task.name: branch.task for row in suite.rows for branch in suite.recipe(row).branches}.values():
        if why := text_fault(task.title):
            yield Fault(f"task {shown(task.name, 60)}: title is {shown(task.title, 60)}; {why}", task.title)
        if len(task.name) > LONGEST_NAME:
            yield Fault(f"the name of task {shown(task.name, 60)} has more than {LONGEST_NAME} characters", task.name)


def printed(suite: Suite) -> Iterator[Fault]:
    """Printed figures of what no column shows."""
    shows = (*suite.columns, *BESIDES)
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


def claimed(suite: Suite, claim: Claim, known: set[str]) -> Iterator[Fault]:
    """What a claim names, and what it cannot be tested by. Rows of other suites are named by their slugs."""
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
            if not there(suite, name):
                close = near(name, [row.name for row in suite.rows])
                yield Fault(f"claim {claim.name!r} names the row {shown(name, 60)}, which is not there{close}", name)
        if contrast.better == contrast.worse:
            yield Fault(
                f"claim {claim.name!r} compares the row {shown(contrast.better, 60)} with itself", contrast.better
            )
        if contrast.metric not in known | {f"{task}{GAP}" for task in tasks(suite)}:
            yield Fault(
                f"claim {claim.name!r} is about {shown(contrast.metric, 60)[1:-1]}, a metric of no row", contrast.metric
            )


def there(suite: Suite, name: str) -> bool:
    """Whether this is a row of the suite, by its name or full slug, or one that is built in, by its full slug."""
    if any(row.name == name for row in suite.rows):
        return True
    return any(f"{each.slug}/{row.name}" == name for each in (suite, *SUITES) for row in each.rows)


def spoken_of(said: Statement) -> Iterator[str]:
    """The rows that a statement names."""
    if isinstance(said, Stated):
        yield from (name for name in (said.row, said.than, said.fair) if name is not None)
    elif isinstance(said, Gathered):
        yield from said.rows.values()
    elif isinstance(said, Answered | Undescribed):
        yield said.row


def tasks(suite: Suite) -> set[str]:
    """By name, those that some row has."""
    return {branch.key for row in suite.rows for branch in suite.recipe(row).branches}


def metrics(suite: Suite, row: Row) -> set[str]:
    """By name, those that a row has: its tasks' own, and the overall."""
    own = {branch.task.metric_name for branch in suite.recipe(row).branches}
    total = overall(suite.formula, dict.fromkeys(own, 0.0))
    return own if total is None else {*own, "overall"}
