"""All results of a results folder as a tidy data frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.suite import row_slug
from harness.cells.record import Record, read_records
from harness.cells.row_result import health_signals
from harness.planning.manifest import find_row, setup_manifests
from harness.registry.selectors import select
from harness.tracking.from_cells import ResultsFolder

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "cell",
    "recipe",
    "seed",
    "rows",
    "source",
    "encoder",
    "device",
    "threads",
    "epoch",
    "split",
    "metric",
    "value",
)


def results(*selectors: str, home: str | Path | None = None) -> pd.DataFrame:
    """One row a cell, epoch, split and metric, of finished cells that serve a selected row (all, without selectors).

    ``rows`` names the rows that have the cell, as they are declared now; health signals have the split ``health``.
    ``home`` defaults to ``HARNESS_HOME`` or ``./runs``. Raises ``RegistryError`` for an unknown selector.
    """
    import pandas as pd

    folder = Path(home or os.environ.get("HARNESS_HOME", "runs")).expanduser()
    wanted = {row_slug(suite, row) for suite, row in select(selectors)} if selectors else None
    lines = []
    rows_of_cell = rows_by_cell(folder)
    for record in read_records(folder):
        rows = rows_of_cell.get(record.id, [])
        if record.done and (wanted is None or any(name.partition("[")[0] in wanted for name in rows)):
            lines += list(tidy_rows(record, rows))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def rows_by_cell(home: Path) -> dict[str, list[str]]:
    """The rows that have each cell as they are declared now, by cell; a row in no file that was named counts
    as it was planned."""
    cells, names = ResultsFolder(home), dict[str, set[str]]()
    for manifest in setup_manifests(home):
        for (suite, row), planned in manifest.rows.items():
            pair = find_row(suite, row)
            ids = planned if pair is None else [entry.record.id for entry in cells.entries(manifest, *pair)[0]]
            for cell in ids:
                names.setdefault(cell, set()).add(f"{suite}/{row}{manifest.tags.get('variant', '')}")
    return {cell: sorted(rows) for cell, rows in names.items()}


def tidy_rows(record: Record, names: list[str]) -> Iterator[dict[str, Any]]:
    """The tidy rows of one cell."""
    about = record.metadata
    common = {
        "cell": record.id,
        "recipe": about["key"],
        "seed": about["seed"],
        "rows": " ".join(names),
        "source": about["source"],
        "encoder": about["encoder"],
        "device": about["device"],
        "threads": about["threads"],
    }
    for epoch in record.epochs:
        scores = {**epoch["scores"], "health": health_signals(epoch)}
        for split, metrics in scores.items():
            for metric, value in metrics.items():
                yield common | {"epoch": epoch["epoch"], "split": split, "metric": metric, "value": value}
