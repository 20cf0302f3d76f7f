"""Studies in a report: facts, the best trials and the papers' own settings, importances, and arms on one budget."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from reports.document.blocks import Block, Cell, Grid, Heading, Words
from reports.figures.label_placement import ranges
from reports.suite_table.symbols import number
from reports.tuning.comparison import compared
from reports.tuning.figures import named
from reports.tuning.gradient_shares import INERT, SETS, inert, regularizers, shares, titled
from reports.tuning.results import Trial, Tuned
from reports.tuning.trial_table import amount, brief, rank, ranked, trials

LISTED = 20  # trials named in a sentence; the table's data name all
FLATTERS = (
    "A trial's value is that of its best epoch on dev with one seed, and a study's best is the best of many trials: "
    "it flatters. What a tuned setting is worth is told by the comparison on fresh seeds, not here."
)


def chapter(studies: Sequence[Tuned]) -> list[Block]:
    """Nothing for no study. Figures are drawn by ``reports.tuning.figures``."""
    if not studies:
        return []
    made: list[Block] = [Heading(1, "Tuning"), Words(FLATTERS, "warning")]
    for told in studies:
        made += of_study(told)
    return [*made, *compared(studies)]


def of_study(told: Tuned) -> list[Block]:
    made: list[Block] = [Heading(2, f"{told.study}: {told.sampler}, seed {told.seed}, {told.facts['profile']} profile")]
    made += [Words(text, "muted") for text in (told.says, facts(told)) if text]
    if not told.trials:
        return [*made, Words("No trial has ended.")]
    made += [trials(told, named(told)), *map(Words, (*papers(told), *pulls(told)))]
    if told.importances:
        made.append(importances(told))
    return made


def facts(told: Tuned) -> str:
    states = collections.Counter(trial.state for trial in told.trials)
    known = told.facts
    reused = sum(trial.reused for trial in told.trials)
    parts = {
        "row": told.row,
        "sampler": told.sampler,
        "pruner": told.pruner,
        "seed": str(told.seed),
        "metric": f"{titled(told.metric)}, dev",
        "epochs": str(told.epochs),
        "profile": known["profile"],
        "data": f"{known['data_source']}, fingerprint {known['data']}",
        "encoder": known["encoder"],
        "variant": known["variant"].strip("[]"),
        "trials": f"{states['complete']} complete, {states['pruned']} pruned, {states['failed']} failed",
        "spent": f"{amount(told.spent)} {told.unit}",
        "cells that were there before": f"{reused} of {len(told.trials)}",
    }
    return "; ".join(f"{name}: {value}" for name, value in parts.items() if value)


def papers(told: Tuned) -> list[str]:
    """Where the papers' own settings stand, in a sentence."""
    starts = [trial for trial in told.trials if trial.start]
    if not starts:
        return []
    places = "; ".join(placed(told, trial) for trial in starts)
    return [f"The papers' settings among the complete trials with a value: {places}."]


def placed(told: Tuned, trial: Trial) -> str:
    place = rank(told, trial)
    if place is not None and trial.value is not None:
        return f"{trial.start} is {ordinal(place)} of {len(ranked(told))} ({number(trial.value)})"
    if trial.state == "pruned":
        return f"{trial.start} was pruned after epoch {trial.epochs}"
    if trial.state == "failed":
        return f"{trial.start} failed" + (f" ({trial.reason})" if trial.reason else "")
    return f"{trial.start} has no value"


def ordinal(place: int) -> str:
    last = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{last}"


def pulls(told: Tuned) -> list[str]:
    """Of each regularizer in which trials it does nothing, and at which parameters."""
    made = []
    for name in regularizers(told.trials):
        measured = [trial for trial in told.trials if name in shares(trial)]
        idle = inert(told.trials, name)
        sentence = f"The gradient of {titled(name)} is below {INERT:g} of the loss's in {len(idle)} of the "
        sentence += f"{len(measured)} trials that measured it"
        sentence += f" ({ranges([trial.number for trial in idle])})" if 0 < len(idle) <= LISTED else ""
        knob = SETS.get(name, "")
        if idle and (at := span(idle, knob)):
            others = span([trial for trial in measured if trial not in idle], knob)
            sentence += f": there {titled(knob)} is {at}" + (f", in the others {others}" if others else "")
        made.append(sentence + ".")
    return made


def span(trials: Sequence[Trial], name: str) -> str:
    """From the parameter's lowest value to its highest."""
    values = [value for trial in trials if isinstance(value := trial.params.get(name), int | float)]
    if not values:
        return ""
    low, high = brief(min(values)), brief(max(values))
    return low if low == high else f"{low} to {high}"


def importances(told: Tuned) -> Grid:
    largest = sorted(told.importances.items(), key=lambda item: -item[1].mean)
    count = len(ranked(told))
    return Grid(
        name=f"{named(told)}-importances",
        caption=f"{told.study}: what the parameters explain of the value's variance (fANOVA)",
        head=(tuple(map(Cell, ("parameter", "sought in", "share", "95%"))),),
        body=tuple(
            (
                Cell(titled(name)),
                Cell(sought(told, name)),
                Cell(number(each.mean), value=each.mean),
                Cell(f"[{number(each.low)}, {number(each.high)}]"),
            )
            for name, each in largest
        ),
        widths=(2, 2, 1, 2),
        left=(0, 1),
        notes=(
            f"from {count} complete trials, intervals over resampled trials: with few trials they are wide",
            "a share is of the trials that this sampler made in these ranges, not of the technique",
        ),
        records=tuple(
            {
                "study": told.study,
                "digest": told.name,
                "parameter": name,
                "share": each.mean,
                "low": each.low,
                "high": each.high,
                "complete_trials": count,
                "setup": told.setup,
                **told.facts,
            }
            for name, each in largest
        ),
    )


def sought(told: Tuned, name: str) -> str:
    within = told.space.get(name)
    return f"{brief(within.low)} to {brief(within.high)}{', log' * within.log}" if within else ""
