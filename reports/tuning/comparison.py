"""Arms side by side, and what each had found when the one that spent least was at its end."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np

from experiments.shared import compare_parameters
from reports.document.blocks import Block, Cell, Grid, Heading, Words
from reports.suite_table.symbols import number
from reports.tuning.best_so_far import affordable, best_so_far, spent_so_far
from reports.tuning.figures import named
from reports.tuning.gradient_shares import titled
from reports.tuning.results import Tuned
from reports.tuning.study_groups import arms, costs, groups, values
from reports.tuning.trial_table import amount


def compared(studies: Sequence[Tuned]) -> list[Block]:
    """A table for every row that several studies tuned in one set-up."""
    made: list[Block] = []
    for group in groups(studies):
        ended = [told for told in group if told.trials]
        if len(ended) > 1:
            profile = ended[0].facts["profile"]
            heading = Heading(2, f"{ended[0].row} on one budget, {profile} profile")
            made += [heading, Words(sought(ended)), budgeted(ended)]
    return made


def sought(group: Sequence[Tuned]) -> str:
    """Whether the arms had the same choice: what only some of them sought, and where one parameter's ranges differ."""
    spaces = {name: arm[0].space for name, arm in arms(group).items()}
    text = compare_parameters({name: [titled(each) for each in space] for name, space in spaces.items()})
    names = dict.fromkeys(name for space in spaces.values() for name in space)
    apart = [name for name in names if len({space[name] for space in spaces.values() if name in space}) > 1]
    ranges = f"; in other ranges: {', '.join(map(titled, apart))}" if apart else ""
    return f"{text}{ranges}."


def budgeted(group: Sequence[Tuned]) -> Grid:
    """``group`` as ``groups`` gives it, each study with a trial."""
    budget = min(spent(told) for told in group)
    unit, profile = group[0].unit, group[0].facts["profile"]
    body, records = [], []
    for name, arm in arms(group).items():
        ends = [(told, affordable(costs(told.trials), budget)) for told in arm]
        body.append(
            (
                Cell(name, below=f"{len(arm)} studies" if len(arm) > 1 else ""),
                several([float(len(told.trials)) for told in arm], str_of_count),
                several([spent(told) for told in arm], amount),
                several([best(told, len(told.trials)) for told in arm], number),
                several([float(count) for _, count in ends], str_of_count),
                several([best(told, count) for told, count in ends], number),
            )
        )
        records += [record(name, told, budget, count) for told, count in ends]
    return Grid(
        name=f"{named(group[0])}-budget",
        caption=f"{group[0].row}, {profile}: what the arms found for {amount(budget)} {unit}",
        head=(
            (Cell(""), Cell("in all", span=3), Cell(f"for {amount(budget)} {unit}", span=2)),
            tuple(map(Cell, ("arm", "trials", f"spent, {unit}", "best", "trials", "best"))),
        ),
        body=tuple(body),
        widths=(3.4, 1.2, 1.8, 1.6, 1.2, 1.6),
        notes=(
            "the budget is what the study that spent least has spent; a trial counts within it where it and all before "
            "it are paid for",
            *(["of repeated studies the mean, and from the lowest to the highest"] if len(body) < len(group) else []),
        ),
        records=tuple(records),
    )


def spent(told: Tuned) -> float:
    """As ``affordable`` adds it up, so that a study's own budget pays for all of it."""
    return float(spent_so_far(costs(told.trials))[-1])


def best(told: Tuned, count: int) -> float | None:
    """Of the first so many trials."""
    value = float(best_so_far(values(told.trials[:count]))[-1]) if count else np.nan
    return None if np.isnan(value) else value


def several(found: Sequence[float | None], text: Callable[[float], str]) -> Cell:
    known = [value for value in found if value is not None]
    if not known:
        return Cell("none", tone="muted")
    below = f"{text(min(known))} to {text(max(known))}" if min(known) < max(known) else ""
    below += f", {len(found) - len(known)} without" if len(known) < len(found) else ""
    return Cell(text(statistics.fmean(known)), below=below, value=statistics.fmean(known))


def str_of_count(count: float) -> str:
    return f"{count:.1f}".removesuffix(".0")


def record(arm: str, told: Tuned, budget: float, count: int) -> dict[str, object]:
    return {
        "row": told.row,
        "arm": arm,
        "study": told.study,
        "digest": told.name,
        "sampler": told.sampler,
        "pruner": told.pruner,
        "seed": told.seed,
        "trials": len(told.trials),
        "spent": spent(told),
        "unit": told.unit,
        "best": best(told, len(told.trials)),
        "budget": budget,
        "trials_within": count,
        "best_within": best(told, count),
        "setup": told.setup,
        **told.facts,
    }
