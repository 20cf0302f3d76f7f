"""The orders of a study: trials that are running, and new ones as workers become idle; each is ended by what its
cell's journal says, whoever trained it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from experiments.study import format_params
from experiments.suite import RegistryError
from harness.cells.atomic import Damaged
from harness.cells.cell import Cell
from harness.cells.lease import is_leased
from harness.cells.record import Entry, Record, journal, now, read, read_checksummed
from harness.cells.trial import METRIC, Trial, cost, curve, reached, spent
from harness.execution.config import ExecutionConfig
from harness.execution.events import Event
from harness.execution.jobs import Job
from harness.tune.sampling import judge, propose, seen_from
from harness.tune.storage import Storage
from harness.tune.study_run import StudyRun

IN_VAIN = 10  # trials that fail one after the other: the next ones would, too


@dataclasses.dataclass(frozen=True)
class Limit:
    """When a study has had enough: so many trials, or what they cost in seconds of the device. A budget is given up
    where all trials fail, which may cost nothing."""

    trials: int | None
    budget: float | None = None

    def reached(self, trials: Sequence[Trial]) -> bool:
        begun = sorted((trial for trial in trials if trial.ours), key=lambda trial: trial.number)
        if self.trials is not None and len(begun) >= self.trials:
            return True
        if self.budget is None:
            return False
        last = [trial.state for trial in begun][-IN_VAIN:]
        return spent(begun) >= self.budget or last == IN_VAIN * ["failed"]


class TrialQueue:
    """Orders for an executor (``harness.execution.jobs.JobQueue``). ``noting`` is told of an ended trial before the
    storage is, so that a kill in between loses nothing."""

    def __init__(
        self, arm: StudyRun, storage: Storage, machine: ExecutionConfig, limit: Limit, noting: Callable[[Trial], None]
    ) -> None:
        self.arm, self.storage, self.machine, self.limit, self.noting = arm, storage, machine, limit, noting
        self.trials: list[Trial] = []
        self.names: dict[str, str] = {}  # of cells in training
        self._ended: list[Trial] = []
        self._cells: dict[int, Cell] = {}
        self._mine: set[str] = set()  # cells that this process's workers have
        self._passed: set[int] = set()  # trials over which it was said that they are passed over
        self.remarks: list[str] = []  # to be said

    def orders(self, idle: int) -> Sequence[Job]:
        with self.storage.alone():
            self.look()
            while self._grow(idle):
                self.look()
        running = [trial for trial in self.trials if trial.running]
        self.names |= {trial.cell: f"trial {trial.number}" for trial in running}
        cells = {trial.cell: self.cell(trial) for trial in running}
        return [Job(cell, judged=True) for cell in cells.values()]

    def look(self) -> None:
        """Read all trials, and end those of which the cells have come far enough."""
        self.trials = self.storage.trials()
        self._pass_over()
        for at, trial in enumerate(self.trials):
            if trial.running and (over := self.over(trial)) is not None:
                self.noting(over)
                self.storage.end(over)
                self.trials[at] = over
                self._ended.append(over)

    def _grow(self, idle: int) -> bool:
        """Begin a trial if a worker would have nothing to do without it; whether one was begun."""
        free = sum(trial.running and self.free(trial.cell) for trial in self.trials)
        if free >= idle or self.limit.reached(self.trials):
            return False
        waiting = next((trial for trial in self.trials if trial.state == "waiting"), None)
        if waiting is not None and (why := self.unfit(waiting)):
            self.storage.refuse(dataclasses.replace(waiting, reason=why))
            return True
        number = len(self.trials) if waiting is None else waiting.number
        known = seen_from(self.trials, number, self.storage.at_once)
        if known is None:
            return False
        method, fixed = self.arm.method, None if waiting is None else waiting.params
        params = propose(self.arm.study, number, known, method.sampler, method.seed, fixed)
        cell, start = self.arm.cell(params), self.arm.start(params)
        trial = Trial(
            number=number,
            params=params,
            cell=cell.id,
            start=start.name if start else "",
            reused=self.record(cell.id) is not None or any(trial.cell == cell.id for trial in self.trials),
        )
        if waiting is None:
            self.storage.create(trial)
        else:
            self.storage.begin(trial)
            rest = [name for name in params if name not in waiting.params]
            drawn = f"; {method.sampler} chose {', '.join(rest)}" if rest else ""
            self.remarks.append(f"trial {number} was enqueued: {format_params(params)}{drawn}")
        return True

    def unfit(self, waiting: Trial) -> str:
        """Why what was enqueued cannot be tried, or nothing. What it leaves open the sampler chooses."""
        try:
            self.arm.study.changes({**self.arm.study.starts[0].params, **waiting.params})
        except RegistryError as error:
            return str(error)
        return ""

    def _pass_over(self) -> None:
        """Say once of foreign trials that the study goes on without them."""
        for trial in self.trials:
            if trial.state == "foreign" and trial.number not in self._passed:
                self._passed.add(trial.number)
                why = trial.reason or "another program began it, so that no cell of this home has its result"
                self.remarks.append(f"trial {trial.number} is passed over and does not count: {why}")

    def goes_on(self, cell: Cell, epochs: Sequence[Entry]) -> bool:
        """As long as one of the trials on this cell does; one that has ended, as far as it came."""
        return any(
            self.pruned(trial, epochs)[0] is None if trial.running else len(epochs) < len(trial.curve)
            for trial in self.trials
            if trial.cell == cell.id
        )

    def heard(self, news: Event) -> None:
        """What became of a cell is read off its folder; here it is only known which are in training."""
        if news.kind == "started":
            self._mine.add(news.cell.id)
        elif news.kind not in ("share", "note"):
            self._mine.discard(news.cell.id)

    def free(self, cell: str) -> bool:
        """Whether nobody trains the cell."""
        return cell not in self._mine and not is_leased(self.machine.home / "cells" / cell)

    def cell(self, trial: Trial) -> Cell:
        if trial.number not in self._cells:
            self._cells[trial.number] = self.arm.cell(trial.params)
        return self._cells[trial.number]

    def record(self, cell: str) -> Record | None:
        """Of a cell that has ended."""
        try:
            return read(self.machine.home / "cells" / cell)
        except Damaged:  # it is trained again
            return None

    def pruned(self, trial: Trial, epochs: Sequence[Entry]) -> tuple[int | None, dict[str, float]]:
        known = seen_from(self.trials, trial.number, self.storage.at_once)
        if known is None:  # one that was enqueued in between has a lower number and began later
            return None, {}
        values = curve(self.arm.suite, self.arm.row, epochs)
        method, printed = self.arm.method, bool(trial.start)
        return judge(self.arm.study, trial.number, known, values, method.pruner, self.arm.epochs, printed)

    def over(self, trial: Trial) -> Trial | None:
        """The trial as it ended, or None while its cell has not come far enough."""
        record = self.record(trial.cell)
        if record is not None and not record.done:
            reason = str(record.outcome.get("reason", ""))
            charged = cost(record.epochs, record.about) if record.epochs else 0.0
            return dataclasses.replace(trial, state="failed", reason=reason, cost=charged, ended=now())
        folder = self.machine.home / "cells" / trial.cell
        try:
            epochs = record.epochs if record else journal(folder / "journal.jsonl")
            about = record.about if record else read_checksummed(folder / "cell.json")
        except Damaged:
            return None
        if not epochs or not about:
            return None
        at, rungs = self.pruned(trial, epochs)
        if at is None and record is None:
            return None
        return self.closed(trial, epochs[:at], about, rungs, at is not None)

    def closed(
        self, trial: Trial, epochs: Sequence[Entry], about: Entry, rungs: dict[str, float], pruned: bool
    ) -> Trial:
        told = reached(self.arm.suite, self.arm.row, epochs)
        absent = told.value is None and not pruned
        return dataclasses.replace(
            trial,
            state="pruned" if pruned else "failed" if absent else "complete",
            reason=f"no {METRIC}: a task has one answer for everything" if absent else "",
            value=told.value,
            scores=told.scores,
            epoch=told.epoch,
            curve=curve(self.arm.suite, self.arm.row, epochs),
            rungs=rungs,
            cost=cost(epochs, about),
            ended=now(),
        )

    def taken(self) -> list[Trial]:
        """The trials that ended since this was last asked for."""
        ended, self._ended = self._ended, []
        return ended
