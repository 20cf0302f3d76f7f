"""Which change did what: a row for every combination of the changes between two rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property

from experiments.combinations import MOST_FACTORS, Factor, combinations, combine, impossible, repeats
from experiments.factorial_designs import Run
from experiments.factors import factors
from experiments.papers import SUITES
from experiments.suite import Change, RegistryError, Row, Suite, difference
from model.declaration import SettingError
from model.recipe import Recipe
from model.settings import flatten

PAPER = "ablation"  # as if the ablations were a paper's tables
NONE = "none"  # the row with no factor on
SIGN = "+"  # between the factors in a row's name


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stop:
    """A row on the paper's path, and the combination that it is. ``off`` are the settings in which it differs from
    that combination: then its figures are of another training."""

    on: Run
    suite: Suite
    row: Row
    off: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ablation:
    """``row`` against ``against``, a row of ``other``. The ``added`` changes are factors as well; the factors in
    ``fixed`` are not varied: on in every combination, or off. ``RegistryError`` or ``SettingError`` for what cannot be.
    """

    suite: Suite
    row: Row
    other: Suite
    against: Row
    added: tuple[Change, ...] = ()
    fixed: Mapping[str, bool] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.all_factors:
            raise RegistryError(f"{self.question}: both rows train the same, so there is nothing to take apart")
        names = [factor.name for factor in self.all_factors]
        choice = f"the factors are: {', '.join(dict.fromkeys(names))}"
        for name in self.fixed:
            if name not in names:
                raise RegistryError(f"{self.question}: there is no factor {name} to hold; {choice}")
        for change in self.added:
            if names.count(change.name) > 1:
                raise RegistryError(f"{self.question}: {change.name} is a factor already; {choice}")
        if not self.factors:
            raise RegistryError(f"{self.question}: every factor is held, so there is nothing to take apart; {choice}")
        if len(self.factors) > MOST_FACTORS:
            raise RegistryError(
                f"{self.question}: {len(self.factors)} factors have too many combinations; hold some, {choice}"
            )

    @property
    def question(self) -> str:
        """The two rows, in words."""
        return f"{self.suite.slug}/{self.row.name} against {self.other.slug}/{self.against.name}"

    @property
    def slug(self) -> str:
        return f"{PAPER}/{self.table}"

    @property
    def table(self) -> str:
        """The question as a name: ``paper.table.against..row``, then added and fixed factors."""
        same = self.suite.slug == self.other.slug
        row = self.row.name if same else dotted(self.suite, self.row)
        added = (f"factor={change.name}" for change in self.added)
        fixed = (f"hold={name}" + (":on" if self.fixed[name] else "") for name in sorted(self.fixed))
        return ",".join((f"{dotted(self.other, self.against)}..{row}", *added, *fixed))

    @cached_property
    def all_factors(self) -> tuple[Factor, ...]:
        """Varied and fixed factors, in the paper's order."""
        between = factors(self.suite, self.row, self.against, self.other)
        first = 1 + max((position for factor in between for position in factor.positions), default=-1)
        more = (Factor(change.name, change.says, (change,), (first + at,)) for at, change in enumerate(self.added))
        return (*between, *more)

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """The factors that are varied."""
        return tuple(factor for factor in self.all_factors if factor.name not in self.fixed)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self.factors)

    @cached_property
    def always_on(self) -> Run:
        """The factors that are on in every combination."""
        return frozenset(name for name, on in self.fixed.items() if on)

    @cached_property
    def _usable_factors(self) -> tuple[Factor, ...]:
        return tuple(factor for factor in self.all_factors if self.fixed.get(factor.name, True))

    @cached_property
    def base(self) -> Recipe:
        return self.other.recipe(self.against)

    def recipe(self, on: Run) -> Recipe:
        """The recipe with these of ``names`` on. ``SettingError`` where no recipe can be so."""
        return combine(self.base, self._usable_factors, on | self.always_on)

    @cached_property
    def impossible(self) -> Mapping[Run, str]:
        """The combinations that are no training of their own, and why; mere repeats are among them."""
        return impossible(self.base, self._usable_factors, self.always_on)

    @cached_property
    def repeats(self) -> Mapping[Run, Run]:
        """Combinations that train what one with fewer factors trains, to the same bits, and that one."""
        return repeats(self.base, self._usable_factors, self.always_on)

    @cached_property
    def path(self) -> tuple[Row, ...]:
        """The rows from ``against`` to ``row``, each standing on the one before; none where ``row`` does not stand on
        ``against``: then the factors have no order."""
        rows = [self.row]
        while rows[0].on and rows[0] != self.against:
            rows.insert(0, self.suite.row(rows[0].on))
        return tuple(rows) if rows[0] == self.against else ()

    @cached_property
    def stops(self) -> tuple[Stop, ...]:
        """The combinations of the path's rows, ``against`` and ``row`` at least."""
        before = len(self.other.path_changes(self.against))
        all_on = frozenset(self.names)
        stops = [self._stop(frozenset(), self.other, self.against)]
        for row in self.path[1:-1]:
            done = len(self.suite.path_changes(row)) - before
            reached = {factor.name for factor in self.factors if all(position < done for position in factor.positions)}
            stops.append(self._stop(frozenset(reached), self.suite, row))
        return (*stops, self._stop(all_on, self.suite, self.row))

    def _stop(self, on: Run, suite: Suite, row: Row) -> Stop:
        try:
            off = [*difference(self.recipe(on), suite.recipe(row))]
        except SettingError:
            return Stop(on=on, suite=suite, row=row, off=("no training is so",))
        off += ["selection"] * (suite.selection_of(row) != self.suite.selection_of(self.row))
        off += ["split"] * (row.split != self.row.split)
        return Stop(on=on, suite=suite, row=row, off=tuple(off))

    @cached_property
    def registry_rows(self) -> Mapping[Run, str]:
        """The full slug of the registry's row for each combination that is one."""
        recipes = {on: self.recipe(on) for on in combinations(self.factors) if on not in self.impossible}
        rows = [
            (suite, row)
            for suite in SUITES
            if suite.paper in (self.suite.paper, self.other.paper)
            for row in suite.rows
            if row.split == self.row.split and suite.selection_of(row) == self.suite.selection_of(self.row)
        ]
        slugs: dict[Recipe, str] = {}
        for suite, row in rows:
            slugs.setdefault(suite.recipe(row), f"{suite.slug}/{row.name}")
        return {on: slugs[recipe] for on, recipe in recipes.items() if recipe in slugs}

    def name(self, on: Run) -> str:
        """The name of a combination's row."""
        return SIGN.join(name for name in self.names if name in on) or NONE

    @cached_property
    def rows(self) -> Suite:
        """A suite with a row for every combination that can be trained."""
        possible = [on for on in combinations(self.factors) if on not in self.impossible]
        fixed = [
            f"{factor.name} held {'on' if self.fixed[factor.name] else 'off'}"
            for factor in self.all_factors
            if factor.name in self.fixed
        ]
        return Suite(
            paper=PAPER,
            table=self.table,
            title=f"Ablation: {self.row.name} against {self.against.name}",
            source=", ".join(filter(None, (self.suite.title, self.suite.source))),
            base=self.base,
            columns=self.suite.columns,
            formula=self.suite.formula,
            rows=tuple(map(self._row, possible)),
            notes=(f"What parts {self.question}.", *fixed),
            marks={path: self.other.mark(self.against, path) for path in flatten(self.base)},
            selection=self.suite.selection_of(self.row),
            origin="ours",
        )

    def _row(self, on: Run) -> Row:
        active = [factor for factor in self._usable_factors if factor.name in on | self.always_on]
        ordered = sorted(
            (position, change)
            for factor in active
            for position, change in zip(factor.positions, factor.changes, strict=True)
        )
        slug = self.registry_rows.get(on)
        return Row(
            name=self.name(on),
            title=f"{self.against.name} with {', '.join(factor.name for factor in active) or 'no factor'}",
            changes=tuple(change for _, change in ordered),
            split=self.row.split,
            notes=(f"The row {slug}.",) if slug else (),
            origin="ours",
            fixes_encoder=self.row.fixes_encoder,
            levels={name: name in on for name in self.names},
        )


def dotted(suite: Suite, row: Row) -> str:
    """``paper.table.row``."""
    return f"{suite.paper}.{suite.table}.{row.name}"
