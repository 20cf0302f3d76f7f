"""The differences of two rows as factors."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from experiments.combinations import Factor, combine
from experiments.suite import Change, Row, Suite, axis, difference
from model.declaration import SettingError, Technique, hints
from model.recipe import Branch, Recipe
from model.settings import edit, is_named_tuple_field, item_key

MOST_SETTINGS = 3  # settings that the words of a factor name with their values


def factors(suite: Suite, row: Row, against: Row, other: Suite | None = None) -> tuple[Factor, ...]:
    """What ``row`` has and ``against`` (of ``other``, if that is another suite) has not, in the paper's order.

    They are the named changes on the way to ``row`` that are not on the way to ``against``. Those that touch one
    setting are one factor, with the last one's effect; those without a net effect are none. Where adding changes to
    ``against`` does not give ``row`` (it takes some back, or comes from another base), each ablation axis on which
    the recipes differ is a factor. No factors: the recipes are equal.
    """
    base, goal = (other or suite).recipe(against), suite.recipe(row)
    changes = _added_changes(suite, row, against, other or suite)
    with suppress(SettingError):
        groups = [group for group in _groups(base, changes) if _apply(base, changes, group) != base]
        candidates = tuple(
            _factor(changes, positions) for positions in sorted(_drop_undone(base, goal, changes, groups))
        )
        if combine(base, candidates, frozenset(factor.name for factor in candidates)) == goal:
            return candidates
    return _by_axis(base, goal, row)


def _added_changes(suite: Suite, row: Row, against: Row, other: Suite) -> tuple[Change, ...]:
    """The changes after ``against`` where ``row`` stands on it; else those that only ``row`` has."""
    changes, theirs = suite.path_changes(row), other.path_changes(against)
    on: Row | None = row
    while on is not None and on != against:
        on = suite.row(on.on) if on.on else None
    if on is not None:
        return changes[len(theirs) :]
    return tuple(change for change in changes if change not in theirs)


def _groups(base: Recipe, changes: Sequence[Change]) -> list[list[int]]:
    """The positions of changes that touch a setting in common, directly or through others."""
    groups: list[tuple[list[int], set[tuple[str, ...]]]] = []
    for position, change in enumerate(changes):
        positions, touched = [position], set()
        for path, value in change.edits:
            touched.add(setting(base, path, value))
            base = edit(base, path, value)
        apart = []
        for group in groups:
            if any(a[: len(b)] == b[: len(a)] for a in group[1] for b in touched):
                positions, touched = group[0] + positions, group[1] | touched
            else:
                apart.append(group)
        groups = [*apart, (positions, touched)]
    return [sorted(positions) for positions, _ in groups]


def setting(node: Technique, path: str, value: Any) -> tuple[str, ...]:
    """The setting that an edit of this path means, by the names of fields and of items in tuples: however a path is
    written (``pcgrad`` for the combiner that it fills), one setting has one answer."""
    first, _, rest = path.partition(".")
    for name in hints(type(node)):
        inside = getattr(node, name)
        if is_named_tuple_field(inside):
            for item in inside:
                if item_key(item) == first:
                    return (name, first, *(setting(item, rest, value) if rest else ()))
        elif name == first or (isinstance(inside, Technique) and inside.slug == first and rest):
            return (name, *(setting(inside, rest, value) if rest else ()))
    return tuple(part for part in (getattr(value, "slot", None), first) if part)


def _apply(base: Recipe, changes: Sequence[Change], positions: Iterable[int]) -> Recipe | None:
    """The recipe after the changes at these positions, in order; None where they do not fit."""
    try:
        for position in sorted(positions):
            base = changes[position].apply(base)
    except SettingError:
        return None
    return base


def _drop_undone(base: Recipe, goal: Recipe, changes: Sequence[Change], groups: list[list[int]]) -> list[list[int]]:
    """The groups without the changes that later ones of theirs undo."""
    for number, position in [(number, position) for number, group in enumerate(groups) for position in group]:
        fewer = [[each for each in group if each != position] for group in groups]
        if fewer[number] and _apply(base, changes, itertools.chain(*fewer)) == goal:
            groups = fewer
    return groups


def _factor(changes: Sequence[Change], positions: Sequence[int]) -> Factor:
    mine = tuple(changes[position] for position in positions)
    return Factor("+".join(each.name for each in mine), ", ".join(each.says for each in mine), mine, tuple(positions))


def _by_axis(base: Recipe, goal: Recipe, row: Row) -> tuple[Factor, ...]:
    """One factor an axis on which the recipes differ; its edits give the goal's values."""
    edits: dict[str, list[tuple[str, Any]]] = {}
    for name, path, value in _field_differences(base, goal):
        edits.setdefault(name, []).append((path, value))
    return tuple(
        Factor(name, _says(some, base, goal, row), (Change(name, name, tuple(some)),), (position,))
        for position, (name, some) in enumerate(edits.items())
    )


def _says(edits: Sequence[tuple[str, Any]], base: Recipe, goal: Recipe, row: Row) -> str:
    """The settings that change and their values, or, where they are many, whose they become."""
    changed = difference(base, goal)
    parts = [
        f"{path} {_format_setting(old)} -> {_format_setting(new)}"
        for path, (old, new) in changed.items()
        if any(path == edited or path.startswith(edited + ".") for edited, _ in edits)
        and path.rpartition(".")[0] not in changed  # another technique has other settings
    ]
    return ", ".join(parts) if 0 < len(parts) <= MOST_SETTINGS else f"{', '.join(dict(edits))} as in {row.name}"


def _format_setting(value: Any) -> str:
    return "unset" if value is None else str(value) or "none"


def _field_differences(base: Recipe, goal: Recipe) -> Iterator[tuple[str, str, Any]]:
    """Axis, path and the goal's value of what differs: fields of the recipe, and of its branches. Where tasks come or
    go, branches and schedule are one factor: at every moment a schedule needs the branches of its tasks."""
    old, new = ({branch.key: branch for branch in recipe.branches} for recipe in (base, goal))
    moved = list(old) != list(new)
    if moved:
        yield "branches", "branches", (*goal.branches, *(old[task] for task in old if task not in new))
        yield "branches", "schedule", goal.schedule
        yield "branches", "branches", goal.branches
    else:
        for task, leaf in itertools.product(new, hints(Branch)):
            if getattr(old[task], leaf) != getattr(new[task], leaf):
                path = f"{task}.{leaf}"
                yield axis(path, goal), path, getattr(new[task], leaf)
    for name in hints(Recipe):
        if getattr(base, name) != getattr(goal, name) and not (name == "branches" or (moved and name == "schedule")):
            yield axis(name, goal), name, getattr(goal, name)
