"""A study's trials in Optuna's storage: a file of the results folder, or a database that Optuna supports."""

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

from experiments.suite import row_slug
from harness.cells.atomic import is_full, locked, write_atomic
from harness.cells.trial import State, Trial
from harness.console.redact import reason, redact_secrets
from harness.tune.file import Lock, Tell, repair
from harness.tune.sampling import distributions
from harness.tune.study_run import StudyRun
from model.digest import digest
from model.errors import InputError

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
# fields of a trial that Optuna has no place for
ATTRIBUTES = ("cell", "start", "reused", "scores", "rungs", "epoch", "cost", "reason", "ended")


class Storage:
    """The trials of one study run. Processes on one results folder may share it; the lock of ``exclusive`` is held
    around reading and the writing that depends on it. ``InputError`` for a storage that cannot be used."""

    def __init__(
        self, home: Path, url_or_file: str | None, study_run: StudyRun, at_once: int, tell: Tell = print
    ) -> None:
        self.home, self.study_run = home, study_run
        folder = home / "studies"
        folder.mkdir(parents=True, exist_ok=True)
        self.address = redact_secrets(url_or_file) if url_or_file else str(folder / FILE)
        with self.exclusive():
            url = url_or_file if url_or_file and "://" in url_or_file else None
            self._study = self._open(url, Path(os.path.expanduser(url_or_file or folder / FILE)), tell)
            self.at_once = self._agreed_at_once(at_once)

    def _open(self, url: str | None, file: Path, tell: Tell) -> optuna.Study:
        with self.explain_errors():
            if url is not None:
                storage: Any = RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                lock: Any = Lock(file)
                with lock:  # several results folders may have their studies there
                    repair(file, tell)
                storage = JournalStorage(JournalFileBackend(str(file), lock))
            study = optuna.create_study(
                study_name=self.study_run.name, storage=storage, direction="maximize", load_if_exists=True
            )
            if study.directions != [optuna.study.StudyDirection.MAXIMIZE]:
                raise InputError(
                    f"the study {self.study_run.name} in {self.address} does not maximise one value, as harness tune "
                    "does; rename or delete it there, or take another --storage or --sampler-seed"
                )
            return study

    def _agreed_at_once(self, at_once: int) -> int:
        """The number of trials that may be in training at a time: fixed when the study began, in this folder alone."""
        with self.explain_errors():
            attributes = self._study.user_attrs
            if "home" not in attributes:
                fresh = {
                    "at_once": at_once,
                    "row": row_slug(self.study_run.suite, self.study_run.row),
                    "check": digest([self.study_run.name, at_once]),
                    "home": home_id(self.home),  # last: it says that the others are there
                }
                for name, value in fresh.items():
                    self._study.set_user_attr(name, value)
                attributes = self._study.user_attrs
        if attributes["home"] != home_id(self.home):
            raise InputError(
                f"the study {self.study_run.name} in {self.address} belongs to another results folder, "
                "which has its cells; share that folder with --home, or take another --storage or --sampler-seed"
            )
        began: Any = attributes.get("at_once")
        if not isinstance(began, int) or attributes.get("check") not in (None, digest([self.study_run.name, began])):
            raise InputError(
                f"the study {self.study_run.name} in {self.address}: it has at_once {began}, and did not begin "
                f"with it; {AGAIN}"
            )
        return began

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """No other process of this results folder reads or writes the trials."""
        with locked(self.home / "studies" / "lock"):
            yield

    @contextmanager
    def explain_errors(self) -> Iterator[None]:
        """``InputError`` for whatever a storage fails with, but for a full disk; the cells have every result."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:  # Optuna's, SQLAlchemy's or a database driver's, whichever
            if is_full(error):
                raise
            if (lacking := missing_package(error)) is not None:
                raise InputError(
                    f"--storage {self.address} needs the Python package {lacking}; for PostgreSQL: "
                    'pip install "ablation-harness[postgres]", and postgresql+psycopg://...'
                ) from None
            if isinstance(error, OSError):
                raise InputError(
                    f"the storage {self.address} cannot be used ({error.strerror}); name another with --storage"
                ) from None
            raise InputError(
                f"the storage {self.address} cannot be used now: {reason(error)}; nothing is lost, "
                "the same command goes on from here"
            ) from None

    def trials(self) -> list[Trial]:
        """By number."""
        with self.explain_errors():
            return [trial_of(each) for each in self._study.get_trials(deepcopy=False)]

    def begin(self, trial: Trial) -> None:
        """Have a waiting trial run with these parameters; can be done again after a kill in the middle."""
        spread = distributions(self.study_run.study.space())
        with self.explain_errors():
            written = self._study.get_trials(deepcopy=False)[trial.number]
            storage = self._study._storage
            for name, value in trial.params.items():
                bounds = spread[name]
                storage.set_trial_param(written._trial_id, name, bounds.to_internal_repr(value), bounds)
            for name in ("start", "reused", "cell"):
                storage.set_trial_user_attr(written._trial_id, name, getattr(trial, name))
            storage.set_trial_state_values(written._trial_id, TrialState.RUNNING)

    def refuse(self, trial: Trial) -> None:
        """End a waiting trial that cannot be tried."""
        with self.explain_errors():
            written = self._study.get_trials(deepcopy=False)[trial.number]
            self._study._storage.set_trial_user_attr(written._trial_id, "reason", trial.reason)
            self._study._storage.set_trial_state_values(written._trial_id, TrialState.FAIL)

    def create(self, trial: Trial) -> None:
        """Add a running trial under the next number, whole or not at all."""
        attributes = {"cell": trial.cell, "start": trial.start, "reused": trial.reused}
        with self.explain_errors():
            self._study.add_trial(
                create_trial(
                    state=TrialState.RUNNING,
                    params=dict(trial.params),
                    distributions=distributions(self.study_run.study.space()),
                    user_attrs=attributes,
                )
            )

    def end(self, trial: Trial) -> None:
        """Write what became of a running trial; can be done again after a kill in the middle."""
        with self.explain_errors():
            written = self._study.get_trials(deepcopy=False)[trial.number]
            if written.state.is_finished():
                return
            handle = optuna.Trial(self._study, written._trial_id)
            for epoch, value in trial.curve.items():
                if epoch not in written.intermediate_values:
                    handle.report(value, epoch)
            for name in ATTRIBUTES:
                handle.set_user_attr(name, _plain(getattr(trial, name)))
            complete = trial.state == "complete"
            self._study.tell(trial.number, trial.value if complete else None, state=ENDED[trial.state])


def trial_of(frozen: FrozenTrial) -> Trial:
    """The trial as the storage has it. Only one that was begun here has a cell, which its result is read from: another
    program's has none, whatever its state."""
    state = STATES[frozen.state]
    if state == "waiting":
        return Trial(number=frozen.number, params=enqueued_params(frozen), cell="", state="waiting")
    if not isinstance(frozen.user_attrs.get("cell"), str):
        reason = str(frozen.user_attrs.get("reason", ""))
        return Trial(number=frozen.number, params={}, cell="", state="foreign", reason=reason)
    attributes = {name: frozen.user_attrs[name] for name in ATTRIBUTES if name in frozen.user_attrs}
    value = frozen.value if frozen.values else None
    return Trial(
        number=frozen.number,
        params=dict(frozen.params),
        state=state,
        value=value,
        curve=dict(frozen.intermediate_values),
        **attributes,
    )


def enqueued_params(frozen: FrozenTrial) -> dict[str, Any]:
    """The parameters that a waiting trial was enqueued with."""
    return {**frozen.params, **frozen.system_attrs.get("fixed_params", {})}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


def missing_package(error: BaseException | None) -> str | None:
    """The package whose absence an error comes of, if it does."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError):
            return error.name
        error = error.__cause__ or error.__context__
    return None


def home_id(home: Path) -> str:
    """The id of a results folder, wherever it is moved."""
    path = home / "studies" / "home"
    if not path.exists():
        write_atomic(path, uuid.uuid4().hex)
    return path.read_text(encoding="utf-8").strip()
