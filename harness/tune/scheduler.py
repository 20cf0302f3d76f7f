"""The jobs of a study: trials that are running, and new ones as workers become idle; each is ended by what its
cell's journal says, whoever trained it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from experiments.study import format_params
from experiments.suite import RegistryError
from harness.cells.atomic import Damaged
from harness.cells.cell import Cell
from harness.cells.home import cell_folder
from harness.cells.lease import is_leased
from harness.cells.record import JournalEntry, Record, read_checksummed, read_journal, read_record, timestamp
from harness.cells.trial import METRIC, Trial, cost, total_cost, trial_outcome, value_by_epoch
from harness.execution.config import ExecutionConfig
from harness.execution.events import Event
from harness.execution.jobs import Job
from harness.tune.sampling import decide_pruning, propose, visible_trials
from harness.tune.storage import Storage
from harness.tune.study_run import StudyRun

MAX_FAILURES = 10  # trials that fail one after the other: the next ones would, too


@dataclasses.dataclass(frozen=True)
class Limit:
    """When a study ends: a number of trials, or their cost in seconds of the device. A budget is given up
    where all trials fail, which may cost nothing."""

    trials: int | None
    budget: float | None = None

    def reached(self, trials: Sequence[Trial]) -> bool:
        begun = sorted((trial for trial in trials if trial.ours), key=lambda trial: trial.number)
        if self.trials is not None and len(begun) >= self.trials:
            return True
        if self.budget is None:
            return False
        last = [trial.state for trial in begun][-MAX_FAILURES:]
        return total_cost(begun) >= self.budget or last == MAX_FAILURES * ["failed"]


class TrialQueue:
    """Jobs of a study (``harness.execution.jobs.JobQueue``). ``on_trial_end`` gets an ended trial before the storage
    does, so that a kill in between loses nothing."""

    def __init__(
        self,
        study_run: StudyRun,
        storage: Storage,
        config: ExecutionConfig,
        limit: Limit,
        on_trial_end: Callable[[Trial], None],
    ) -> None:
        self.study_run, self.storage, self.config = study_run, storage, config
        self.limit, self.on_trial_end = limit, on_trial_end
        self.trials: list[Trial] = []
        self.names: dict[str, str] = {}  # of cells in training
        self._ended: list[Trial] = []
        self._cells: dict[int, Cell] = {}
        self._own_cells: set[str] = set()  # cells that this process's workers have
        self._skipped: set[int] = set()  # foreign trials that were announced as passed over
        self.remarks: list[str] = []  # to be said

    def next_jobs(self, idle: int) -> Sequence[Job]:
        with self.storage.exclusive():
            self.refresh()
            while self._grow(idle):
                self.refresh()
        running = [trial for trial in self.trials if trial.running]
        self.names |= {trial.cell: f"trial {trial.number}" for trial in running}
        cells = {trial.cell: self.cell(trial) for trial in running}
        return [Job(cell, judged=True) for cell in cells.values()]

    def refresh(self) -> None:
        """Read all trials, and end those of which the cells have come far enough."""
        self.trials = self.storage.trials()
        self._remark_on_foreign()
        for at, trial in enumerate(self.trials):
            if trial.running and (ended_trial := self.ended_trial(trial)) is not None:
                self.on_trial_end(ended_trial)
                self.storage.end(ended_trial)
                self.trials[at] = ended_trial
                self._ended.append(ended_trial)

    def _grow(self, idle: int) -> bool:
        """Begin a trial if a worker would have nothing to do without it; whether one was begun."""
        free = sum(trial.running and self.is_free(trial.cell) for trial in self.trials)
        if free >= idle or self.limit.reached(self.trials):
            return False
        waiting = next((trial for trial in self.trials if trial.state == "waiting"), None)
        if waiting is not None and (why := self.why_unfit(waiting)):
            self.storage.refuse(dataclasses.replace(waiting, reason=why))
            return True
        number = len(self.trials) if waiting is None else waiting.number
        earlier = visible_trials(self.trials, number, self.storage.at_once)
        if earlier is None:
            return False
        method, fixed = self.study_run.method, None if waiting is None else waiting.params
        params = propose(self.study_run.study, number, earlier, method.sampler, method.seed, fixed)
        cell, start = self.study_run.cell(params), self.study_run.start(params)
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
            by_sampler = f"; {method.sampler} chose {', '.join(rest)}" if rest else ""
            self.remarks.append(f"trial {number} was enqueued: {format_params(params)}{by_sampler}")
        return True

    def why_unfit(self, waiting: Trial) -> str:
        """Why what was enqueued cannot be tried, or nothing. What it leaves open the sampler chooses."""
        try:
            self.study_run.study.changes({**self.study_run.study.starts[0].params, **waiting.params})
        except RegistryError as error:
            return str(error)
        return ""

    def _remark_on_foreign(self) -> None:
        """Say once of foreign trials that the study goes on without them."""
        for trial in self.trials:
            if trial.state == "foreign" and trial.number not in self._skipped:
                self._skipped.add(trial.number)
                why = trial.reason or "another program began it, so that no cell of this results folder has its result"
                self.remarks.append(f"trial {trial.number} is passed over and does not count: {why}")

    def should_continue(self, cell: Cell, epochs: Sequence[JournalEntry]) -> bool:
        """Whether one of the trials on this cell continues; one that has ended, as far as it came."""
        return any(
            self.pruning(trial, epochs)[0] is None if trial.running else len(epochs) < len(trial.curve)
            for trial in self.trials
            if trial.cell == cell.id
        )

    def on_event(self, event: Event) -> None:
        """Results are read from the cells' folders; this only follows which cells are in training."""
        if event.kind == "started":
            self._own_cells.add(event.cell.id)
        elif event.kind not in ("share", "note"):
            self._own_cells.discard(event.cell.id)

    def is_free(self, cell: str) -> bool:
        """Whether nobody trains the cell."""
        return cell not in self._own_cells and not is_leased(cell_folder(self.config.home, cell))

    def cell(self, trial: Trial) -> Cell:
        if trial.number not in self._cells:
            self._cells[trial.number] = self.study_run.cell(trial.params)
        return self._cells[trial.number]

    def record(self, cell: str) -> Record | None:
        """The record of a cell that has ended."""
        try:
            return read_record(cell_folder(self.config.home, cell))
        except Damaged:  # it is trained again
            return None

    def pruning(self, trial: Trial, epochs: Sequence[JournalEntry]) -> tuple[int | None, dict[str, float]]:
        earlier = visible_trials(self.trials, trial.number, self.storage.at_once)
        if earlier is None:  # one that was enqueued in between has a lower number and began later
            return None, {}
        values = value_by_epoch(self.study_run.suite, self.study_run.row, epochs)
        method, from_paper = self.study_run.method, bool(trial.start)
        return decide_pruning(
            self.study_run.study, trial.number, earlier, values, method.pruner, self.study_run.epochs, from_paper
        )

    def ended_trial(self, trial: Trial) -> Trial | None:
        """The trial as it ended, or None while its cell has not come far enough."""
        record = self.record(trial.cell)
        if record is not None and not record.done:
            reason = str(record.outcome.get("reason", ""))
            charged = cost(record.epochs, record.metadata) if record.epochs else 0.0
            return dataclasses.replace(trial, state="failed", reason=reason, cost=charged, ended=timestamp())
        folder = cell_folder(self.config.home, trial.cell)
        try:
            epochs = record.epochs if record else read_journal(folder / "journal.jsonl")
            about = record.metadata if record else read_checksummed(folder / "cell.json")
        except Damaged:
            return None
        if not epochs or not about:
            return None
        at, rungs = self.pruning(trial, epochs)
        if at is None and record is None:
            return None
        return self.finished(trial, epochs[:at], about, rungs, at is not None)

    def finished(
        self, trial: Trial, epochs: Sequence[JournalEntry], about: JournalEntry, rungs: dict[str, float], pruned: bool
    ) -> Trial:
        selected = trial_outcome(self.study_run.suite, self.study_run.row, epochs)
        absent = selected.value is None and not pruned
        return dataclasses.replace(
            trial,
            state="pruned" if pruned else "failed" if absent else "complete",
            reason=f"no {METRIC}: a task has one answer for everything" if absent else "",
            value=selected.value,
            scores=selected.scores,
            epoch=selected.epoch,
            curve=value_by_epoch(self.study_run.suite, self.study_run.row, epochs),
            rungs=rungs,
            cost=cost(epochs, about),
            ended=timestamp(),
        )

    def take_ended(self) -> list[Trial]:
        """The trials that ended since the last call."""
        ended, self._ended = self._ended, []
        return ended
