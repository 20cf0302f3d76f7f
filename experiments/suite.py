"""Suites, rows, changes and claims: what a table of a paper is, as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from experiments.statements import Statement
from model.errors import InputError
from model.recipe import Recipe
from model.selection import BestEpoch, Selection
from model.settings import edit, flatten

Origin = Literal["paper", "ours"]
Mark = Literal["printed", "starter", "ours"]
Formula = Literal["plain", "normalised", "none"]
Split = Literal["dev", "test"]


class RegistryError(InputError):
    """A selector, row or change that does not exist. The message names near ones."""


@dataclasses.dataclass(frozen=True)
class Change:
    """A named edit of a recipe. ``edits`` are (dotted path, value); the axes it touches are read off them."""

    name: str
    says: str
    edits: tuple[tuple[str, Any], ...]

    def apply(self, recipe: Recipe) -> Recipe:
        for path, value in self.edits:
            recipe = edit(recipe, path, value)
        return recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table: the row (or the suite's base, if None) it stands on, and what it changes.

    ``printed`` maps a metric to the figure in the paper; a column that is not there is "not printed".
    ``printed_deltas`` are the differences it prints beside them, against the row ``delta_from``.
    """

    name: str
    title: str
    on: str | None = None
    changes: tuple[Change, ...] = ()
    split: Split = "dev"
    selection: Selection | None = None  # None: the suite's
    printed: Mapping[str, float] = dataclasses.field(default_factory=dict)
    printed_words: str = ""  # a printed result that is not a number ("modest")
    printed_deltas: Mapping[str, float] = dataclasses.field(default_factory=dict)
    delta_from: str | None = None
    notes: tuple[str, ...] = ()
    origin: Origin = "paper"
    fixes_encoder: bool = False  # --encoder does not reach this row
    marks: Mapping[str, Mark] = dataclasses.field(default_factory=dict)
    levels: Mapping[str, bool] = dataclasses.field(default_factory=dict)  # of an ablation's factors: on or off


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contrast:
    """``better`` should exceed ``worse`` by the metric; with sign -1 it should fall below; 0: equivalent. A row of
    another suite is named by its full slug. The metric ``<task>_gap`` is the training metric minus the dev one."""

    better: str
    worse: str
    metric: str
    split: Split = "dev"
    sign: Literal[-1, 0, 1] = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """What a paper says its table shows, as contrasts that can be tested."""

    name: str
    says: str
    contrasts: tuple[Contrast, ...]
    margin: float = 0.01
    source: str = ""  # where in the paper
    biggest: bool = False  # the first contrast's step is said to be bigger than that of any other single change
    as_wholes: bool = False  # the rows are compared as wholes: which of their differences does it is not asked


@dataclasses.dataclass(frozen=True, kw_only=True)
class Suite:
    """One table of one paper (or a control suite of ours). ``columns`` are metric names such as ``sst_accuracy``;
    ``marks`` say where each setting comes from, by path prefix (``starter`` where none matches). The rows of a
    control suite may stand on those of the table it ``extends``, which has the same base."""

    paper: str
    table: str
    title: str
    source: str = ""
    base: Recipe
    columns: tuple[str, ...]
    formula: Formula = "none"
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...] = ()
    notes: tuple[str, ...] = ()
    marks: Mapping[str, Mark] = dataclasses.field(default_factory=dict)
    selection: Selection = BestEpoch()
    origin: Origin = "paper"
    extends: Suite | None = None
    statements: tuple[Statement, ...] = ()

    @property
    def slug(self) -> str:
        return f"{self.paper}/{self.table}"

    def row(self, name: str) -> Row:
        """The row of this name, here or in the table this suite extends; ``RegistryError`` if there is none."""
        for row in self.rows + (self.extends.rows if self.extends else ()):
            if row.name == name:
                return row
        raise RegistryError(f"{self.slug} has no row {name!r}")

    def recipe(self, row: Row) -> Recipe:
        """The row's recipe at the paper's scale: its base's, then its changes in order."""
        recipe = self.base if row.on is None else self.recipe(self.row(row.on))
        for change in row.changes:
            recipe = change.apply(recipe)
        return recipe

    def path_changes(self, row: Row) -> tuple[Change, ...]:
        """All named changes between the suite's base and the row, oldest first."""
        earlier = () if row.on is None else self.path_changes(self.row(row.on))
        return earlier + row.changes

    def selection_of(self, row: Row) -> Selection:
        return row.selection or self.selection

    def mark(self, row: Row, path: str) -> Mark:
        """Where the setting at ``path`` comes from: the row says so, else the row it stands on where it left the
        setting alone, else the suite. A setting that a row of ours changes is ours."""
        if own := _longest(row.marks, path):
            return own
        below = None if row.on is None else self.row(row.on)
        before = flatten(self.base if below is None else self.recipe(below))
        changed = before.get(path, ...) != flatten(self.recipe(row)).get(path, ...)
        if changed and row.origin == "ours":
            return "ours"
        if below is not None and not changed:
            return self.mark(below, path)
        return _longest(self.marks, path) or "starter"


def row_slug(suite: Suite, row: Row) -> str:
    """``paper/table/row``."""
    return f"{suite.slug}/{row.name}"


def _longest(marks: Mapping[str, Mark], path: str) -> Mark | None:
    fitting = [prefix for prefix in marks if path == prefix or path.startswith(prefix + ".")]
    return marks[max(fitting, key=len)] if fitting else None


def difference(before: Recipe, after: Recipe) -> dict[str, tuple[Any, Any]]:
    """Settings that differ, by path: (before, after); a setting that one of them lacks is None there."""
    old, new = flatten(before), flatten(after)
    return {
        path: (old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path, ...) != new.get(path, ...)
    }


def axis(path: str, recipe: Recipe) -> str:
    """The ablation axis that a setting's path belongs to."""
    first, _, rest = path.partition(".")
    if first in {regularizer.slug for regularizer in recipe.regularizers}:
        return "regularizers"
    leaf = rest.partition(".")[0]
    by_leaf = {
        "rows": "data",
        "extra": "data",
        "objective": "loss",
        "weight": "loss",
        "head": "head",
        "pairing": "head",
    }
    if rest and first in {branch.key for branch in recipe.branches}:
        return by_leaf.get(leaf, "data")  # else the settings of an extra source
    by_first = {
        "decay": "optimizer",
        "epochs": "optimizer",
        "batch": "optimizer",
        "encoder_dropout_when_frozen": "dropout",
    }
    return by_first.get(first, first)


def axes_changed(before: Recipe, after: Recipe) -> tuple[str, ...]:
    """The ablation axes on which two recipes differ."""
    changed = {axis(path, after if path in flatten(after) else before) for path in difference(before, after)}
    return tuple(sorted(changed - {"branches"}))


def overall(formula: Formula, scores: Mapping[str, float]) -> float | None:
    """The papers' overall score: ``plain`` is (sst + quora + sts) / 3; ``normalised`` moves Pearson r from -1..1 to
    0..1 first. None where a task is missing or the table prints none."""
    names = ("sst_accuracy", "quora_accuracy", "sts_pearson")
    if formula == "none" or any(name not in scores for name in names):
        return None
    sst, quora, sts = (scores[name] for name in names)
    return (sst + quora + (sts if formula == "plain" else (sts + 1) / 2)) / 3
