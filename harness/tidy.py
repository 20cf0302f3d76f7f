"""All that a home measured, tidy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.catalogue import select
from harness.cell import Record, records
from harness.readers import names, readers
from harness.reading import health

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

    ``rows`` names the registry rows that read the cell; health signals have the split ``health``. ``home`` defaults
    to ``HARNESS_HOME`` or ``./runs``. Raises ``RegistryError`` for an unknown selector.
    """
    import pandas as pd

    folder = Path(home or os.environ.get("HARNESS_HOME", "runs")).expanduser()
    wanted = {f"{suite.slug}/{row.name}" for suite, row in select(selectors)} if selectors else None
    told = []
    served = {cell: names(rows) for cell, rows in readers(folder).items()}
    for record in records(folder):
        rows = served.get(record.id, [])
        if record.done and (wanted is None or any(name.partition("[")[0] in wanted for name in rows)):
            told += list(lines(record, rows))
    return pd.DataFrame(told, columns=list(COLUMNS))


def lines(record: Record, names: list[str]) -> Iterator[dict[str, Any]]:
    """The tidy rows of one cell."""
    about = record.about
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
        scores = {**epoch["scores"], "health": health(epoch)}
        for split, metrics in scores.items():
            for metric, value in metrics.items():
                yield common | {"epoch": epoch["epoch"], "split": split, "metric": metric, "value": value}
