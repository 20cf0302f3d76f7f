"""Builds the tables of a command: printed figures beside ours."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from harness.execution.config import ExecutionConfig
from harness.planning.cell_index import CellIndex, read_index
from harness.planning.data import data_of
from harness.planning.plan import PlannedRow
from harness.planning.rows import cells_of
from harness.planning.setup import Setup
from harness.planning.setup_tags import scored_examples, setup_tags
from harness.tracking.from_cells import measured_setup
from reports.suite.analysis import build_table, header
from reports.suite_table.baselines import Reference, reference_lines
from reports.suite_table.model import Table


def build_tables(
    rows: Sequence[PlannedRow], setup: Setup, machine: ExecutionConfig, seeds: int | None = None
) -> list[Table]:
    """One table a suite, from the cells of this set-up that have ended; ``seeds`` if they are not the set-up's."""
    tags, index = setup_tags(setup), read_index(machine.home)
    results = measured_setup(rows, tags, index)
    tables = []
    for suite in dict.fromkeys(row.suite.slug for row in rows):
        mine = [row for row in rows if row.suite.slug == suite]
        states = {(suite, row.row.name): state for row in mine if (state := missing_results(row, index))}
        table_header = dataclasses.replace(
            header(results, mine[0].suite, setup.profile.says),
            seeds=tuple(range(setup.seeds if seeds is None else seeds)),
            cells=len(cells_of(mine)),
        )
        names = {row.row.name for row in mine}
        tables.append(build_table(results, mine[0].suite, names, table_header, build_references(mine, setup), states))
    return tables


def missing_results(row: PlannedRow, index: CellIndex) -> str:
    """Why a row has no results, if known: it cannot run, or only older code has trained it."""
    if row.reason or any(cell.id in index.ended for cell in row.cells):
        return row.reason
    return "stale" if any(map(index.is_stale, row.cells)) else ""


def build_references(rows: Sequence[PlannedRow], setup: Setup) -> list[Reference]:
    """Baselines that answer without reading, on the splits that the rows use."""
    recipes = {branch.key: row.recipe for row in rows for branch in row.recipe.branches}
    corpora = {task: data_of(recipe, setup.data) for task, recipe in recipes.items()}
    lines = []
    for split in dict.fromkeys(row.row.split for row in rows):
        scored = {task: scored_examples(corpus, setup, task, split) for task, corpus in corpora.items()}
        lines += reference_lines({task: each.labels for task, each in scored.items() if each is not None}, split)
    return lines
