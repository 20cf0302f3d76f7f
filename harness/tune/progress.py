"""Progress of a study: bars of the trials in training, each trial as it ends, the best so far."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from rich.console import Console

from experiments.study import format_params
from harness.cells.trial import Trial, best_trial
from harness.console.status import clock
from harness.execution.events import Event
from harness.execution.progress import ProgressDisplay


class StudyProgress(ProgressDisplay):
    """``before`` trials had ended when this process began."""

    def __init__(self, total: int | None, before: int, names: Mapping[str, str], console: Console) -> None:
        super().__init__(None if total is None else total - before, names, console, "trials")
        self.before = before
        self.bars.update(self.overall, total=total, completed=before)

    def update(self, event: Event | None) -> None:
        super().update(event)
        self.bars.update(self.overall, completed=self.before + self.done + self.failed)

    def _ended(self, event: Event, name: str) -> None:
        """A cell has ended; ``trial_ended`` reports its trial."""
        self._remove_bar(event)

    def trial_ended(self, trial: Trial, all_trials: Sequence[Trial]) -> None:
        """A trial has ended."""
        self.done += trial.state != "failed"
        self.failed += trial.state == "failed"
        top = best_trial(all_trials)
        leader = f"best {top.value:.3f}, trial {top.number}" if top and top.value is not None else "none complete"
        ended = self.before + self.done + self.failed
        self.bars.update(self.overall, completed=ended, description=f"trials: {leader}")
        new = top is not None and top.number == trial.number
        left = self.left()
        rest = f", {clock(left)} left" if left is not None else ""
        spent = clock(time.monotonic() - self.began)
        of = "" if self.total is None else f"/{self.before + self.total}"
        remark = "the best so far" if new else leader
        tell = self.say if new or trial.state == "failed" else self.note
        tell(f"{ended}{of}  trial {trial.number} {result(trial)}  ({remark}; {spent}{rest})")


def result(trial: Trial) -> str:
    """A trial's result, with its parameters."""
    if trial.state == "failed":
        return f"failed: {trial.reason}; {format_params(trial.params)}"
    value = "no overall" if trial.value is None else f"{trial.value:.3f}"
    after = f" pruned after epoch {max(trial.curve)}" if trial.state == "pruned" else ""
    name = f"as in {trial.start}: " if trial.start else ""
    return f"{value}{after}  {name}{format_params(trial.params)}"
