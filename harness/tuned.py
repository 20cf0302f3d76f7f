"""The files of winners: what a tuning run writes, a user commits, and ``tuned/STUDY`` in the registry is read from."""

from __future__ import annotations

import difflib
import json
import math
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, get_type_hints

from experiments.papers import SUITES
from experiments.studies import STUDIES
from experiments.study import Value
from experiments.tuned import PAPER, UNTOUCHED, Winner, suite
from experiments.variant import RegistryError, Row, Suite
from harness.durable import write_aside
from model.data.course import shown
from model.errors import InputError
from model.recipe import digest

KINDS = {name: kind for name, kind in get_type_hints(Winner).items() if kind in (int, float, str)}
WANTED = {int: "a whole number of 0 or more", float: "a finite number", str: "text on one line"}
LARGEST = 2**63  # TOML's own limit


class TunedError(RegistryError):
    """A file of winners that cannot be used. The message says which, where and how to mend it."""


def folder() -> Path:
    """Where the files are: ``HARNESS_TUNED``, else ``tuned`` in the current directory."""
    return Path(os.environ.get("HARNESS_TUNED") or "tuned")


def write(path: Path, winners: Sequence[Winner]) -> None:
    """Write a file of winners, whole or not at all; the folder is made. ``TunedError`` for winners that could not be
    read again, ``OSError``."""
    content = text(winners)
    checked(path, tomllib.loads(content))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, content)


def text(winners: Sequence[Winner]) -> str:
    """The winners as TOML that reads back to the same bits; the first one's study is the file's."""
    study = winners[0].study
    lines = [
        f"# The best settings that the study {study} found, and how; written by harness tune.",
        f"# harness run {PAPER}/{study} trains them beside what they have to beat.",
    ]
    for winner in winners:
        facts, params = told(winner)
        lines += ["", "[[winner]]", *facts, f'check = "{check(winner)}"', "", "[winner.params]", *params]
    return "\n".join(lines) + "\n"


def told(winner: Winner) -> tuple[list[str], list[str]]:
    """The lines of a winner's facts and parameters."""
    facts = [f"{name} = {literal(getattr(winner, name))}" for name in KINDS]
    return facts, [f"{name} = {literal(value)}" for name, value in winner.params.items()]


def check(winner: Winner) -> str:
    """A digest of all that a file tells of a winner."""
    return digest(told(winner))


def literal(value: Value) -> str:
    """A value as TOML writes it; a float's shortest form that reads back to the same bits."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(float(value) if isinstance(value, float) else int(value))  # NumPy's write themselves otherwise


def read(path: Path) -> tuple[Winner, ...]:
    """The winners of a file, checked against the registry. ``TunedError``."""
    return checked(path, parsed(path))[0]


def checked(path: Path, told: Mapping[str, Any]) -> tuple[tuple[Winner, ...], Suite]:
    """The winners that a file's content tells of, and their rows. ``TunedError``."""
    if unknown := [key for key in told if key != "winner"]:
        raise TunedError(f"{path} has an unknown key {shown(unknown[0], 80)}; it holds [[winner]] tables alone")
    tables = told.get("winner")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise TunedError(f"{path} has no [[winner]] table; let harness tune write it again")
    winners = tuple(winner_of(table, f"{path}, winner {number}") for number, table in enumerate(tables, 1))
    found = suite_of(path, winners)
    for number, (winner, table) in enumerate(zip(winners, tables, strict=True), 1):
        if table.get("check", check(winner)) != check(winner):
            raise TunedError(
                f"{path}, winner {number} is not what harness tune wrote (its check differs); let it write the file "
                "again, or take out the line check if you mean what the file says now"
            )
    return winners, found


def parsed(path: Path) -> dict[str, Any]:
    """The file's content. ``TunedError``."""
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise TunedError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise TunedError(f"{path} is no UTF-8 text; let harness tune write it again") from None
    except RecursionError:
        raise TunedError(f"{path} is nested too deeply; let harness tune write it again") from None
    except ValueError as error:
        told = " ".join(str(error).split())
        line = re.search(r" \(at line (\d+), column \d+\)$", told)
        where = f"{path}:{line[1]}" if line else str(path)
        why = told[: line.start()] if line else told
        raise TunedError(f"{where} is no TOML ({why}); mend it or let harness tune write the file again") from None


def winner_of(table: Mapping[str, Any], where: str) -> Winner:
    """One ``[[winner]]`` table; keys and types are checked."""
    known = (*KINDS, "params")
    for key in table:
        if key not in (*known, "check"):
            near = difflib.get_close_matches(key, known, n=1)
            mend = f"did you mean {near[0]}?" if near else "take it out"
            raise TunedError(f"{where} has an unknown key {shown(key, 80)}; {mend}")
    for key in known:
        if key not in table:
            raise TunedError(f"{where} lacks {key}; let harness tune write the file again")
    if not isinstance(table["params"], dict):
        raise TunedError(f"{where}: params must be a table [winner.params] of the study's parameters")
    for name, value in table["params"].items():
        if not fits(value, float):
            raise TunedError(f"{where}, params: {shown(name, 80)} must be a finite number")
    for key, kind in KINDS.items():
        if not fits(table[key], kind):
            raise TunedError(f"{where}: {key} must be {WANTED[kind]}")
    return Winner(params=table["params"], **{key: kind(table[key]) for key, kind in KINDS.items()})


def fits(value: object, kind: type) -> bool:
    """Whether the file's value can be the field's."""
    if kind is str:
        return isinstance(value, str) and value.isprintable()
    if isinstance(value, float):
        return kind is float and math.isfinite(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= LARGEST:
        return False
    return kind is float or (kind is int and value >= 0)


def suite_of(path: Path, winners: Sequence[Winner]) -> Suite:
    """The rows of a file's winners, whose studies, row and parameters are checked against the registry."""
    seen: set[str] = set()
    for number, winner in enumerate(winners, 1):
        where = f"{path}, winner {number}"
        if winner.study not in STUDIES:
            known = ", ".join(sorted(STUDIES))
            raise TunedError(f"{where}: there is no study {shown(winner.study, 80)}; take one of {known}")
        if winner.study in seen:
            raise TunedError(f"{where}: the study {winner.study} has a winner already; keep one of the two")
        seen.add(winner.study)
        if winner.row != winners[0].row:
            raise TunedError(f"{where}: row is not that of winner 1, so they cannot be compared; tune both on one row")
        base = printed_row(winner.row, where)
        try:
            suite(path.stem, base, [winner])
        except InputError as error:
            raise TunedError(f"{where}, params: {error}") from None
    if winners[0].study != path.stem:
        raise TunedError(f"{path}, winner 1 is of the study {winners[0].study}; call the file {winners[0].study}.toml")
    return suite(path.stem, printed_row(winners[0].row, str(path)), winners)


def printed_row(slug: str, where: str) -> tuple[Suite, Row]:
    """The row of this full slug; tuned rows are not tuned again."""
    rows = {f"{each.slug}/{row.name}": (each, row) for each in SUITES for row in each.rows}
    if slug not in rows:
        near = difflib.get_close_matches(slug, rows, n=1)
        mend = f"did you mean {near[0]}?" if near else "harness list shows all"
        raise TunedError(f"{where}: there is no row {shown(slug, 80)}; {mend}")
    return rows[slug]


def suites() -> tuple[Suite, ...]:
    """The tuned suites of the folder, by name; a file that cannot be used has none."""
    return tuple(found for found in _files().values() if isinstance(found, Suite))


def faults() -> dict[str, str]:
    """What is wrong with the folder's other files, by name."""
    return {name: found for name, found in _files().items() if isinstance(found, str)}


def slugs(name: str) -> tuple[str, ...]:
    """Whatever a selector may call the file of this name: its paper, table, suite, and rows that it may hold."""
    starts = {start.name for study in STUDIES.values() for start in study.starts}
    rows = (UNTOUCHED, *sorted(starts), "tuned", *(f"tuned-{study}" for study in STUDIES))
    return (PAPER, name, f"{PAPER}/{name}", *(f"{PAPER}/{name}/{row}" for row in rows))


def _files() -> dict[str, Suite | str]:
    """What every file of the folder holds, or what is wrong with it, read again where it has changed."""
    found: dict[str, Suite | str] = {}
    for path in sorted(folder().glob("*.toml")):
        try:
            stat = path.stat()
        except OSError as error:
            found[path.stem] = f"{path} cannot be read: {error.strerror or error}"
            continue
        found[path.stem] = _held(path, (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return found


@lru_cache(maxsize=64)
def _held(path: Path, stamp: tuple[int, ...]) -> Suite | str:
    try:
        return checked(path, parsed(path))[1]
    except TunedError as error:
        return str(error)
