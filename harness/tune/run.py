"""Carry a study out: train its trials, deliver each as it ends, and say how it goes."""

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
from harness.tune.agreement import agree
from harness.tune.progress import StudyProgress
from harness.tune.scheduler import Limit, TrialQueue
from harness.tune.storage import Storage
from harness.tune.study_run import StudyRun


def unit(machine: ExecutionConfig) -> str:
    """What costs are counted in."""
    return "GPU-seconds" if machine.device == "cuda" else "CPU-seconds"


def run_study(
    arm: StudyRun,
    storage: Storage,
    limit: Limit,
    machine: ExecutionConfig,
    store: Store,
    console: Console,
    stop: Callable[[], bool] = lambda: False,
) -> list[Trial]:
    """Try until the limit; the study's trials, by number. ``DiskFull``."""
    facts, full = setup_tags(arm.setup), False

    def kept(trial: Trial) -> dict[str, Any]:
        return trial_record(arm, unit(machine), trial, facts)

    def note(trial: Trial) -> None:
        trial_payload.write_trial(machine.home, kept(trial))

    search = TrialQueue(arm, storage, machine, limit, note)
    agree(arm, storage.trials(), machine.home, facts["setup"], storage.shown)
    for trial in storage.trials():
        if trial.ours and not trial.running and not trial_payload.is_noted(machine.home, kept(trial)):  # damaged
            note(trial)
    ended = sum(trial.ours and not trial.running for trial in storage.trials())
    with (
        StudyProgress(limit.trials, ended, search.names, console) as watch,
        Delivery(store, watch.say, stop, WAITS) as delivery,
    ):
        delivery.deliver_all(machine.home)
        with closing(run_jobs(search, machine, backend_of(machine), stop)) as running:
            for news in running:
                watch.hear(news)
                full |= news is not None and news.kind == "full"
                heed(search, watch)
                for trial in search.taken():
                    watch.trial(trial, search.trials)
                    entry = trial_payload.trial_entry(kept(trial), cells_folder(machine.home))
                    if entry is not None:
                        delivery.deliver(entry)
        heed(search, watch)
        for trial in search.taken():
            watch.trial(trial, search.trials)
        if delivery.acquire(patience=3.0):
            behind = delivery.deliver_all(machine.home, ENDING).left
            if behind:
                watch.say(f"{behind} results are not in the tracking store yet: {delivery.failed}")
    if full:
        raise DiskFull(machine.home)
    found = storage.trials()
    agree(arm, found, machine.home, facts["setup"], storage.shown)
    return found


def heed(search: TrialQueue, watch: StudyProgress) -> None:
    """Say what there is to say of trials that others put into the storage."""
    while search.remarks:
        watch.say(search.remarks.pop(0))


def study_tags(arm: StudyRun, unit: str) -> dict[str, str]:
    """What a trial's run says of its arm."""
    space = {name: dataclasses.asdict(within) for name, within in arm.study.space().items()}
    return {
        "study": arm.study.name,
        "arm": arm.id,
        "repeats": arm.repeats,
        "base": row_slug(arm.suite, arm.row),
        "sampler": arm.method.sampler,
        "pruner": arm.method.pruner,
        "sampler_seed": str(arm.method.seed),
        "epochs": str(arm.epochs),
        "unit": unit,
        "space": json.dumps(space),
    }


def trial_record(arm: StudyRun, unit: str, trial: Trial, tags: Mapping[str, str]) -> dict[str, Any]:
    """What is kept of an ended trial."""
    return {
        "tags": dict(tags),
        "about": study_tags(arm, unit),
        "name": arm.name,
        "trial": dataclasses.asdict(trial),
    }
