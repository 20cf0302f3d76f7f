"""The cells of a results folder by id: which have ended, which are damaged or stale, and what a plan leaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.cells.cell import Cell
from harness.cells.record import Record, read_records
from harness.planning.plan import PlannedRow


@dataclasses.dataclass(frozen=True)
class CellIndex:
    """The cells of a results folder, seen from a plan."""

    ended: dict[str, Record]  # by cell id
    stale: dict[str, Record]  # by cell key: trained by other code
    damaged: Sequence[str] = ()  # what is wrong with which file

    def cells_to_train(self, rows: Sequence[PlannedRow], rerun: bool = False, retry: bool = False) -> list[Cell]:
        """Cells to train, each once, row by row. ``retry`` has those that failed, ``rerun`` all of them."""
        wanted = {cell.id: cell for row in rows for cell in row.cells}
        return [
            cell
            for cell in wanted.values()
            if rerun or cell.id not in self.ended or (retry and not self.ended[cell.id].done)
        ]

    def damaged_among(self, cells: Iterable[Cell]) -> list[str]:
        """What is wrong with files of these cells."""
        return [text for text in self.damaged if any(cell.id in text for cell in cells)]

    def is_stale(self, cell: Cell) -> bool:
        return cell.id not in self.ended and cell.key in self.stale


def read_index(home: Path) -> CellIndex:
    """Read all ended cells of a results folder."""
    damaged: list[str] = []
    ended = list(read_records(home, damaged))
    done = {record.metadata["key"]: record for record in ended if record.done}
    return CellIndex({record.id: record for record in ended}, done, damaged)
