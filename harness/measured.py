"""What a results folder has measured: its cells, checked, as the rows that are declared now read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from experiments.ablation import PAPER
from experiments.variant import Row, Suite
from harness.catalogue import Pair
from harness.cell import Record, read
from harness.declared import Declared, Matched, Training, matched, setup_of, training_of
from harness.durable import Damaged
from harness.holding import Unreadable, holding
from harness.plan import Ledger, Planned
from harness.readers import Noted, noted_setups, trials
from harness.reading import Entry
from harness.seed import seed_of
from model.answers import ByTask
from reports.evidence import FACTS, Runs, Seed, SetUp

MADE_AGAIN = "and harness tune trains it again once studies/optuna.log is deleted"
UNTOLD = "its folder does not say what it was trained on"


class TrialRun(NamedTuple):
    """A trial, as a tracking store has it or would."""

    tags: Mapping[str, str]
    metrics: Mapping[str, float]


class Evidence(Protocol):
    """Where reports take their figures from. Each of these raises ``InputError`` where it cannot be read."""

    name: str  # in messages

    def setups(self, pairs: Iterable[Pair], only: str | None = None) -> list[SetUp]:
        """What was measured of these rows, one object a set-up (``only``: this one), in the order of profile, data,
        encoder and variant."""

    def trials(self, only: str | None = None) -> list[TrialRun]:
        """Every ended trial (of one set-up)."""

    def ablations(self) -> list[str]:
        """The names of the ablations of which something was run."""

    def faults(self) -> list[str]:
        """What was wrong with what has been read, in sentences."""


class Cells:
    """Reads the large parts of ended cells (``reports.evidence.Reader``); a run is named by suite, row and seed."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[Entry, int]] = {}

    def seed(self, entry: Entry) -> Seed:
        """The cell as its row reads it. ``Unreadable``."""
        run = f"{entry.suite.slug}/{entry.name} {entry.part}"
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
        found: dict[str, dict[int, float]] = {}
        for name, value, epoch in holding(self.entries[run][0]).metrics:
            if name in names:
                found.setdefault(name, {})[epoch] = value
        return found


class Home:
    """A results folder as evidence."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.name = f"the results folder {home}"
        self._records: dict[str, Record | str | None] = {}
        self._damaged: dict[str, None] = {}

    def noted(self) -> list[Noted]:
        """The set-ups in which rows were planned."""
        damaged: list[str] = []
        found = noted_setups(self.home, damaged)
        self._damaged |= dict.fromkeys(f"{text}; the same harness run or tune writes it again" for text in damaged)
        return found

    def setups(self, pairs: Iterable[Pair], only: str | None = None) -> list[SetUp]:
        wanted = {(suite.slug, row.name): (suite, row) for suite, row in pairs}
        found = [self.setup(each, wanted) for each in self.noted() if only in (None, each.tags["setup"])]
        return sorted(filter(None, found), key=lambda each: [each.facts[name] for name in FACTS])

    def setup(self, noted: Noted, wanted: Mapping[tuple[str, str], Pair]) -> SetUp | None:
        """One set-up, with those of its rows that are wanted; None where it has none of them."""
        there = {key: pair for key, pair in wanted.items() if key in noted.rows}
        reader, rows, left_out = Cells(), {}, {}
        for key, (suite, row) in there.items():
            slug = "/".join(key)
            entries, gone = self.entries(noted, suite, row)
            seeds: list[Seed] = []
            for entry in entries:
                try:
                    seeds.append(reader.seed(entry))
                except Unreadable as error:
                    gone[entry.seed] = f"cannot be read ({error})"
            if seeds:
                rows[slug] = Runs(suite, row, seeds, reader)
            if gone:
                left_out[slug] = gone
        return set_up(noted.tags, rows, left_out) if rows or left_out else None

    def entries(self, noted: Noted, suite: Suite, row: Row) -> tuple[list[Entry], dict[int, str]]:
        """The ended cells that a row has in a set-up; by seed, why it does not have one that was made for it."""
        name = row.name + noted.tags.get("variant", "")
        candidates: list[tuple[Training, Record]] = []
        faults: dict[int, str] = {}
        for cell, seed in noted.rows[suite.slug, row.name].items():
            record = self.record(cell)
            training = training_of(record) if isinstance(record, Record) else None
            if isinstance(record, str):
                faults[seed] = record
            elif record is not None and training is not None:
                candidates.append((training, record))
            elif record is not None:
                faults[seed] = UNTOLD
        chosen: Matched[Record] = matched(Declared(suite, row, setup_of(noted.tags)), candidates)
        kept = [
            Entry(suite=suite, row=row, name=name, record=record, tags=noted.tags, seed=seed)
            for seed, record in chosen.kept.items()
        ]
        missed = {seed: fault for seed, fault in faults.items() if seed not in chosen.kept}
        return kept, dict(sorted((missed | dict(chosen.left_out)).items()))

    def record(self, cell: str) -> Record | str | None:
        """The cell if it has ended, what is wrong with it, or None. It is read once."""
        if cell not in self._records:
            try:
                self._records[cell] = read(self.home / "cells" / cell)
            except Damaged as damage:
                self._records[cell] = str(damage)
        return self._records[cell]

    def faults(self) -> list[str]:
        lost = [record for record in self._records.values() if isinstance(record, str)]
        return [
            *self._damaged,
            *(f"{text}; it is not shown, and the same harness run trains it again" for text in lost),
        ]

    def trials(self, only: str | None = None) -> list[TrialRun]:
        found = []
        lost: list[str] = []
        for entry in trials(self.home, set(), lost):
            if only in (None, entry.tags["setup"]):
                try:
                    held = holding(entry)
                except Unreadable as error:
                    lost.append(str(error))
                    continue
                metrics = {name: float(value) for name, value, _ in held.metrics}
                found.append(TrialRun(held.tags, metrics))
        self._damaged |= dict.fromkeys(f"{text}; its trial is not shown, {MADE_AGAIN}" for text in lost)
        return found

    def ablations(self) -> list[str]:
        suites = {suite for each in self.noted() for suite, _ in each.rows}
        return sorted(suite.partition("/")[2] for suite in suites if suite.startswith(f"{PAPER}/"))


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
    return set_up(facts, found, {})


def set_up(tags: Mapping[str, str], rows: Mapping[str, Runs], left_out: Mapping[str, Mapping[int, str]]) -> SetUp:
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
