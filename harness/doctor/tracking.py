"""Checks that the tracking store opens and holds every result of the results folder."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from harness.cells.row_result import ResultEntry
from harness.doctor import mlflow_schema
from harness.doctor.finding import Context, Finding, error, ok, warning
from harness.planning.matching import reading_digest
from harness.tracking.current_runs import PARTS, RunKey, key_of_run, stored_run
from harness.tracking.deliverables import collect_deliverables as delivered_results
from harness.tracking.store import Store

SERVERS = ("postgresql", "mysql", "mssql")
SHORT_TIMEOUTS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "PGCONNECT_TIMEOUT": "5"}  # seconds
WAITS = 30.0  # for all that a server is asked
REMAKE = "the next harness run, or harness sync{option}, puts it aside and makes it again from the cells"
MOVE_AWAY = "move it away, and harness sync{option} makes it again from the cells"
UPGRADE = "copy it, then mlflow db upgrade {} brings it up to date"


class StoredResult(NamedTuple):
    """One ended cell, or trial, as a store must hold it for a row."""

    key: RunKey
    cell: str
    declared: str
    content: str


def store(context: Context) -> Finding:
    """The store of MLFLOW_TRACKING_URI, or the results folder's. ``InputError`` for one that cannot be read."""
    address = os.environ.get("MLFLOW_TRACKING_URI")
    if not address and not context.home.is_dir():
        return ok("none yet; the first run makes it in the results folder")
    opened = Store(context.home if context.home.is_dir() else Path(), None)  # it would make the results folder
    fault = file_fault(opened, context) if opened.file is not None else None
    if fault is not None:
        return fault
    with short_timeouts():
        return server_fault(opened) or check_delivery(opened, context)


def file_fault(store: Store, context: Context) -> Finding | None:
    """What is wrong with a database file, or that there is none yet; None if it can be opened."""
    file = store.file or Path()
    if not file.exists():
        if results(context):
            return warning(f"{file} is not there", f"harness sync{context.home_option} makes it from the cells")
        return ok(f"{file} is not there yet; the first run makes it")
    remake = REMAKE.format(option=context.home_option) if store.own else "replace it, or correct MLFLOW_TRACKING_URI"
    if damage := store.damage():
        return error(f"{file} is damaged ({damage})", remake)
    try:
        away = MOVE_AWAY.format(option=context.home_option) if store.own else ""
        return age_fault(mlflow_schema.file_age(file), str(file), away)
    except sqlite3.DatabaseError as exc:
        if "locked" in str(exc):
            return warning(f"{file} is locked by another program now", "run harness doctor again in a while")
        return error(f"{file} cannot be read ({exc})", remake)


def server_fault(store: Store) -> Finding | None:
    """What is wrong with a database server, which MLflow would change where it is old. ``InputError``."""
    from harness.tracking.queries import store_errors as answering

    if not store.uri.lower().startswith(SERVERS):
        return None
    with answering(store):
        age = mlflow_schema.server_age(store.uri)
    if age == "none":
        return warning(f"{store.shown} has no tables of MLflow yet", "harness run or sync makes them; see the address")
    return age_fault(age, store.shown, "")


def age_fault(age: mlflow_schema.Age, name: str, remake: str) -> Finding | None:
    """What is wrong with a database's age; ``remake`` is how it could be made again, if it could."""
    if age == "none":
        return error(f"{name} is not MLflow's database", remake or "correct MLFLOW_TRACKING_URI")
    if age == "newer":
        return error(
            f"{name} is of a newer MLflow than the one installed",
            f"install that MLflow again{', or ' if remake else ''}{remake}",
        )
    if age == "refused":
        return error(
            f"{name} is of an older MLflow, and the one installed refuses it",
            remake or UPGRADE.format(name if "://" in name else f"sqlite:///{name}"),
        )
    if age == "older":
        return warning(
            f"{name} is of an older MLflow",
            "the next harness run or sync brings it up to date; copy it first if an older MLflow is to read it again",
        )
    return None


def check_delivery(store: Store, context: Context) -> Finding:
    """Whether the results of the results folder are in the store, as it is now. ``InputError``."""
    from harness.tracking.queries import store_errors as answering

    ended, missing, damaged = results(context), 0, 0
    store.deep = True
    with answering(store, WAITS):
        store.client.search_experiments(max_results=1)
        for suite in dict.fromkeys(entry.suite.slug for entry in ended):
            here, there = [entry for entry in ended if entry.suite.slug == suite], stored_results(store, suite)
            missing += sum(expected_result(entry) not in there for entry in here)
            damaged += sum(there.get(expected_result(entry)) is False for entry in here)
    whole = f"of the results folder's {len(ended)} results"
    faults = [f"{missing} {whole} are not in it"] if missing else []
    faults += [f"the answers of {damaged} {whole} are gone or damaged"] if damaged else []
    if faults:
        text = f"{store.shown} opens; {', and '.join(faults)}"
        return warning(text, f"harness sync{context.home_option} delivers them")
    return ok(f"{store.shown} opens; all {len(ended)} results of the results folder are in it")


def expected_result(entry: ResultEntry) -> StoredResult:
    declared = reading_digest(entry.suite, entry.row)
    return StoredResult(RunKey(entry.name, entry.part, entry.tags["setup"]), entry.record.id, declared, entry.content)


def results(context: Context) -> list[ResultEntry]:
    """All results that the results folder has to deliver."""
    return delivered_results(context.home, list[str]().append).entries if context.home.is_dir() else []


def stored_results(store: Store, suite: str) -> dict[StoredResult, bool]:
    """Each result of a suite that the store holds whole, and as it was delivered; whether its answers are there."""
    from harness.tracking.queries import complete_runs

    experiment = store.client.get_experiment_by_name(suite)
    if experiment is None or experiment.lifecycle_stage == "deleted":
        return {}
    runs = [run for kind in PARTS for run in complete_runs(store, experiment.experiment_id, kind, None)]
    pairs = [(key_of_run(run.data.tags), stored_run(run)) for run in runs]
    return {
        StoredResult(key, run.cell, run.declared, run.content): store.answered(run)
        for key, run in pairs
        if key and run.intact
    }


@contextmanager
def short_timeouts() -> Iterator[None]:
    """Within the block, a server that is away is not waited for."""
    before = {name: os.environ.get(name) for name in SHORT_TIMEOUTS}
    os.environ.update({name: value for name, value in SHORT_TIMEOUTS.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
