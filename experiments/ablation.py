"""Which change did what: a row for every combination of the changes that part one row from another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property

from experiments.factorial_designs import Run
from experiments.factors import MOST, Factor, combinations, combine, factors, impossible, repeats
from experiments.papers import SUITES
from experiments.suite import Change, RegistryError, Row, Suite, difference
from model.declaration import SettingError
from model.recipe import Recipe
from model.settings import flatten

PAPER = "ablation"  # as if the ablations were a paper's tables
NONE = "none"  # the name of the row with no factor on
SIGN = "+"  # between the factors in a row's name


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stop:
    """A row on the paper's way, and the combination that it stands at. ``off`` are the settings in which it differs
    from that combination: then its figures are of another training."""

    on: Run
    suite: Suite
    row: Row
    off: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ablation:
    """``row`` against ``against``, a row of ``other``. The ``added`` changes are factors as well; the factors that are
    ``held`` are not varied: on in every combination, or off. ``RegistryError`` or ``SettingError`` for what cannot be.
    """

    suite: Suite
    row: Row
    other: Suite
    against: Row
    added: tuple[Change, ...] = ()
    held: Mapping[str, bool] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.every:
            raise RegistryError(f"{self.told}: both rows train the same, so there is nothing to take apart")
        names = [factor.name for factor in self.every]
        known = f"the factors are: {', '.join(dict.fromkeys(names))}"
        for name in self.held:
            if name not in names:
                raise RegistryError(f"{self.told}: there is no factor {name} to hold; {known}")
        for change in self.added:
            if names.count(change.name) > 1:
                raise RegistryError(f"{self.told}: {change.name} is a factor already; {known}")
        if not self.factors:
            raise RegistryError(f"{self.told}: every factor is held, so there is nothing to take apart; {known}")
        if len(self.factors) > MOST:
            raise RegistryError(
                f"{self.told}: {len(self.factors)} factors have too many combinations; hold some, {known}"
            )

    @property
    def told(self) -> str:
        """The two rows, in words."""
        return f"{self.suite.slug}/{self.row.name} against {self.other.slug}/{self.against.name}"

    @property
    def slug(self) -> str:
        return f"{PAPER}/{self.table}"

    @property
    def table(self) -> str:
        """What names the question: ``paper.table.against..row``, then what is added and held."""
        same = self.suite.slug == self.other.slug
        row = self.row.name if same else dotted(self.suite, self.row)
        added = (f"factor={change.name}" for change in self.added)
        held = (f"hold={name}" + (":on" if self.held[name] else "") for name in sorted(self.held))
        return ",".join((f"{dotted(self.other, self.against)}..{row}", *added, *held))

    @cached_property
    def every(self) -> tuple[Factor, ...]:
        """All factors, those that are held too, in the paper's order."""
        found = factors(self.suite, self.row, self.against, self.other)
        first = 1 + max((place for factor in found for place in factor.places), default=-1)
        more = (Factor(change.name, change.says, (change,), (first + at,)) for at, change in enumerate(self.added))
        return (*found, *more)

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """Those that are varied."""
        return tuple(factor for factor in self.every if factor.name not in self.held)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self.factors)

    @cached_property
    def always(self) -> Run:
        """The factors that are on in every combination."""
        return frozenset(name for name, on in self.held.items() if on)

    @cached_property
    def _placed(self) -> tuple[Factor, ...]:
        return tuple(factor for factor in self.every if self.held.get(factor.name, True))

    @cached_property
    def base(self) -> Recipe:
        return self.other.recipe(self.against)

    def recipe(self, on: Run) -> Recipe:
        """The recipe with these of ``names`` on. ``SettingError`` where no recipe can be so."""
        return combine(self.base, self._placed, on | self.always)

    @cached_property
    def impossible(self) -> Mapping[Run, str]:
        """The combinations that are no training of their own, and why; mere repeats are among them."""
        return impossible(self.base, self._placed, self.always)

    @cached_property
    def repeats(self) -> Mapping[Run, Run]:
        """Combinations that train what one with fewer factors trains, to the same bits, and that one."""
        return repeats(self.base, self._placed, self.always)

    @cached_property
    def way(self) -> tuple[Row, ...]:
        """The rows from ``against`` to ``row``, each standing on the one before; none where ``row`` does not stand on
        ``against``: then the order of the factors is nobody's."""
        found = [self.row]
        while found[0].on and found[0] != self.against:
            found.insert(0, self.suite.row(found[0].on))
        return tuple(found) if found[0] == self.against else ()

    @cached_property
    def stops(self) -> tuple[Stop, ...]:
        """Where the rows of the way stand, ``against`` and ``row`` at least."""
        before = len(self.other.path_changes(self.against))
        every = frozenset(self.names)
        made = [self._stop(frozenset(), self.other, self.against)]
        for row in self.way[1:-1]:
            done = len(self.suite.path_changes(row)) - before
            reached = {factor.name for factor in self.factors if all(place < done for place in factor.places)}
            made.append(self._stop(frozenset(reached), self.suite, row))
        return (*made, self._stop(every, self.suite, self.row))

    def _stop(self, on: Run, suite: Suite, row: Row) -> Stop:
        try:
            off = [*difference(self.recipe(on), suite.recipe(row))]
        except SettingError:
            return Stop(on=on, suite=suite, row=row, off=("no training is so",))
        off += ["selection"] * (suite.selection_of(row) != self.suite.selection_of(self.row))
        off += ["split"] * (row.split != self.row.split)
        return Stop(on=on, suite=suite, row=row, off=tuple(off))

    @cached_property
    def known(self) -> Mapping[Run, str]:
        """The rows of the registry that a combination is: full slugs, for those that are one."""
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
        held = [
            f"{factor.name} held {'on' if self.held[factor.name] else 'off'}"
            for factor in self.every
            if factor.name in self.held
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
            notes=(f"What parts {self.told}.", *held),
            marks={path: self.other.mark(self.against, path) for path in flatten(self.base)},
            selection=self.suite.selection_of(self.row),
            origin="ours",
        )

    def _row(self, on: Run) -> Row:
        active = [factor for factor in self._placed if factor.name in on | self.always]
        placed = sorted(
            (place, change) for factor in active for place, change in zip(factor.places, factor.changes, strict=True)
        )
        known = self.known.get(on)
        return Row(
            name=self.name(on),
            title=f"{self.against.name} with {', '.join(factor.name for factor in active) or 'no factor'}",
            changes=tuple(change for _, change in placed),
            split=self.row.split,
            notes=(f"The row {known}.",) if known else (),
            origin="ours",
            fixes_encoder=self.row.fixes_encoder,
            levels={name: name in on for name in self.names},
        )


def dotted(suite: Suite, row: Row) -> str:
    """``paper.table.row``."""
    return f"{suite.paper}.{suite.table}.{row.name}"
