"""What a home has measured of planned rows, as reports read it: the same as a tracking store would give back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.holding import answers, holding
from harness.plan import Ledger, Planned
from harness.reading import Entry
from harness.seed import seed_of
from reports.evidence import FACTS, Runs, Seed, SetUp

if TYPE_CHECKING:
    import pandas as pd


class Cells:
    """Reads the large parts of ended cells (``reports.evidence.Reader``); a run is named by suite, row and seed."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def seed(self, entry: Entry) -> Seed:
        """The cell as its row reads it. ``Unreadable``."""
        run = f"{entry.suite.slug}/{entry.name} {entry.part}"
        self.entries[run] = entry
        held, outcome = holding(entry), entry.record.outcome
        whole = {"warnings": json.dumps(outcome.get("warnings", []))}  # a tag has less room
        metrics = {name: value for name, value, _ in held.metrics}
        return seed_of(run, {**held.tags, **whole}, metrics, held.status == "FINISHED", held.data)

    def answers(self, run: str) -> pd.DataFrame:
        import pandas as pd

        entry = self.entries[run]
        found = answers(entry.record, holding(entry).answered)
        return pd.DataFrame() if found is None else found

    def curves(self, run: str, names: Sequence[str]) -> Mapping[str, Mapping[int, float]]:
        found: dict[str, dict[int, float]] = {}
        for name, value, epoch in holding(self.entries[run]).metrics:
            if name in names:
                found.setdefault(name, {})[epoch] = value
        return found


def measured(rows: Sequence[Planned], facts: Mapping[str, str], book: Ledger) -> SetUp:
    """The ended cells of rows in one set-up, of which ``facts`` are the tags."""
    reader = Cells()
    found = {}
    for row in rows:
        entries = [
            Entry(suite=row.suite, row=row.row, name=row.name, seed=cell.seed, record=book.ended[cell.id], tags=facts)
            for cell in row.cells
            if cell.id in book.ended
        ]
        if entries:
            seeds = [reader.seed(entry) for entry in entries]
            found[f"{row.suite.slug}/{row.row.name}"] = Runs(row.suite, row.row, seeds, reader)
    told = json.loads(facts["data_notes"])
    return SetUp(
        name=facts["setup"],
        facts={name: facts[name] for name in FACTS},
        rows=found,
        notes=tuple(told["notes"]),
        duplicates=told["duplicates"],
    )
