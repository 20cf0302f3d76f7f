"""One study in one set-up by one method: the cells that its trials train, and its name in storages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property

from experiments.search_space import Value
from experiments.study import Start, Study
from experiments.suite import Row, Suite, row_slug
from harness.cells.cell import Cell
from harness.cells.trial import SEED
from harness.planning.cell_id import cell_of
from harness.planning.plan import obstacle, scale_recipe
from harness.planning.setup import Setup
from model.digest import digest
from model.errors import InputError
from model.recipe import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
    """How a study searches: Optuna's sampler and pruner, by name, and the seed of what the sampler draws."""

    sampler: str = "tpe"
    pruner: str = "hyperband"
    seed: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyRun:
    """``suite`` and ``row`` are those that it tunes. ``InputError`` for a row that cannot be tuned here."""

    study: Study
    suite: Suite
    row: Row
    setup: Setup
    method: Method = Method()

    def __post_init__(self) -> None:
        where = row_slug(self.suite, self.row)
        if self.suite.formula == "none":
            raise InputError(f"{where} has no overall score to tune; name a row of another table with --row")
        reason = obstacle(self.recipe(self.study.starts[0].params), self.setup)
        if not self.epochs:
            raise InputError(f"{where} trains nothing; name another row with --row")
        if reason:
            raise InputError(f"{where} cannot be tuned here: {reason}")

    def recipe(self, params: Mapping[str, Value]) -> Recipe:
        """The variant with these parameters, at the profile's scale."""
        changed = Row(name="trial", title="", on=self.row.name, changes=self.study.changes(params))
        return scale_recipe(self.suite, changed, self.setup)

    def cell(self, params: Mapping[str, Value]) -> Cell:
        """The variant's training; no row that is reported shares it."""
        return cell_of(self.recipe(params), SEED, self.setup)

    @cached_property
    def epochs(self) -> int:
        return self.recipe(self.study.starts[0].params).epochs

    @cached_property
    def method_free(self) -> str:
        """A digest of all but the method: space, row, set-up and the code that trains."""
        starts = [[start.name, self.cell(start.params).id] for start in self.study.starts]
        space = {name: dataclasses.astuple(bounds) for name, bounds in self.study.space().items()}
        return digest([self.study.name, starts, space, self.suite.slug, self.row.name])

    @cached_property
    def repeats(self) -> str:
        """A digest of all but the method's seed: what repetitions of a study share."""
        return digest([self.method_free, self.method.sampler, self.method.pruner])

    @cached_property
    def id(self) -> str:
        return digest([self.method_free, *dataclasses.astuple(self.method)])

    @property
    def name(self) -> str:
        """In Optuna's storage and in the tracking store."""
        return f"{self.study.name}-{self.setup.profile.name}-{self.id[:6]}"

    def start(self, params: Mapping[str, Value]) -> Start | None:
        """The paper's setting that this is."""
        return next((start for start in self.study.starts if dict(start.params) == dict(params)), None)
