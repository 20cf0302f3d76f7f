"""A study's trials in Optuna's storage: a file of the home, or a database that Optuna knows."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from harness.delivery import reason
from harness.durable import is_full, locked, write_aside
from harness.secrets import hidden
from harness.tune.arm import Arm
from harness.tune.file import Lock, Tell, mend
from harness.tune.sampling import distributions
from harness.tune.trial import State, Trial
from model.errors import InputError
from model.recipe import digest

FILE = "optuna.log"
ENDED: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
STATES: dict[TrialState, State] = {state: name for name, state in ENDED.items()} | {
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
AGAIN = (
    "the storage was changed or damaged. Delete it, or that study in it: the same command makes it again from the "
    "cells, without training"
)
KEPT = ("cell", "start", "reused", "scores", "rungs", "epoch", "cost", "reason", "ended")  # beside what Optuna knows


class Storage:
    """The trials of one arm. Several processes on one home may use it; the lock of ``alone`` is held for whatever
    looks first and writes then. ``InputError`` for a storage that cannot be used."""

    def __init__(self, home: Path, given: str | None, arm: Arm, at_once: int, tell: Tell = print) -> None:
        self.home, self.arm = home, arm
        folder = home / "studies"
        folder.mkdir(parents=True, exist_ok=True)
        self.shown = hidden(given) if given else str(folder / FILE)
        with self.alone():
            url = given if given and "://" in given else None
            self._study = self._open(url, Path(os.path.expanduser(given or folder / FILE)), tell)
            self.at_once = self._settled(at_once)

    def _open(self, url: str | None, file: Path, tell: Tell) -> optuna.Study:
        with self.asked():
            if url is not None:
                storage: Any = RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                lock: Any = Lock(file)
                with lock:  # another home may write its studies there
                    mend(file, tell)
                storage = JournalStorage(JournalFileBackend(str(file), lock))
            study = optuna.create_study(
                study_name=self.arm.name, storage=storage, direction="maximize", load_if_exists=True
            )
            if study.directions != [optuna.study.StudyDirection.MAXIMIZE]:
                raise InputError(
                    f"the study {self.arm.name} in {self.shown} does not maximise one value, as harness tune does; "
                    "rename or delete it there, or take another --storage or --sampler-seed"
                )
            return study

    def _settled(self, at_once: int) -> int:
        """How many trials may be in training at a time, as the study began with; it must be of this home."""
        with self.asked():
            known = self._study.user_attrs
            if "home" not in known:
                told = {
                    "at_once": at_once,
                    "row": f"{self.arm.suite.slug}/{self.arm.row.name}",
                    "check": digest([self.arm.name, at_once]),
                    "home": identity(self.home),  # last: it says that the others are there
                }
                for name, value in told.items():
                    self._study.set_user_attr(name, value)
                known = self._study.user_attrs
        if known["home"] != identity(self.home):
            raise InputError(
                f"the study {self.arm.name} in {self.shown} belongs to another home, which has its cells; "
                "share that folder with --home, or take another --storage or --sampler-seed"
            )
        began: Any = known.get("at_once")
        if not isinstance(began, int) or known.get("check") not in (None, digest([self.arm.name, began])):
            raise InputError(
                f"the study {self.arm.name} in {self.shown}: it has at_once {began}, and did not begin with it; {AGAIN}"
            )
        return began

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process of this home looks or writes."""
        with locked(self.home / "studies" / "lock"):
            yield

    @contextmanager
    def asked(self) -> Iterator[None]:
        """``InputError`` for whatever a storage fails with, but for a full disk; the cells have every result."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:  # Optuna's, SQLAlchemy's or a database driver's, whichever
            if is_full(error):
                raise
            if (lacking := driver(error)) is not None:
                raise InputError(
                    f"--storage {self.shown} needs the Python package {lacking}; for PostgreSQL: "
                    'pip install "ablation-harness[postgres]", and postgresql+psycopg://...'
                ) from None
            if isinstance(error, OSError):
                raise InputError(
                    f"the storage {self.shown} cannot be used ({error.strerror}); name another with --storage"
                ) from None
            raise InputError(
                f"the storage {self.shown} cannot be used now: {reason(error)}; nothing is lost, "
                "the same command goes on from here"
            ) from None

    def trials(self) -> list[Trial]:
        """By number."""
        with self.asked():
            return [trial_of(each) for each in self._study.get_trials(deepcopy=False)]

    def begin(self, trial: Trial) -> None:
        """Have a waiting trial run with these parameters; can be done again after a kill in the middle."""
        spread = distributions(self.arm.study.space())
        with self.asked():
            written = self._study.get_trials(deepcopy=False)[trial.number]
            storage = self._study._storage
            for name, value in trial.params.items():
                within = spread[name]
                storage.set_trial_param(written._trial_id, name, within.to_internal_repr(value), within)
            for name in ("start", "reused", "cell"):
                storage.set_trial_user_attr(written._trial_id, name, getattr(trial, name))
            storage.set_trial_state_values(written._trial_id, TrialState.RUNNING)

    def refuse(self, trial: Trial) -> None:
        """End a waiting trial that cannot be tried."""
        with self.asked():
            written = self._study.get_trials(deepcopy=False)[trial.number]
            self._study._storage.set_trial_user_attr(written._trial_id, "reason", trial.reason)
            self._study._storage.set_trial_state_values(written._trial_id, TrialState.FAIL)

    def create(self, trial: Trial) -> None:
        """Add a running trial under the next number, whole or not at all."""
        kept = {"cell": trial.cell, "start": trial.start, "reused": trial.reused}
        with self.asked():
            self._study.add_trial(
                create_trial(
                    state=TrialState.RUNNING,
                    params=dict(trial.params),
                    distributions=distributions(self.arm.study.space()),
                    user_attrs=kept,
                )
            )

    def end(self, trial: Trial) -> None:
        """Write what became of a running trial; can be done again after a kill in the middle."""
        with self.asked():
            written = self._study.get_trials(deepcopy=False)[trial.number]
            if written.state.is_finished():
                return
            handle = optuna.Trial(self._study, written._trial_id)
            for epoch, value in trial.curve.items():
                if epoch not in written.intermediate_values:
                    handle.report(value, epoch)
            for name in KEPT:
                handle.set_user_attr(name, _plain(getattr(trial, name)))
            complete = trial.state == "complete"
            self._study.tell(trial.number, trial.value if complete else None, state=ENDED[trial.state])


def trial_of(found: FrozenTrial) -> Trial:
    """What the storage holds of it. Only what was begun here has a cell, which is what a result is read from: another
    program's has none, whatever its state."""
    state = STATES[found.state]
    if state == "waiting":
        return Trial(number=found.number, params=enqueued(found), cell="", state="waiting")
    if not isinstance(found.user_attrs.get("cell"), str):
        reason = str(found.user_attrs.get("reason", ""))
        return Trial(number=found.number, params={}, cell="", state="foreign", reason=reason)
    kept = {name: found.user_attrs[name] for name in KEPT if name in found.user_attrs}
    value = found.value if found.values else None
    return Trial(
        number=found.number,
        params=dict(found.params),
        state=state,
        value=value,
        curve=dict(found.intermediate_values),
        **kept,
    )


def enqueued(found: FrozenTrial) -> dict[str, Any]:
    """The parameters that a waiting trial is to have."""
    return {**found.params, **found.system_attrs.get("fixed_params", {})}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


def driver(error: BaseException | None) -> str | None:
    """The package whose absence an error comes of, if it does."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError):
            return error.name
        error = error.__cause__ or error.__context__
    return None


def identity(home: Path) -> str:
    """What tells a home from others, wherever it is moved."""
    path = home / "studies" / "home"
    if not path.exists():
        write_aside(path, uuid.uuid4().hex)
    return path.read_text(encoding="utf-8").strip()
