"""Carry a study out: train its trials, deliver each as it ends, and say how it goes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from rich.console import Console

from harness.campaign import DiskFull, tags
from harness.delivery import ENDING, WAITS, Delivery
from harness.execute.crew import execute
from harness.execute.news import Machine
from harness.execute.sites import site_of
from harness.store import Store
from harness.tune import told
from harness.tune.agreement import agree
from harness.tune.arm import Arm
from harness.tune.search import Limit, Search
from harness.tune.storage import Storage
from harness.tune.trial import Trial
from harness.tune.watch import Following


def unit(machine: Machine) -> str:
    """What costs are counted in."""
    return "GPU-seconds" if machine.device == "cuda" else "CPU-seconds"


def seek(
    arm: Arm,
    storage: Storage,
    limit: Limit,
    machine: Machine,
    store: Store,
    console: Console,
    stop: Callable[[], bool] = lambda: False,
) -> list[Trial]:
    """Try until the limit; the study's trials, by number. ``DiskFull``."""
    facts, full = tags(arm.setup), False

    def kept(trial: Trial) -> dict[str, Any]:
        return told.noted(arm, unit(machine), trial, facts)

    def note(trial: Trial) -> None:
        told.note(machine.home, kept(trial))

    search = Search(arm, storage, machine, limit, note)
    agree(arm, storage.trials(), machine.home, facts["setup"], storage.shown)
    for trial in storage.trials():
        if trial.ours and not trial.running and not told.is_noted(machine.home, kept(trial)):  # damaged
            note(trial)
    ended = sum(trial.ours and not trial.running for trial in storage.trials())
    with (
        Following(limit.trials, ended, search.names, console) as watch,
        Delivery(store, watch.say, stop, WAITS) as delivery,
    ):
        delivery.all(machine.home)
        with closing(execute(search, machine, site_of(machine), stop)) as running:
            for news in running:
                watch.hear(news)
                full |= news is not None and news.kind == "full"
                heed(search, watch)
                for trial in search.taken():
                    watch.trial(trial, search.trials)
                    entry = told.entry(kept(trial), machine.home / "cells")
                    if entry is not None:
                        delivery.keep(entry)
        heed(search, watch)
        for trial in search.taken():
            watch.trial(trial, search.trials)
        if delivery.acquire(patience=3.0):
            behind = delivery.all(machine.home, ENDING).left
            if behind:
                watch.say(f"{behind} results are not in the tracking store yet: {delivery.failed}")
    if full:
        raise DiskFull(machine.home)
    found = storage.trials()
    agree(arm, found, machine.home, facts["setup"], storage.shown)
    return found


def heed(search: Search, watch: Following) -> None:
    """Say what there is to say of trials that others put into the storage."""
    while search.remarks:
        watch.say(search.remarks.pop(0))
