"""Carry a study out: train its trials, deliver each as it ends, and show the progress."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from rich.console import Console

from experiments.suite import row_slug
from harness.cells.home import cells_folder
from harness.cells.trial import Trial
from harness.execution.backends import backend_of
from harness.execution.config import ExecutionConfig
from harness.execution.pool import run_jobs
from harness.execution.run import DiskFull
from harness.planning.setup_tags import setup_tags
from harness.tracking import trial_payload
from harness.tracking.store import Store
from harness.tracking.sync import ENDING, WAITS, Delivery
from harness.tune.agreement import check_agreement
from harness.tune.progress import StudyProgress
from harness.tune.scheduler import Limit, TrialQueue
from harness.tune.storage import Storage
from harness.tune.study_run import StudyRun


def cost_unit(config: ExecutionConfig) -> str:
    """The unit of costs."""
    return "GPU-seconds" if config.device == "cuda" else "CPU-seconds"


def run_study(
    study_run: StudyRun,
    storage: Storage,
    limit: Limit,
    config: ExecutionConfig,
    store: Store,
    console: Console,
    stop: Callable[[], bool] = lambda: False,
) -> list[Trial]:
    """Train trials until the limit; returns the study's trials, by number. ``DiskFull``."""
    facts, full = setup_tags(study_run.setup), False

    def record_of(trial: Trial) -> dict[str, Any]:
        return trial_record(study_run, cost_unit(config), trial, facts)

    def note(trial: Trial) -> None:
        trial_payload.write_trial(config.home, record_of(trial))

    trial_queue = TrialQueue(study_run, storage, config, limit, note)
    check_agreement(study_run, storage.trials(), config.home, facts["setup"], storage.address)
    for trial in storage.trials():
        if trial.ours and not trial.running and not trial_payload.is_written(config.home, record_of(trial)):  # damaged
            note(trial)
    ended = sum(trial.ours and not trial.running for trial in storage.trials())
    with (
        StudyProgress(limit.trials, ended, trial_queue.names, console) as display,
        Delivery(store, display.say, stop, WAITS) as delivery,
    ):
        delivery.deliver_all(config.home)
        with closing(run_jobs(trial_queue, config, backend_of(config), stop)) as events:
            for event in events:
                display.update(event)
                full |= event is not None and event.kind == "full"
                say_remarks(trial_queue, display)
                for trial in trial_queue.take_ended():
                    display.trial_ended(trial, trial_queue.trials)
                    entry = trial_payload.trial_entry(record_of(trial), cells_folder(config.home))
                    if entry is not None:
                        delivery.deliver(entry)
        say_remarks(trial_queue, display)
        for trial in trial_queue.take_ended():
            display.trial_ended(trial, trial_queue.trials)
        if delivery.acquire(patience=3.0):
            behind = delivery.deliver_all(config.home, ENDING).left
            if behind:
                display.say(f"{behind} results are not in the tracking store yet: {delivery.failed}")
    if full:
        raise DiskFull(config.home)
    trials = storage.trials()
    check_agreement(study_run, trials, config.home, facts["setup"], storage.address)
    return trials


def say_remarks(trial_queue: TrialQueue, display: StudyProgress) -> None:
    """Print the remarks on trials that other programs put into the storage."""
    while trial_queue.remarks:
        display.say(trial_queue.remarks.pop(0))


def study_tags(study_run: StudyRun, unit: str) -> dict[str, str]:
    """Tags of a trial's run that identify its study run."""
    space = {name: dataclasses.asdict(bounds) for name, bounds in study_run.study.space().items()}
    return {
        "study": study_run.study.name,
        "arm": study_run.id,
        "repeats": study_run.repeats,
        "base": row_slug(study_run.suite, study_run.row),
        "sampler": study_run.method.sampler,
        "pruner": study_run.method.pruner,
        "sampler_seed": str(study_run.method.seed),
        "epochs": str(study_run.epochs),
        "unit": unit,
        "space": json.dumps(space),
    }


def trial_record(study_run: StudyRun, unit: str, trial: Trial, tags: Mapping[str, str]) -> dict[str, Any]:
    """The record of an ended trial in the results folder."""
    return {
        "tags": dict(tags),
        "about": study_tags(study_run, unit),
        "name": study_run.name,
        "trial": dataclasses.asdict(trial),
    }
