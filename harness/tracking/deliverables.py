"""What a results folder has for a tracking store: ended cells and trials, and what a row does not have any more."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from experiments.suite import Suite
from harness.cells.row_result import ResultEntry
from harness.planning.manifest import find_row
from harness.tracking.from_cells import ResultsFolder
from harness.tracking.trial_payload import read_trials


@dataclasses.dataclass(frozen=True)
class Deliverables:
    """``entries`` are ended cells and trials as rows have them, in the order in which they ended; ``retired``, by
    suite, row, part and set-up, what was made for a row that does not have it any more, and why."""

    entries: list[ResultEntry]
    retired: list[tuple[Suite, str, str, str, str]]


def collect_deliverables(home: Path, tell: Callable[[str], None]) -> Deliverables:
    """All of a results folder's. What cannot be read, and rows that are not in the registry, are said and left out."""
    folder, deliverables = ResultsFolder(home), Deliverables([], [])
    missing: set[str] = set()
    damaged: list[str] = []
    for manifest in folder.setup_manifests():
        for suite_slug, row_name in manifest.rows:
            name = row_name + manifest.tags.get("variant", "")
            pair = find_row(suite_slug, row_name)
            if pair is None:
                missing.add(f"{suite_slug}/{name}")
                continue
            entries, left_out = folder.entries(manifest, *pair)
            deliverables.entries.extend(entries)
            setup = manifest.tags["setup"]
            deliverables.retired.extend(
                (pair[0], name, f"seed {seed}", setup, fault) for seed, fault in left_out.items()
            )
    deliverables.entries.sort(key=lambda entry: entry.record.trained)
    deliverables.entries.extend(read_trials(home, missing, damaged))
    for text in (*folder.faults(), *(f"{text}; it is not delivered" for text in damaged)):
        tell(text)
    if missing:
        tell(f"left out, not in the registry or in a file that was named: {', '.join(sorted(missing))}")
    return deliverables
