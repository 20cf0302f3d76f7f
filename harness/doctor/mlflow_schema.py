"""The age of an MLflow database, read without MLflow, which would change some that it opens."""

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

VERSION_TABLE = "alembic_version"
VERSION = f"SELECT version_num FROM {VERSION_TABLE}"


class Migration(NamedTuple):
    """A migration, and the tables that it adds."""

    before: str
    tables: frozenset[str]


def file_age(file: Path) -> Age:
    """The age of an SQLite database. Raises ``sqlite3.DatabaseError``."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=2.0)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        row = database.execute(VERSION).fetchone() if VERSION_TABLE in tables else None
    return schema_age(tables, row[0] if row else "")


def server_age(uri: str) -> Age:
    """The age of a server's database. Raises SQLAlchemy's errors, and its driver's."""
    from sqlalchemy import create_engine, inspect, text
    from sqlalchemy.pool import NullPool

    with create_engine(uri, poolclass=NullPool).connect() as database:
        tables = set(inspect(database).get_table_names())
        row = database.execute(text(VERSION)).fetchone() if VERSION_TABLE in tables else None
    return schema_age(tables, row[0] if row else "")


def schema_age(tables: set[str], version: str) -> Age:
    """``older``: MLflow brings it up to date when it opens it, since tables are missing; ``refused``: older, and MLflow
    does not open it; ``newer``: of a migration that the installed MLflow does not know; ``none``: not MLflow's."""
    history = migrations()
    if version not in history:
        return "newer" if version else "none"
    later_ones = list(later_migrations(history, version))
    if not later_ones:
        return "current"
    return "refused" if frozenset().union(*(each.tables for each in later_ones)) <= tables else "older"


def later_migrations(history: dict[str, Migration], version: str) -> Iterator[Migration]:
    """The migrations after this one, the last first."""
    (current,) = history.keys() - {each.before for each in history.values()}
    while current != version:
        yield history[current]
        current = history[current].before


@lru_cache(maxsize=1)
def migrations() -> dict[str, Migration]:
    """The installed MLflow's migrations by revision, read from its files."""
    spec = find_spec("mlflow")  # loads nothing of it
    locations = spec.submodule_search_locations if spec else None
    history = {}
    for path in Path(locations[0] if locations else "").glob("store/db_migrations/versions/*.py"):
        text = path.read_text(encoding="utf-8")
        revisions = dict(re.findall(r"^(revision|down_revision)\s*(?::[^=]*)?=\s*[\"'](\w+)[\"']", text, re.MULTILINE))
        upgrade = text.partition("def downgrade")[0]
        tables = re.findall(r"create_table\(\s*[\"'](\w+)[\"']", upgrade)
        if "revision" in revisions:
            history[revisions["revision"]] = Migration(revisions.get("down_revision", ""), frozenset(tables))
    return history
