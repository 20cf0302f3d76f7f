"""What a results folder has measured: its cells, checked, as the rows that are declared now read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from experiments.ablation import PAPER
from experiments.suite import Row, Suite, row_slug
from harness.cells.atomic import Damaged
from harness.cells.home import cell_folder
from harness.cells.record import Record, read_record
from harness.cells.row_result import ResultEntry
from harness.planning.cell_index import CellIndex
from harness.planning.manifest import SetupManifest, setup_manifests
from harness.planning.matching import DeclaredRow, Matched, Training, match_trainings, parse_setup, training_of
from harness.planning.plan import PlannedRow
from harness.registry.selectors import Pair
from harness.tracking.results_source import TrialRun
from harness.tracking.run_payload import Unreadable, run_payload
from harness.tracking.seed_result import seed_of
from harness.tracking.trial_payload import read_trials
from model.answers import ByTask
from reports.results import FACTS, Runs, Seed, SetUp

MADE_AGAIN = "and harness tune trains it again once studies/optuna.log is deleted"
UNDESCRIBED = "its folder does not say what it was trained on"


class CellReader:
    """Reads the large parts of ended cells (``reports.results.Reader``); a run is named by suite, row and seed."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[ResultEntry, int]] = {}

    def seed(self, entry: ResultEntry) -> Seed:
        """The cell as its row reads it. ``Unreadable``."""
        run = f"{entry.label} {entry.part}"
        try:
            seed = seed_of(entry, run)
        except Exception as error:  # a damaged file, or a row that has come to read what its cell never measured
            raise Unreadable(f"{type(error).__name__}: {error}") from error
        self.entries[run] = entry, seed.epoch
        return seed

    def answers(self, run: str) -> ByTask:
        """``Damaged``."""
        entry, epoch = self.entries[run]
        return entry.record.answers(epoch) if entry.record.done else {}

    def curves(self, run: str, names: Sequence[str]) -> Mapping[str, Mapping[int, float]]:
        by_name: dict[str, dict[int, float]] = {}
        for name, value, epoch in run_payload(self.entries[run][0]).metrics:
            if name in names:
                by_name.setdefault(name, {})[epoch] = value
        return by_name


class ResultsFolder:
    """A results folder, as reports read it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.name = f"the results folder {home}"
        self._records: dict[str, Record | str | None] = {}
        self._damaged: dict[str, None] = {}

    def setup_manifests(self) -> list[SetupManifest]:
        """The set-ups in which rows were planned."""
        damaged: list[str] = []
        manifests = setup_manifests(self.home, damaged)
        self._damaged |= dict.fromkeys(f"{text}; the same harness run or tune writes it again" for text in damaged)
        return manifests

    def setups(self, pairs: Iterable[Pair], only: str | None = None) -> list[SetUp]:
        wanted = {(suite.slug, row.name): (suite, row) for suite, row in pairs}
        setups = [self.setup(each, wanted) for each in self.setup_manifests() if only in (None, each.tags["setup"])]
        return sorted(filter(None, setups), key=lambda each: [each.facts[name] for name in FACTS])

    def setup(self, manifest: SetupManifest, wanted: Mapping[tuple[str, str], Pair]) -> SetUp | None:
        """One set-up, with those of its rows that are wanted; None where it has none of them."""
        here = {key: pair for key, pair in wanted.items() if key in manifest.rows}
        reader, rows, left_out = CellReader(), {}, {}
        for key, (suite, row) in here.items():
            slug = "/".join(key)
            entries, missing = self.entries(manifest, suite, row)
            seeds: list[Seed] = []
            for entry in entries:
                try:
                    seeds.append(reader.seed(entry))
                except Unreadable as error:
                    missing[entry.seed] = f"cannot be read ({error})"
            if seeds:
                rows[slug] = Runs(suite, row, seeds, reader)
            if missing:
                left_out[slug] = missing
        return build_setup(manifest.tags, rows, left_out) if rows or left_out else None

    def entries(self, manifest: SetupManifest, suite: Suite, row: Row) -> tuple[list[ResultEntry], dict[int, str]]:
        """The ended cells that a row has in a set-up; by seed, why it does not have one that was made for it."""
        name = row.name + manifest.tags.get("variant", "")
        candidates: list[tuple[Training, Record]] = []
        faults: dict[int, str] = {}
        for cell, seed in manifest.rows[suite.slug, row.name].items():
            record = self.record(cell)
            training = training_of(record) if isinstance(record, Record) else None
            if isinstance(record, str):
                faults[seed] = record
            elif record is not None and training is not None:
                candidates.append((training, record))
            elif record is not None:
                faults[seed] = UNDESCRIBED
        matched: Matched[Record] = match_trainings(DeclaredRow(suite, row, parse_setup(manifest.tags)), candidates)
        kept = [
            ResultEntry(suite=suite, row=row, name=name, record=record, tags=manifest.tags, seed=seed)
            for seed, record in matched.kept.items()
        ]
        unread = {seed: fault for seed, fault in faults.items() if seed not in matched.kept}
        return kept, dict(sorted((unread | dict(matched.left_out)).items()))

    def record(self, cell: str) -> Record | str | None:
        """The cell if it has ended, what is wrong with it, or None. It is read once."""
        if cell not in self._records:
            try:
                self._records[cell] = read_record(cell_folder(self.home, cell))
            except Damaged as damage:
                self._records[cell] = str(damage)
        return self._records[cell]

    def faults(self) -> list[str]:
        damaged = [record for record in self._records.values() if isinstance(record, str)]
        return [
            *self._damaged,
            *(f"{text}; it is not shown, and the same harness run trains it again" for text in damaged),
        ]

    def trials(self, only: str | None = None) -> list[TrialRun]:
        runs = []
        lost: list[str] = []
        for entry in read_trials(self.home, set(), lost):
            if only in (None, entry.tags["setup"]):
                try:
                    payload = run_payload(entry)
                except Unreadable as error:
                    lost.append(str(error))
                    continue
                metrics = {name: float(value) for name, value, _ in payload.metrics}
                runs.append(TrialRun(payload.tags, metrics))
        self._damaged |= dict.fromkeys(f"{text}; its trial is not shown, {MADE_AGAIN}" for text in lost)
        return runs

    def ablations(self) -> list[str]:
        suites = {suite for each in self.setup_manifests() for suite, _ in each.rows}
        return sorted(suite.partition("/")[2] for suite in suites if suite.startswith(f"{PAPER}/"))


def measured_setup(rows: Sequence[PlannedRow], tags: Mapping[str, str], index: CellIndex) -> SetUp:
    """The ended cells of rows in one set-up, of which ``tags`` are the tags."""
    reader = CellReader()
    runs = {}
    for row in rows:
        entries = [
            ResultEntry(
                suite=row.suite, row=row.row, name=row.name, seed=cell.seed, record=index.ended[cell.id], tags=tags
            )
            for cell in row.cells
            if cell.id in index.ended
        ]
        if entries:
            seeds = [reader.seed(entry) for entry in entries]
            runs[row_slug(row.suite, row.row)] = Runs(row.suite, row.row, seeds, reader)
    return build_setup(tags, runs, {})


def build_setup(tags: Mapping[str, str], rows: Mapping[str, Runs], left_out: Mapping[str, Mapping[int, str]]) -> SetUp:
    """A set-up from its tags."""
    notes = json.loads(tags.get("data_notes") or "{}")
    return SetUp(
        name=tags["setup"],
        facts={name: tags.get(name, "") for name in FACTS},
        rows=rows,
        notes=tuple(notes.get("notes", ())),
        duplicates=notes.get("duplicates", {}),
        left_out=left_out,
    )
