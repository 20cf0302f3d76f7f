"""How old an MLflow database is, read without MLflow, which would change some that it opens."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

Age = Literal["current", "older", "refused", "newer", "none"]


MARK = "alembic_version"  # the table that tells
VERSION = f"SELECT version_num FROM {MARK}"


class Step(NamedTuple):
    """A migration, and the tables that it adds."""

    before: str
    tables: frozenset[str]


def of_file(file: Path) -> Age:
    """An SQLite database's. Raises ``sqlite3.DatabaseError``."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=2.0)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        found = database.execute(VERSION).fetchone() if MARK in tables else None
    return age(tables, found[0] if found else "")


def of_server(uri: str) -> Age:
    """A database server's, by its address. Raises SQLAlchemy's errors, and its driver's."""
    from sqlalchemy import create_engine, inspect, text
    from sqlalchemy.pool import NullPool

    with create_engine(uri, poolclass=NullPool).connect() as database:
        tables = set(inspect(database).get_table_names())
        found = database.execute(text(VERSION)).fetchone() if MARK in tables else None
    return age(tables, found[0] if found else "")


def age(tables: set[str], version: str) -> Age:
    """``older``: MLflow brings it up to date when it opens it, since tables are missing; ``refused``: older, and MLflow
    does not open it; ``newer``: of a step that the installed MLflow does not know; ``none``: not MLflow's."""
    known = steps()
    if version not in known:
        return "newer" if version else "none"
    since = list(later(known, version))
    if not since:
        return "current"
    return "refused" if frozenset().union(*(step.tables for step in since)) <= tables else "older"


def later(known: dict[str, Step], version: str) -> Iterator[Step]:
    """The steps after this one, the last first."""
    (at,) = known.keys() - {step.before for step in known.values()}
    while at != version:
        yield known[at]
        at = known[at].before


@lru_cache(maxsize=1)
def steps() -> dict[str, Step]:
    """The history of the installed MLflow's database, read off its migrations."""
    spec = find_spec("mlflow")  # loads nothing of it
    places = spec.submodule_search_locations if spec else None
    found = {}
    for path in Path(places[0] if places else "").glob("store/db_migrations/versions/*.py"):
        text = path.read_text(encoding="utf-8")
        named = dict(re.findall(r"^(revision|down_revision)\s*(?::[^=]*)?=\s*[\"'](\w+)[\"']", text, re.MULTILINE))
        upgrade = text.partition("def downgrade")[0]
        made = re.findall(r"create_table\(\s*[\"'](\w+)[\"']", upgrade)
        if "revision" in named:
            found[named["revision"]] = Step(named.get("down_revision", ""), frozenset(made))
    return found
