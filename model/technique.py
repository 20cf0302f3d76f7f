"""What every pluggable part shares: it is a frozen declaration with a stable name, a version and checked fields.

A declaration holds numbers and choices only. Importing it brings in neither torch nor transformers.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import sys
import zlib
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from model.errors import InputError


class SettingError(InputError):
    """A field that does not exist, or a value that it cannot take. The message says which and how to mend it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Technique:
    """Base of all declarations.

    ``slug`` is the name in digests, tables and ``--set`` paths and never changes; ``version`` goes up when the
    computed result changes, which makes older cells stale; ``built`` is False while only the declaration exists.
    """

    slug: ClassVar[str]
    version: ClassVar[int] = 1
    built: ClassVar[bool] = True
    atomic: ClassVar[bool] = False  # stands in settings and digests by its key alone
    closed: ClassVar[bool] = False  # its fields are read by name elsewhere, so that a subclass can add none
    packages: ClassVar[tuple[str, ...]] = ()  # optional ones whose code computes its results

    def __init_subclass__(cls) -> None:
        """One that a user keeps elsewhere and gives no version has its file's: who tries things out edits them."""
        super().__init_subclass__()
        if "version" not in vars(cls) and cls.__module__.partition(".")[0] not in ("model", "tests"):
            cls.version = file_version(cls.__module__)

    def __post_init__(self) -> None:
        for name, hint in hints(type(self)).items():
            value = coerce(getattr(self, name), hint, f"{self.slug}.{name}")
            object.__setattr__(self, name, value)
        self.check()

    def check(self) -> None:
        """Raise ``SettingError`` for values that no run could use."""

    def require(self, holds: bool, name: str, needs: str) -> None:
        """Raise ``SettingError`` unless the field's value is one that a run can use."""
        if not holds:
            raise SettingError(f"{self.slug}.{name} is {getattr(self, name)!r}; it must be {needs}")


def file_version(module: str) -> int:
    """A checksum of the module's file; 1 where there is none."""
    try:
        return zlib.crc32(Path(str(sys.modules[module].__file__)).read_bytes())
    except (AttributeError, KeyError, OSError):
        return 1


_HINTS: dict[type, dict[str, Any]] = {}


def hints(kind: type) -> dict[str, Any]:
    """The resolved types of a declaration's fields."""
    if kind not in _HINTS:
        resolved = get_type_hints(kind)
        _HINTS[kind] = {field.name: resolved[field.name] for field in dataclasses.fields(kind)}
    return _HINTS[kind]


def coerce(value: Any, hint: Any, where: str) -> Any:
    """The value as the field's type, or ``SettingError``. An int becomes a float where a float is declared, so that
    1 and 1.0 have one digest."""
    origin, options = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value in options:
            return value
        raise SettingError(f"{where} is {value!r}; choose one of {', '.join(map(str, options))}")
    if origin in (Union, type(int | str)):
        if value is None and type(None) in options:
            return None
        return coerce(value, next(option for option in options if option is not type(None)), where)
    if hint is float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise SettingError(f"{where} is {value!r}; it must be a finite number")
        return float(value)
    kind = tuple if origin is tuple else hint
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise SettingError(f"{where} is {value!r}; it must be of type {kind.__name__}")
    return value


def parse(text: str, hint: Any, where: str) -> Any:
    """A value typed by a user, as the field's type."""
    if get_origin(hint) in (Union, type(int | str)):
        options = get_args(hint)
        if type(None) in options and text.lower() in ("none", "all"):
            return None
        return parse(text, next(option for option in options if option is not type(None)), where)
    if hint is bool:
        if text.lower() not in ("true", "false"):
            raise SettingError(f"{where} is {text!r}; it must be true or false")
        return text.lower() == "true"
    if hint in (int, float):
        try:
            return coerce(hint(text), hint, where)
        except ValueError as error:
            if isinstance(error, SettingError):
                raise
            kind = "a whole number" if hint is int else "a number"
            raise SettingError(f"{where} is {text!r}; it must be {kind}") from None
    if hint is str or get_origin(hint) is Literal:
        return coerce(text, hint, where)
    raise SettingError(f"{where} is not a single number or word; use --with CHANGE for it")


def item_key(item: Any) -> str:
    """How an item of a tuple field is addressed: a branch by its task, a technique by its slug."""
    named = getattr(item, "key", None)
    return named if isinstance(named, str) else item.slug


def is_named_tuple_field(value: Any) -> bool:
    """Whether a field holds declarations addressed by name (branches, regularizers)."""
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], Technique)


T = TypeVar("T", bound=Technique)


def edit(node: T, path: str, value: Any, *, typed: bool = False) -> T:
    """A copy of ``node`` with the field at the dotted ``path`` replaced.

    A path component is a field, else the name of an item in a tuple of declarations (``sst``, ``smart``), else the
    slug of the technique that now fills a slot (``pcgrad.every``). Setting a whole item that is not there yet adds
    it to the tuple field its class names in ``slot``; setting it to None removes it. ``typed`` parses a user's text.
    """
    first, _, rest = path.partition(".")
    fields = hints(type(node))
    if first in fields:
        return _edit_field(node, first, rest, value, typed)
    for name in fields:
        items = getattr(node, name)
        if is_named_tuple_field(items):
            keys = [item_key(item) for item in items]
            if first in keys:
                return dataclasses.replace(node, **{name: _edit_item(items, keys.index(first), rest, value, typed)})
        elif isinstance(items, Technique) and items.slug == first and rest:
            return dataclasses.replace(node, **{name: edit(items, rest, value, typed=typed)})
    slot = getattr(value, "slot", None)
    if not rest and isinstance(value, Technique) and slot in fields:
        return dataclasses.replace(node, **{slot: (*getattr(node, slot), value)})
    raise SettingError(_unknown(node, first))


def _edit_field(node: T, first: str, rest: str, value: Any, typed: bool) -> T:
    where = f"{node.slug}.{first}" if node.slug != "recipe" else first
    current = getattr(node, first)
    if rest:
        if not isinstance(current, Technique):
            raise SettingError(f"{where} is a value and has no setting {rest!r}; leave .{rest} out")
        return dataclasses.replace(node, **{first: edit(current, rest, value, typed=typed)})
    if typed:
        value = parse(value, hints(type(node))[first], where)
    return dataclasses.replace(node, **{first: value})


def _edit_item(items: tuple[Technique, ...], at: int, rest: str, value: Any, typed: bool) -> tuple[Technique, ...]:
    if rest:
        value = edit(items[at], rest, value, typed=typed)
    elif typed:
        raise SettingError(f"{item_key(items[at])} is not a single number or word; use --with CHANGE for it")
    return (*items[:at], *(() if value is None else (value,)), *items[at + 1 :])


def _unknown(node: Technique, name: str) -> str:
    known = list(hints(type(node)))
    for field in hints(type(node)):
        value = getattr(node, field)
        if is_named_tuple_field(value):
            known += [item_key(item) for item in value]
        elif isinstance(value, Technique):
            known.append(value.slug)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)
    return f"{node.slug} has no setting {name!r}; near names: {', '.join(near)}"


def describe(value: Any) -> Any:
    """The declaration as plain data for hashing and storing: fields at their default are left out."""
    if isinstance(value, Technique) and value.atomic:
        return item_key(value)
    if isinstance(value, Technique):
        told: dict[str, Any] = {"is": value.slug}
        for field in dataclasses.fields(value):
            content = getattr(value, field.name)
            if field.default is dataclasses.MISSING or content != field.default:
                told[field.name] = describe(content)
        return told
    if isinstance(value, tuple):
        return [describe(item) for item in value]
    return value


def flatten(node: Technique, prefix: str = "") -> dict[str, Any]:
    """Every setting by its dotted path, defaults included; a slot's own path holds its slug."""
    flat: dict[str, Any] = {}
    for name in hints(type(node)):
        value = getattr(node, name)
        if isinstance(value, Technique) and value.atomic:
            flat[prefix + name] = item_key(value)
        elif isinstance(value, Technique):
            flat[prefix + name] = value.slug
            flat |= flatten(value, f"{prefix}{name}.")
        elif is_named_tuple_field(value):
            flat[prefix + name] = " ".join(item_key(item) for item in value)
            for item in value:
                flat |= flatten(item, f"{prefix}{item_key(item)}.")
        else:
            flat[prefix + name] = " ".join(map(str, value)) if isinstance(value, tuple) else value
    return flat


def parts(node: Technique) -> list[Technique]:
    """The declaration and every declaration inside it."""
    found: list[Technique] = [node]
    for name in hints(type(node)):
        value = getattr(node, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Technique):
                found += parts(item)
    return found
