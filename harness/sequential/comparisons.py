"""The comparisons that a command decides: the clean contrasts of the selected suites' claims."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from experiments.suite import Claim, Contrast, Suite
from harness.cells.cell import Cell
from harness.planning.data import data_of
from harness.planning.plan import PlannedRow
from harness.planning.setup import Setup
from harness.planning.setup_tags import scored_examples
from harness.tracking.from_cells import CellReader
from model.errors import InputError
from model.task import TASKS
from reports.anytime_valid import clean, full, pair
from reports.results import GAP, Runs, blocks

MAX_NAMES = 3  # in a sentence


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two planned rows and the metric they are compared by; a difference below the margin does not matter."""

    better: PlannedRow
    worse: PlannedRow
    metric: str
    margin: float

    @property
    def name(self) -> str:
        return f"{self.better.row.name} vs {self.worse.row.name}, {self.metric.replace('_', ' ')}"

    @property
    def seeds(self) -> list[list[Cell]]:
        """The cells that each seed needs: two, or one that both rows read."""
        both = zip(self.better.cells, self.worse.cells, strict=True)
        return [list({cell.id: cell for cell in cells}.values()) for cells in both]

    @property
    def by_item(self) -> bool:
        """Whether the metric is a mean over items."""
        return bool(blocks(self.better.suite.formula, self.metric))


def comparisons_of(planned: Sequence[PlannedRow], setup: Setup) -> list[Comparison]:
    """The comparisons whose rows are both planned and can run, each once, with its smallest margin. ``InputError``
    where there are none."""
    rows = {row.slug: row for row in planned}
    comparisons: dict[tuple[frozenset[str], str], Comparison] = {}
    refused = list[tuple[str, str]]()  # why, and a row
    for suite, claim, contrast in contrasts(planned):
        why = obstacle(suite, claim, contrast, rows, setup)
        if why is not None:
            refused.append(why)
            continue
        better, worse = (rows[full(suite, name)] for name in (contrast.better, contrast.worse))
        key = pair(suite, contrast)
        margin = min(claim.margin, comparisons[key].margin) if key in comparisons else claim.margin
        first = comparisons.get(key, Comparison(better=better, worse=worse, metric=contrast.metric, margin=margin))
        comparisons[key] = dataclasses.replace(first, margin=margin)
    if not comparisons:
        raise InputError(explain_none(planned, refused))
    return list(comparisons.values())


def contrasts(planned: Sequence[PlannedRow]) -> Iterator[tuple[Suite, Claim, Contrast]]:
    """The contrasts of the claims of the rows' suites."""
    for suite in {row.suite.slug: row.suite for row in planned}.values():
        for claim in suite.claims:
            for contrast in claim.contrasts:
                yield suite, claim, contrast


def obstacle(
    suite: Suite, claim: Claim, contrast: Contrast, rows: Mapping[str, PlannedRow], setup: Setup
) -> tuple[str, str] | None:
    """Why a contrast cannot be decided, and the row at fault."""
    names = [full(suite, name) for name in (contrast.better, contrast.worse)]
    for name in names:
        if name not in rows:
            return "not selected", name
    better, worse = (rows[name] for name in names)
    if not clean(claim, *(Runs(row.suite, row.row, (), CellReader()) for row in (better, worse))):
        return "confounded", names[0]
    for name in names:
        if rows[name].reason or not has_scores(rows[name], contrast.metric, setup):
            return "cannot run", name
    return None


def has_scores(row: PlannedRow, metric: str, setup: Setup) -> bool:
    """Whether the data has what the row's metric is made of, on its split."""
    gap = [task.name for task in TASKS.values() if metric == task.name + GAP]
    tasks = gap or [task for task, _ in blocks(row.suite.formula, metric)]
    tasks_trained = {branch.key for branch in row.recipe.branches}
    corpus = data_of(row.recipe, setup.data)
    return all(
        task in tasks_trained and scored_examples(corpus, setup, task, row.row.split) is not None for task in tasks
    )


def explain_none(planned: Sequence[PlannedRow], refused: Sequence[tuple[str, str]]) -> str:
    """Why there is nothing to decide, and what to do, in a sentence."""
    suites = shorten(list(dict.fromkeys(row.suite.slug for row in planned)))
    if not refused:
        return (
            f"--until-decided needs claims to decide, and {suites} makes none; select the table that makes them, "
            "too, or give a number of seeds with --seeds"
        )
    by_reason = {why: [name for reason, name in refused if reason == why] for why, _ in refused}
    reasons = []
    if "not selected" in by_reason:
        reasons.append(f"{len(by_reason['not selected'])} need rows that are not selected")
    if "confounded" in by_reason:
        reasons.append(f"{len(by_reason['confounded'])} compare rows that differ on several axes")
    if "cannot run" in by_reason:
        reasons.append(f"{len(by_reason['cannot run'])} need rows or scores that this set-up does not have")
    absent = list(dict.fromkeys(by_reason.get("not selected", [])))
    mend = f"select {shorten(absent)}, too" if absent else "give a number of seeds with --seeds"
    return f"--until-decided finds no comparison in {suites}: of {len(refused)} contrasts {', '.join(reasons)}; {mend}"


def shorten(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    return ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")


def compared_rows(planned: Sequence[PlannedRow], comparisons: Sequence[Comparison]) -> list[PlannedRow]:
    """The rows that are in a comparison."""
    needed = {row.slug for comparison in comparisons for row in (comparison.better, comparison.worse)}
    return [row for row in planned if row.slug in needed]
