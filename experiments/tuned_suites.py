"""Tuned settings as rows, beside those they have to beat: the row untouched, the papers' settings, other studies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from experiments.dsl import beats
from experiments.search_space import Value
from experiments.shared import compare_parameters
from experiments.studies import STUDIES
from experiments.suite import Change, Claim, Row, Suite
from model.recipe import Recipe
from model.settings import flatten

PAPER = "tuned"  # as if the tuned suites were a paper's tables
UNTOUCHED = "untuned"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Winner:
    """The best trial of one study on one row, and how it was searched."""

    study: str
    row: str  # full slug of the row that was tuned
    trial: int  # its number, 0 first
    trials: int  # how many were run
    metric: str
    value: float  # of the metric on dev
    sampler: str
    sampler_seed: int
    pruner: str
    seed: int  # with which every trial trained
    profile: str
    data: str  # fingerprint
    encoder: str
    cost: float  # of all trials
    unit: str  # of the cost
    version: str  # of the harness
    revision: str  # the commit
    date: str
    params: Mapping[str, Value]

    @property
    def says(self) -> str:
        """How it was searched, in a sentence."""
        return (
            f"Trial {self.trial} of {self.trials} of the study {self.study} ({self.sampler} with seed "
            f"{self.sampler_seed}, pruner {self.pruner}) gave {self.metric} {self.value:.3f} on dev when trained with "
            f"seed {self.seed}: {self.profile} profile, data {self.data}, encoder {self.encoder}; all trials cost "
            f"{self.cost:,.0f} {self.unit}; version {self.version}, revision {self.revision}, {self.date}."
        )


def suite(name: str, base: tuple[Suite, Row], winners: Sequence[Winner]) -> Suite:
    """The rows of ``tuned/NAME``. The first winner is ``tuned``, the others are ``tuned-STUDY``; the starts are those
    of the first winner's study. All are changes of the row ``base``. ``RegistryError`` or ``SettingError`` for
    parameters that a study does not know or that do not fit the row."""
    table, row = base
    recipe, first, study = table.recipe(row), winners[0], STUDIES[winners[0].study]
    plain = Row(
        name=UNTOUCHED,
        title=f"{row.name} as it is",
        split=row.split,
        notes=(f"The row {table.slug}/{row.name}.",),
        origin="ours",
        fixes_encoder=row.fixes_encoder,
    )
    starts = [
        changed_row(
            plain, name, start.name, f"the setting of {start.name}", start.says, study.changes(start.params), recipe
        )
        for start in study.starts
    ]
    tuned = [
        changed_row(
            plain,
            name,
            "tuned" if winner is first else f"tuned-{winner.study}",
            f"the best of {winner.trials} trials of {winner.study}",
            winner.says,
            STUDIES[winner.study].changes(winner.params),
            recipe,
        )
        for winner in winners
    ]
    return Suite(
        paper=PAPER,
        table=name,
        title=f"Tuned: {study.name} on {table.slug}/{row.name}",
        source=", ".join(filter(None, (table.title, table.source))),
        base=recipe,
        columns=table.columns,
        formula=table.formula,
        rows=(plain, *starts, *tuned),
        claims=claims(table, starts, tuned),
        notes=(
            *(
                [f"{compare_parameters({each.study: list(each.params) for each in winners})}."]
                if len(winners) > 1
                else []
            ),
            f"{study.says}.",
            f"Settings were chosen by their dev score with seed {first.seed}, so that dev scores, that seed's above "
            "all, flatter the tuned rows.",
        ),
        marks={path: table.mark(row, path) for path in flatten(recipe)},
        selection=table.selection_of(row),
        origin="ours",
    )


def changed_row(
    plain: Row, table: str, name: str, title: str, note: str, changes: Sequence[Change], recipe: Recipe
) -> Row:
    """A row that stands on the untouched one and makes these changes."""
    edits = rename_changes(f"{table}-{name}", changes, recipe)
    return dataclasses.replace(plain, name=name, title=title, on=plain.name, changes=edits, notes=(note,))


def rename_changes(prefix: str, changes: Sequence[Change], recipe: Recipe) -> tuple[Change, ...]:
    """The changes that have an effect on the recipe, with names that no other row's changes have."""
    named = []
    for change in changes:
        after = change.apply(recipe)
        if after != recipe:
            named.append(dataclasses.replace(change, name=f"{prefix}-{change.name}"))
        recipe = after
    return tuple(named)


def claims(table: Suite, starts: Sequence[Row], tuned: Sequence[Row]) -> tuple[Claim, ...]:
    """That the first winner is better than each start, and than each other winner."""
    best, *others = tuned
    metric = table.columns[0] if table.formula == "none" else "overall"
    return tuple(
        Claim(
            name=f"{best.name}-beats-{row.name}",
            says=f"The row {best.name} is better than {row.name}, {row.title}.",
            contrasts=beats(best.name, row.name, metric, split=best.split),
            source="ours",
            as_wholes=True,
        )
        for row in (*starts, *others)
    )
