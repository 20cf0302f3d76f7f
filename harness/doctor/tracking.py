"""The tracking store: whether it opens, and whether it holds every result of the home."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from harness.declared import declaration
from harness.delivery import results as delivered_results
from harness.doctor import schema
from harness.doctor.finding import Asked, Told, broken, mind, sound
from harness.reading import Entry
from harness.shown import PARTS, Place, placed, seen
from harness.store import Store

SERVERS = ("postgresql", "mysql", "mssql")
IMPATIENT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "PGCONNECT_TIMEOUT": "5"}  # seconds
WAITS = 30.0  # for all that a server is asked
AGAIN = "the next harness run, or harness sync{option}, puts it aside and makes it again from the cells"
AWAY = "move it away, and harness sync{option} makes it again from the cells"
UPGRADE = "copy it, then mlflow db upgrade {} brings it up to date"


class Result(NamedTuple):
    """What a store must hold of one ended cell, or trial, as a row reads it."""

    place: Place
    cell: str
    declared: str
    content: str


def store(asked: Asked) -> Told:
    """That of MLFLOW_TRACKING_URI, or the home's. ``InputError`` for one that cannot be read."""
    given = os.environ.get("MLFLOW_TRACKING_URI")
    if not given and not asked.home.is_dir():
        return sound("none yet; the first run makes it in the home")
    tracked = Store(asked.home if asked.home.is_dir() else Path(), None)  # it would make the home
    fault = file_fault(tracked, asked) if tracked.file is not None else None
    if fault is not None:
        return fault
    with impatience():
        return server_fault(tracked) or delivered(tracked, asked)


def file_fault(tracked: Store, asked: Asked) -> Told | None:
    """What is wrong with a database file, or that there is none yet; None if it can be opened."""
    file = tracked.file or Path()
    if not file.exists():
        if results(asked):
            return mind(f"{file} is not there", f"harness sync{asked.home_option} makes it from the cells")
        return sound(f"{file} is not there yet; the first run makes it")
    remake = (AGAIN if tracked.own else "replace it, or correct MLFLOW_TRACKING_URI").format(option=asked.home_option)
    if damage := tracked.damage():
        return broken(f"{file} is damaged ({damage})", remake)
    try:
        return aged(schema.of_file(file), str(file), AWAY.format(option=asked.home_option) if tracked.own else "")
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            return mind(f"{file} is locked by another program now", "ask the doctor again in a while")
        return broken(f"{file} cannot be read ({error})", remake)


def server_fault(tracked: Store) -> Told | None:
    """What is wrong with a database server, which MLflow would change where it is old. ``InputError``."""
    from harness.stored import asked as answering

    if not tracked.uri.lower().startswith(SERVERS):
        return None
    with answering(tracked):
        age = schema.of_server(tracked.uri)
    if age == "none":
        return mind(f"{tracked.shown} has no tables of MLflow yet", "harness run or sync makes them; see the address")
    return aged(age, tracked.shown, "")


def aged(age: schema.Age, name: str, remake: str) -> Told | None:
    """What is wrong with a database's age; ``remake`` is how it could be made again, if it could."""
    if age == "none":
        return broken(f"{name} is not MLflow's database", remake or "correct MLFLOW_TRACKING_URI")
    if age == "newer":
        return broken(
            f"{name} is of a newer MLflow than the one installed",
            f"install that MLflow again{', or ' if remake else ''}{remake}",
        )
    if age == "refused":
        return broken(
            f"{name} is of an older MLflow, and the one installed refuses it",
            remake or UPGRADE.format(name if "://" in name else f"sqlite:///{name}"),
        )
    if age == "older":
        return mind(
            f"{name} is of an older MLflow",
            "the next harness run or sync brings it up to date; copy it first if an older MLflow is to read it again",
        )
    return None


def delivered(tracked: Store, asked: Asked) -> Told:
    """Whether the results of the home are in the store, as it is now. ``InputError``."""
    from harness.stored import asked as answering

    ended, left, lost = results(asked), 0, 0
    tracked.deep = True
    with answering(tracked, WAITS):
        tracked.client.search_experiments(max_results=1)
        for suite in dict.fromkeys(entry.suite.slug for entry in ended):
            here, there = [entry for entry in ended if entry.suite.slug == suite], held(tracked, suite)
            left += sum(wanted(entry) not in there for entry in here)
            lost += sum(there.get(wanted(entry)) is False for entry in here)
    faults = [f"{left} of the home's {len(ended)} results are not in it"] if left else []
    faults += [f"the answers of {lost} of the home's {len(ended)} results are gone or damaged"] if lost else []
    if faults:
        told = f"{tracked.shown} opens; {', and '.join(faults)}"
        return mind(told, f"harness sync{asked.home_option} delivers them")
    return sound(f"{tracked.shown} opens; all {len(ended)} results of the home are in it")


def wanted(entry: Entry) -> Result:
    declared = declaration(entry.suite, entry.row)
    return Result(Place(entry.name, entry.part, entry.tags["setup"]), entry.record.id, declared, entry.content)


def results(asked: Asked) -> list[Entry]:
    """All that the home has to deliver."""
    return delivered_results(asked.home, list[str]().append).entries if asked.home.is_dir() else []


def held(tracked: Store, suite: str) -> dict[Result, bool]:
    """Each result of a suite that the store holds whole, and as it was delivered; whether its answers are there."""
    from harness.stored import whole

    experiment = tracked.client.get_experiment_by_name(suite)
    if experiment is None or experiment.lifecycle_stage == "deleted":
        return {}
    runs = [run for kind in PARTS for run in whole(tracked, experiment.experiment_id, kind, None)]
    each = [(placed(run.data.tags), seen(run)) for run in runs]
    return {
        Result(place, run.cell, run.declared, run.content): tracked.answered(run)
        for place, run in each
        if place and run.sound
    }


@contextmanager
def impatience() -> Iterator[None]:
    """A server that is away is not waited for."""
    before = {name: os.environ.get(name) for name in IMPATIENT}
    os.environ.update({name: value for name, value in IMPATIENT.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
