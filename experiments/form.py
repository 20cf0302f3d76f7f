"""Faults of a suite as it is written, before any recipe is built from it: types, names, texts, bases."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from experiments.ablation import PAPER as ABLATION
from experiments.suite import Change, Claim, Row, Suite
from experiments.tuned_suites import PAPER as TUNED
from model.declaration import hints
from model.errors import shown
from model.names import name_fault, text_fault

NAMES = {Suite: ("paper", "table"), Row: ("name",), Claim: ("name",), Change: ("name",)}


class Fault(NamedTuple):
    """A sentence with how to mend it, and the word of the declaration that it is about."""

    says: str
    about: object = None


def form_faults(suite: Suite) -> Iterator[Fault]:
    """The faults of one stage at a time, as each stage relies on those before."""
    for stage in (type_faults, text_faults, repeat_faults, base_faults):
        faults = list(stage(suite))
        if faults:
            yield from faults
            return


def declarations(suite: Suite) -> Iterator[tuple[str, Any]]:
    """All declarations of a suite, each with its label; none is read before it was yielded."""
    yield "the suite", suite
    for row in suite.rows:
        yield f"row {shown(row.name, 60)}", row
        for change in row.changes:
            yield f"change {shown(change.name, 60)}", change
    for claim in suite.claims:
        yield f"claim {shown(claim.name, 60)}", claim
        for contrast in claim.contrasts:
            yield f"claim {shown(claim.name, 60)}, contrast", contrast
    for said in suite.statements:
        yield f"statement {type(said).__name__}", said


def type_faults(suite: Suite) -> Iterator[Fault]:
    """Fields of the first declaration in which a value is not of its type, or a number not finite."""
    for whose, piece in declarations(suite):
        fields = {name: (getattr(piece, name), hint) for name, hint in hints(type(piece)).items()}
        wrong = [each for name, about in fields.items() for each in mismatches(*about, f"{whose}: {name}")]
        if wrong:
            name = getattr(piece, "name", None)
            yield from (Fault(says, name if isinstance(name, str) else None) for says in wrong)
            return


def mismatches(value: Any, hint: Any, where: str) -> Iterator[str]:
    """Where in a field's value something is not of the declared type."""
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if all(any(mismatches(value, option, where)) for option in options):
            yield f"{where} is {shown(value)}; it must be {' or '.join(map(describe_type, options))}"
    elif origin is tuple and isinstance(value, tuple) and (options[-1] is ... or len(value) == len(options)):
        each = [options[0]] * len(value) if options[-1] is ... else options
        for at, (item, kind) in enumerate(zip(value, each, strict=True)):
            yield from mismatches(item, kind, f"{where}[{at}]")
    elif origin is Mapping and isinstance(value, Mapping):
        for key, item in value.items():
            yield from mismatches(key, options[0], f"{where}, a key")
            yield from mismatches(item, options[1], f"{where}[{shown(key)}]")
    elif not is_of_type(value, hint):
        yield f"{where} is {shown(value)}; it must be {describe_type(hint)}"


def is_of_type(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    if get_origin(hint) is Literal:
        return any(value == option and type(value) is type(option) for option in get_args(hint))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool))


def describe_type(hint: Any) -> str:
    """A type in words."""
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(repr, get_args(hint)))}"
    if get_origin(hint) is tuple:
        return "a tuple; one of a single item is written (ITEM,)"
    if get_origin(hint) is Mapping:
        return "a dict"
    if hint is type(None):
        return "None"
    return {float: "a finite number", str: "text", int: "a whole number"}.get(hint) or f"of type {hint.__name__}"


def text_faults(suite: Suite) -> Iterator[Fault]:
    """Names that cannot be typed or be a file's name, and texts that cannot be printed."""
    for whose, piece in declarations(suite):
        for field in dataclasses.fields(piece):
            value = getattr(piece, field.name)
            for text in value if isinstance(value, tuple) else (value,):
                if not isinstance(text, str):
                    continue
                named = field.name in NAMES.get(type(piece), ())
                why = name_fault(text, dots=type(piece) is not Suite) if named else text_fault(text)
                if field.name == "title" and not text.strip():
                    why = "it must be a few words"
                if why:
                    yield Fault(f"{whose}: {field.name} is {shown(text, 60)}; {why}", text)
    if suite.paper in (ABLATION, TUNED):
        yield Fault(
            f"the suite: paper is {suite.paper!r}, which names rows that the harness makes; rename it", suite.paper
        )


def repeat_faults(suite: Suite) -> Iterator[Fault]:
    """Names that occur twice, and fields that are empty."""
    named = {"rows": [row.name for row in suite.rows], "claims": [claim.name for claim in suite.claims]}
    for what, names in {**named, "columns": suite.columns}.items():
        for name in duplicates(names):
            mend = "leave one out" if what == "columns" else "rename one"
            yield Fault(f"there are two {what} {name!r}; {mend}", name)
    for what in ("rows", "columns"):
        if not getattr(suite, what):
            yield Fault(f"the suite has no {what}; give it one at least", suite.table)
    first: dict[str, Change] = {}
    for change in (change for row in suite.rows for change in row.changes):
        if first.setdefault(change.name, change).edits != change.edits:
            yield Fault(f"there are two changes {change.name!r} that do not change the same; rename one", change.name)


def duplicates(names: Iterable[str]) -> list[str]:
    names = list(names)
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def base_faults(suite: Suite) -> Iterator[Fault]:
    """Rows that stand on missing rows, or in a circle."""
    rows = {row.name: row for row in (*(suite.extends.rows if suite.extends else ()), *suite.rows)}
    for row in suite.rows:
        for what, name in (("stands on", row.on), ("has printed differences from", row.delta_from)):
            if name is not None and name not in rows:
                yield Fault(
                    f"row {row.name!r} {what} {name!r}, but {suite.slug} has no row {name!r}{near_names(name, rows)}",
                    name,
                )
    for row in suite.rows:
        path = [row.name]
        while (on := rows[path[-1]].on if path[-1] in rows else None) is not None:
            path.append(on)
            if on == row.name:
                yield Fault(
                    f"row {row.name!r} stands on itself ({' on '.join(path)}); let one of them stand on None", row.name
                )
                return
            if on in path[:-1]:  # a circle that this row is not part of
                break


def near_names(name: str, names: Iterable[str]) -> str:
    """The ending of a message: names that are spelled much like this one."""
    close = difflib.get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f"; near names: {', '.join(close)}" if close else ""
