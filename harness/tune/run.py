"""Carry a study out: train its trials, deliver each as it ends, and say how it goes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from rich.console import Console

from harness.cells.trial import Trial
from harness.execution.backends import backend_of
from harness.execution.config import ExecutionConfig
from harness.execution.pool import run_jobs
from harness.execution.run import DiskFull
from harness.planning.setup_tags import tags
from harness.tracking import trial_payload
from harness.tracking.store import Store
from harness.tracking.sync import ENDING, WAITS, Delivery
from harness.tune.agreement import check_agreement
from harness.tune.progress import StudyProgress
from harness.tune.scheduler import Limit, TrialQueue
from harness.tune.storage import Storage
from harness.tune.study_run import StudyRun


def cost_unit(machine: ExecutionConfig) -> str:
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
    facts, full = tags(arm.setup), False

    def kept(trial: Trial) -> dict[str, Any]:
        return trial_record(arm, cost_unit(machine), trial, facts)

    def note(trial: Trial) -> None:
        trial_payload.note(machine.home, kept(trial))

    search = TrialQueue(arm, storage, machine, limit, note)
    check_agreement(arm, storage.trials(), machine.home, storage.shown)
    ended = sum(trial.ours and not trial.running for trial in storage.trials())
    with (
        StudyProgress(limit.trials, ended, search.names, console) as watch,
        Delivery(store, watch.say, stop, WAITS) as delivery,
    ):
        delivery.all(machine.home)
        with closing(run_jobs(search, machine, backend_of(machine), stop)) as running:
            for news in running:
                watch.hear(news)
                full |= news is not None and news.kind == "full"
                say_remarks(search, watch)
                for trial in search.taken():
                    watch.trial(trial, search.trials)
                    entry = trial_payload.entry(kept(trial), machine.home / "cells")
                    if entry is not None:
                        delivery.keep(entry)
        say_remarks(search, watch)
        for trial in search.taken():
            watch.trial(trial, search.trials)
        if delivery.acquire(patience=3.0):
            behind = delivery.all(machine.home, ENDING).left
            if behind:
                watch.say(f"{behind} results are not in the tracking store yet: {delivery.failed}")
    if full:
        raise DiskFull(machine.home)
    found = storage.trials()
    check_agreement(arm, found, machine.home, storage.shown)
    return found


def say_remarks(search: TrialQueue, watch: StudyProgress) -> None:
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
        "base": f"{arm.suite.slug}/{arm.row.name}",
        "sampler": arm.method.sampler,
        "pruner": arm.method.pruner,
        "sampler_seed": str(arm.method.seed),
        "epochs": str(arm.epochs),
        "unit": cost_unit,
        "space": json.dumps(space),
    }


def trial_record(arm: StudyRun, unit: str, trial: Trial, tags: Mapping[str, str]) -> dict[str, Any]:
    """What is kept of an ended trial."""
    return {"tags": dict(tags), "about": study_tags(arm, cost_unit), "name": arm.name, "trial": dataclasses.asdict(trial)}
