"""Studies whose cells' files are written as workers write them: no training, any order of events."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.search_space import Value
from experiments.studies import STUDIES
from harness.cells.atomic import append_line, checksummed
from harness.cells.cell import Cell
from harness.cells.record import JournalEntry, file_checksums, read_journal, timestamp, write_failure
from harness.cells.trial import Trial
from harness.execution.config import ExecutionConfig
from harness.execution.events import Event
from harness.planning.setup import Setup
from harness.registry.selectors import find
from harness.tune.scheduler import Limit, TrialQueue
from harness.tune.storage import Storage
from harness.tune.study_run import Method, StudyRun
from model.digest import digest
from tests.harness.tune.quick import QUICK

SETUP = Setup(profile=QUICK, data="embedded", encoder="tiny", seeds=1)
THREADS = 2
SECONDS = 1.5  # of training an epoch; scoring takes a sixth of that
Scores = Callable[[Mapping[str, Value], int], dict[str, float | None]]


def make_study_run(name: str = "baseline", method: Method | None = None, row: str = "") -> StudyRun:
    study = STUDIES[name]
    suite, on = find(row or study.row)
    return StudyRun(study=study, suite=suite, row=on, setup=SETUP, method=method or Method())


def random_share(*names: object) -> float:
    """A number in 0..1 that belongs to these names."""
    return int(digest([repr(name) for name in names], 8), 16) / 16**8


def dev_scores(params: Mapping[str, Value], epoch: int) -> dict[str, float | None]:
    """Dev scores that rise with the epochs, best at a rate of 3e-5, with some noise."""
    miss = math.log10(float(params["lr"]) / 3e-5) ** 2 / 4
    level = (1 - miss) * (1 - 0.5**epoch)
    return {
        name: 0.8 * level + 0.2 * random_share(sorted(params.items()), name, epoch)
        for name in ("sst_accuracy", "quora_accuracy", "sts_pearson")
    }


def expected(params: Mapping[str, Value], epoch: int) -> tuple[int, float]:
    """Where bertram's row would stop after so many epochs, at the best SST accuracy, and the overall there."""
    chosen = max(range(1, epoch + 1), key=lambda each: (dev_scores(params, each)["sst_accuracy"], -each))
    sst, quora, sts = dev_scores(params, chosen).values()
    assert sst is not None
    assert quora is not None
    assert sts is not None
    return chosen, (sst + quora + (sts + 1) / 2) / 3


def line(scores: Mapping[str, float | None], epoch: int) -> dict[str, Any]:
    """One of a journal."""
    return {
        "epoch": epoch,
        "scores": {"train": dict(scores), "dev": dict(scores)},
        "signals": {"loss/sst": 1 / epoch, "collapsed/sst": 0.0},
        "training_seconds": SECONDS,
        "scoring_seconds": SECONDS / 6,
        "items": 72,
    }


def begin(home: Path, cell: Cell) -> Path:
    """The cell's folder, as it is before the first epoch."""
    folder = home / "cells" / cell.id
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.iterdir():
        leftover.unlink()
    about = {"id": cell.id, "key": cell.key, "seed": cell.seed, "settings": {"epochs": 4}, "data": dict(cell.data)}
    code = {"version": "0", "revision": "abc"}
    environment = {"threads": THREADS, "device": "cpu", "torch": "2", "code": code, "started": timestamp()}
    (folder / "cell.json").write_text(checksummed(about | {"source": cell.source} | environment))
    return folder


def train(
    home: Path, cell: Cell, params: Mapping[str, Value], epochs: int, scores: Scores = dev_scores
) -> Sequence[JournalEntry]:
    """Add one epoch to the cell's journal and end the cell after the last of ``epochs``; the journal."""
    folder = home / "cells" / cell.id
    if not (folder / "cell.json").exists():
        begin(home, cell)
    number = len(read_journal(folder / "journal.jsonl")) + 1
    append_line(folder / "journal.jsonl", checksummed(line(scores(params, number), number)))
    if number == epochs:
        (folder / "predictions.npz").write_bytes(b"none")
        totals = {"training_seconds": SECONDS * epochs, "items": 72 * epochs, "seconds": 9.0, "peak_memory_bytes": 1}
        outcome = {"status": "done", "epochs": epochs, "checks": file_checksums(folder), "ended": timestamp()}
        (folder / "outcome.json").write_text(checksummed(outcome | totals))
    return read_journal(folder / "journal.jsonl")


def train_to_end(home: Path, cell: Cell, params: Mapping[str, Value], epochs: int, scores: Scores = dev_scores) -> None:
    """Train the cell to its end, from where it is."""
    while len(train(home, cell, params, epochs, scores)) < epochs:
        pass


class ManualPool:
    """A worker pool without processes: it trains one epoch of some cell at a time, as ``chance`` has it."""

    def __init__(self, home: Path, jobs: int = 1, chance: int = 0, scores: Scores = dev_scores) -> None:
        self.home, self.chance, self.scores = home, random.Random(chance), scores
        self.config = ExecutionConfig(home=home, jobs=jobs, threads=THREADS, device="cpu")
        self.busy: dict[str, Cell] = {}
        self.trained: list[str] = []  # cells, once for each time one was begun

    def make_queue(
        self,
        study_run: StudyRun,
        trials: int,
        at_once: int,
        on_trial_end: Callable[[Trial], None] = lambda trial: None,
        tell: Callable[[str], None] = print,
    ) -> TrialQueue:
        return TrialQueue(
            study_run, Storage(self.home, None, study_run, at_once, tell), self.config, Limit(trials), on_trial_end
        )

    def step(self, queue: TrialQueue) -> bool:
        """Dispatch jobs and train one epoch; False if there is nothing left to train."""
        jobs = {job.cell.id: job for job in queue.next_jobs(self.config.jobs - len(self.busy))}
        if not jobs and not self.busy:
            return False
        for name, job in jobs.items():
            assert job.judged
            if len(self.busy) < self.config.jobs and name not in self.busy:
                self.busy[name] = job.cell
                self.trained.append(name)
                queue.on_event(Event("started", job.cell))
        if not self.busy:
            return True
        cell = self.busy[self.chance.choice(sorted(self.busy))]
        params = next(trial.params for trial in queue.trials if trial.cell == cell.id)
        epochs = train(self.home, cell, params, queue.study_run.epochs, self.scores)
        last = len(epochs) == queue.study_run.epochs
        if last or not queue.should_continue(cell, epochs):
            del self.busy[cell.id]
            queue.on_event(Event("done" if last else "cut", cell))
        return True

    def killed(self) -> None:
        """The processes are killed; some cells that they had begun have a folder."""
        for cell in self.busy.values():
            if self.chance.random() < 0.5:
                begin(self.home, cell)
        self.busy.clear()

    def fail(self, cell: Cell, reason: str) -> None:
        write_failure(self.home, cell, reason, "")
        self.busy.pop(cell.id, None)


def run_trials(study_run: StudyRun, pool: ManualPool, trials: int, at_once: int = 1) -> list[Trial]:
    """All trials of a study that was carried out so."""
    queue = pool.make_queue(study_run, trials, at_once)
    while pool.step(queue):
        pass
    return queue.storage.trials()
