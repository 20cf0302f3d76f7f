"""Which rows read which cells, and what is kept, failed or absent of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.cells.cell import Cell, WeightRetention
from harness.planning.cell_index import read_index
from harness.planning.plan import PlannedRow


def weight_retention(rows: Sequence[PlannedRow], keep: str) -> dict[str, WeightRetention]:
    """Which weights of each cell stay: ``none``, what the rows' selections choose, or ``all``."""
    if keep == "none":
        return {}
    return {
        cell_id: WeightRetention(
            all=keep == "all",
            choices=tuple({(row.suite.selection_of(row.row), row.suite.formula) for row in users}),
        )
        for cell_id, users in rows_by_cell(rows).items()
    }


def rows_by_cell(rows: Sequence[PlannedRow]) -> dict[str, list[PlannedRow]]:
    """The rows that read each cell."""
    users: dict[str, list[PlannedRow]] = {}
    for row in rows:
        for cell in row.cells:
            users.setdefault(cell.id, []).append(row)
    return users


def cell_names(rows: Sequence[PlannedRow]) -> dict[str, str]:
    """What to call each cell: its first row and seed, and how many more rows it serves."""
    labels = {}
    for cell_id, users in rows_by_cell(rows).items():
        seed = next(cell.seed for cell in users[0].cells if cell.id == cell_id)
        shared = f" +{len(users) - 1}" if len(users) > 1 else ""
        labels[cell_id] = f"{users[0].label} seed {seed}{shared}"
    return labels


def failed_cells(rows: Sequence[PlannedRow], home: Path) -> list[str]:
    """Cells of the plan that failed, by row and seed, with the reason."""
    ended = read_index(home).ended
    return [
        f"{row.label} seed {cell.seed}: {ended[cell.id].outcome.get('reason', '')}"
        for row in rows
        for cell in row.cells
        if cell.id in ended and not ended[cell.id].done
    ]


def absent_cells(rows: Sequence[PlannedRow], home: Path) -> list[str]:
    """Cells of the plan that have not ended, or are gone or damaged since, by row and seed."""
    ended = read_index(home).ended
    return [f"{row.label} seed {cell.seed}" for row in rows for cell in row.cells if cell.id not in ended]


def cells_of(rows: Sequence[PlannedRow]) -> list[Cell]:
    """Every distinct cell of the rows."""
    return list({cell.id: cell for row in rows for cell in row.cells}.values())
