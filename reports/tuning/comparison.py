"""Studies side by side, and the best of each within the smallest budget that one of them spent."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np

from experiments.shared import compare_parameters
from reports.document.blocks import Block, Cell, Grid, Heading, Words
from reports.number_format import format_number
from reports.tuning.best_so_far import affordable, best_so_far, spent_so_far
from reports.tuning.figures import file_prefix
from reports.tuning.gradient_shares import readable
from reports.tuning.results import StudyResults
from reports.tuning.study_groups import arms, costs, groups, values
from reports.tuning.trial_table import format_cost


def compare_studies(studies: Sequence[StudyResults]) -> list[Block]:
    """A table for every row that several studies tuned in one set-up."""
    blocks: list[Block] = []
    for group in groups(studies):
        ended = [study for study in group if study.trials]
        if len(ended) > 1:
            profile = ended[0].facts["profile"]
            heading = Heading(2, f"{ended[0].row} on one budget, {profile} profile")
            blocks += [heading, Words(describe_spaces(ended)), budget_grid(ended)]
    return blocks


def describe_spaces(group: Sequence[StudyResults]) -> str:
    """Whether the arms had the same choice: what only some of them sought, and where one parameter's ranges differ."""
    spaces = {name: arm[0].space for name, arm in arms(group).items()}
    text = compare_parameters({name: [readable(each) for each in space] for name, space in spaces.items()})
    names = dict.fromkeys(name for space in spaces.values() for name in space)
    apart = [name for name in names if len({space[name] for space in spaces.values() if name in space}) > 1]
    ranges = f"; in other ranges: {', '.join(map(readable, apart))}" if apart else ""
    return f"{text}{ranges}."


def budget_grid(group: Sequence[StudyResults]) -> Grid:
    """``group`` as ``groups`` gives it, each study with a trial."""
    budget = min(spent(study) for study in group)
    unit, profile = group[0].unit, group[0].facts["profile"]
    body, records = [], []
    for name, arm in arms(group).items():
        ends = [(study, affordable(costs(study.trials), budget)) for study in arm]
        body.append(
            (
                Cell(name, below=f"{len(arm)} studies" if len(arm) > 1 else ""),
                summary_cell([float(len(study.trials)) for study in arm], str_of_count),
                summary_cell([spent(study) for study in arm], format_cost),
                summary_cell([best(study, len(study.trials)) for study in arm], format_number),
                summary_cell([float(count) for _, count in ends], str_of_count),
                summary_cell([best(study, count) for study, count in ends], format_number),
            )
        )
        records += [record(name, study, budget, count) for study, count in ends]
    return Grid(
        name=f"{file_prefix(group[0])}-budget",
        caption=f"{group[0].row}, {profile}: what the arms found for {format_cost(budget)} {unit}",
        head=(
            (Cell(""), Cell("in all", span=3), Cell(f"for {format_cost(budget)} {unit}", span=2)),
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


def spent(study: StudyResults) -> float:
    """As ``affordable`` adds it up, so that a study's own budget pays for all of it."""
    return float(spent_so_far(costs(study.trials))[-1])


def best(study: StudyResults, count: int) -> float | None:
    """Of the first so many trials."""
    value = float(best_so_far(values(study.trials[:count]))[-1]) if count else np.nan
    return None if np.isnan(value) else value


def summary_cell(figures: Sequence[float | None], text: Callable[[float], str]) -> Cell:
    present = [value for value in figures if value is not None]
    if not present:
        return Cell("none", tone="muted")
    below = f"{text(min(present))} to {text(max(present))}" if min(present) < max(present) else ""
    below += f", {len(figures) - len(present)} without" if len(present) < len(figures) else ""
    return Cell(text(statistics.fmean(present)), below=below, value=statistics.fmean(present))


def str_of_count(count: float) -> str:
    return f"{count:.1f}".removesuffix(".0")


def record(arm: str, study: StudyResults, budget: float, count: int) -> dict[str, object]:
    return {
        "row": study.row,
        "arm": arm,
        "study": study.study,
        "digest": study.name,
        "sampler": study.sampler,
        "pruner": study.pruner,
        "seed": study.seed,
        "trials": len(study.trials),
        "spent": spent(study),
        "unit": study.unit,
        "best": best(study, len(study.trials)),
        "budget": budget,
        "trials_within": count,
        "best_within": best(study, count),
        "setup": study.setup,
        **study.facts,
    }
