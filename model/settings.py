"""Settings of a declaration: typed from text, edited by path, described and flattened."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any, Literal, Union, get_args, get_origin

from model.declaration import SettingError, T, Technique, coerce, hints


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
    names = list(hints(type(node)))
    for field in hints(type(node)):
        value = getattr(node, field)
        if is_named_tuple_field(value):
            names += [item_key(item) for item in value]
        elif isinstance(value, Technique):
            names.append(value.slug)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or sorted(names)
    return f"{node.slug} has no setting {name!r}; near names: {', '.join(near)}"


def describe(value: Any) -> Any:
    """The declaration as plain data for hashing and storing: fields at their default are left out."""
    if isinstance(value, Technique) and value.atomic:
        return item_key(value)
    if isinstance(value, Technique):
        description: dict[str, Any] = {"is": value.slug}
        for field in dataclasses.fields(value):
            content = getattr(value, field.name)
            if field.default is dataclasses.MISSING or content != field.default:
                description[field.name] = describe(content)
        return description
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
    nodes: list[Technique] = [node]
    for name in hints(type(node)):
        value = getattr(node, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Technique):
                nodes += parts(item)
    return nodes
