"""Studies whose cells are made by hand, as workers leave them: no training, any order of events."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.studies import STUDIES
from experiments.study import Value
from harness.catalogue import find
from harness.cell import Cell, checks, fail, journal, now
from harness.durable import append, sealed
from harness.execute.news import Machine, News
from harness.execute.orders import Entry
from harness.plan import Setup
from harness.tune.arm import Arm, Method
from harness.tune.search import Limit, Search
from harness.tune.storage import Storage
from harness.tune.trial import Trial
from model.recipe import digest
from tests.harness.tune.quick import QUICK

SETUP = Setup(profile=QUICK, data="embedded", encoder="tiny", seeds=1)
THREADS = 2
SECONDS = 1.5  # of training an epoch; scoring takes a sixth of that
Scores = Callable[[Mapping[str, Value], int], dict[str, float | None]]


def arm(name: str = "baseline", method: Method | None = None, row: str = "") -> Arm:
    study = STUDIES[name]
    suite, on = find(row or study.row)
    return Arm(study=study, suite=suite, row=on, setup=SETUP, method=method or Method())


def drawn(*names: object) -> float:
    """A number in 0..1 that belongs to these names."""
    return int(digest([repr(name) for name in names], 8), 16) / 16**8


def made(params: Mapping[str, Value], epoch: int) -> dict[str, float | None]:
    """Dev scores that rise with the epochs, best at a rate of 3e-5, with some noise."""
    miss = math.log10(float(params["lr"]) / 3e-5) ** 2 / 4
    level = (1 - miss) * (1 - 0.5**epoch)
    return {
        name: 0.8 * level + 0.2 * drawn(sorted(params.items()), name, epoch)
        for name in ("sst_accuracy", "quora_accuracy", "sts_pearson")
    }


def expected(params: Mapping[str, Value], epoch: int) -> tuple[int, float]:
    """Where bertram's row would stop after so many epochs, at the best SST accuracy, and the overall there."""
    chosen = max(range(1, epoch + 1), key=lambda each: (made(params, each)["sst_accuracy"], -each))
    sst, quora, sts = made(params, chosen).values()
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
    for left in folder.iterdir():
        left.unlink()
    about = {"id": cell.id, "key": cell.key, "seed": cell.seed, "settings": {"epochs": 4}, "data": dict(cell.data)}
    code = {"version": "0", "revision": "abc"}
    machine = {"threads": THREADS, "device": "cpu", "torch": "2", "code": code, "started": now()}
    (folder / "cell.json").write_text(sealed(about | {"source": cell.source} | machine))
    return folder


def train(home: Path, cell: Cell, params: Mapping[str, Value], epochs: int, scores: Scores = made) -> Sequence[Entry]:
    """Add one epoch to the cell's journal and end the cell after the last of ``epochs``; the journal."""
    folder = home / "cells" / cell.id
    if not (folder / "cell.json").exists():
        begin(home, cell)
    number = len(journal(folder / "journal.jsonl")) + 1
    append(folder / "journal.jsonl", sealed(line(scores(params, number), number)))
    if number == epochs:
        (folder / "predictions.npz").write_bytes(b"none")
        totals = {"training_seconds": SECONDS * epochs, "items": 72 * epochs, "seconds": 9.0, "peak_memory_bytes": 1}
        outcome = {"status": "done", "epochs": epochs, "checks": checks(folder), "ended": now()}
        (folder / "outcome.json").write_text(sealed(outcome | totals))
    return journal(folder / "journal.jsonl")


def whole(home: Path, cell: Cell, params: Mapping[str, Value], epochs: int, scores: Scores = made) -> None:
    """Train the cell to its end, from where it is."""
    while len(train(home, cell, params, epochs, scores)) < epochs:
        pass


class Hands:
    """An executor that trains by hand, an epoch of some cell at a time, as ``chance`` has it."""

    def __init__(self, home: Path, jobs: int = 1, chance: int = 0, scores: Scores = made) -> None:
        self.home, self.chance, self.scores = home, random.Random(chance), scores
        self.machine = Machine(home=home, jobs=jobs, threads=THREADS, device="cpu")
        self.busy: dict[str, Cell] = {}
        self.trained: list[str] = []  # cells, once for each time one was begun

    def search(
        self,
        of: Arm,
        trials: int,
        at_once: int,
        noting: Callable[[Trial], None] = lambda trial: None,
        tell: Callable[[str], None] = print,
    ) -> Search:
        return Search(of, Storage(self.home, None, of, at_once, tell), self.machine, Limit(trials), noting)

    def step(self, search: Search) -> bool:
        """Deal orders and train one epoch; False if there is nothing left to train."""
        orders = {order.cell.id: order for order in search.orders(self.machine.jobs - len(self.busy))}
        if not orders and not self.busy:
            return False
        for name, order in orders.items():
            assert order.judged
            if len(self.busy) < self.machine.jobs and name not in self.busy:
                self.busy[name] = order.cell
                self.trained.append(name)
                search.heard(News("started", order.cell))
        if not self.busy:
            return True
        cell = self.busy[self.chance.choice(sorted(self.busy))]
        params = next(trial.params for trial in search.trials if trial.cell == cell.id)
        epochs = train(self.home, cell, params, search.arm.epochs, self.scores)
        last = len(epochs) == search.arm.epochs
        if last or not search.goes_on(cell, epochs):
            del self.busy[cell.id]
            search.heard(News("done" if last else "cut", cell))
        return True

    def killed(self) -> None:
        """The processes are gone; of what they had begun, checkpoints are left for some."""
        for cell in self.busy.values():
            if self.chance.random() < 0.5:
                begin(self.home, cell)
        self.busy.clear()

    def fail(self, cell: Cell, reason: str) -> None:
        fail(self.home, cell, reason, "")
        self.busy.pop(cell.id, None)


def carried_out(of: Arm, hands: Hands, trials: int, at_once: int = 1) -> list[Trial]:
    """All trials of a study that was carried out so."""
    search = hands.search(of, trials, at_once)
    while hands.step(search):
        pass
    return search.storage.trials()
