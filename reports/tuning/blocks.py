"""Studies in a report: facts, the best trials and the papers' own settings, importances, and arms on one budget."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from reports.document.blocks import Block, Cell, Grid, Heading, Words
from reports.figures.label_placement import ranges
from reports.number_format import format_number
from reports.tuning.comparison import compare_studies
from reports.tuning.figures import file_prefix
from reports.tuning.gradient_shares import INERT, SETS, inert, readable, regularizers, shares
from reports.tuning.results import StudyResults, Trial
from reports.tuning.trial_table import format_brief, format_cost, rank, ranked, trials

LISTED = 20  # trials named in a sentence; the table's data name all
FLATTERS = (
    "A trial's value is that of its best epoch on dev with one seed, and a study's best is the best of many trials: "
    "it flatters. What a tuned setting is worth is told by the comparison on fresh seeds, not here."
)


def study_chapter(studies: Sequence[StudyResults]) -> list[Block]:
    """Nothing for no study. Figures are drawn by ``reports.tuning.figures``."""
    if not studies:
        return []
    blocks: list[Block] = [Heading(1, "Tuning"), Words(FLATTERS, "warning")]
    for study in studies:
        blocks += of_study(study)
    return [*blocks, *compare_studies(studies)]


def of_study(study: StudyResults) -> list[Block]:
    blocks: list[Block] = [
        Heading(2, f"{study.study}: {study.sampler}, seed {study.seed}, {study.facts['profile']} profile")
    ]
    blocks += [Words(text, "muted") for text in (study.says, facts(study)) if text]
    if not study.trials:
        return [*blocks, Words("No trial has ended.")]
    blocks += [trials(study, file_prefix(study)), *map(Words, (*papers(study), *inert_sentences(study)))]
    if study.importances:
        blocks.append(importances(study))
    return blocks


def facts(study: StudyResults) -> str:
    states = collections.Counter(trial.state for trial in study.trials)
    setup_facts = study.facts
    reused = sum(trial.reused for trial in study.trials)
    parts = {
        "row": study.row,
        "sampler": study.sampler,
        "pruner": study.pruner,
        "seed": str(study.seed),
        "metric": f"{readable(study.metric)}, dev",
        "epochs": str(study.epochs),
        "profile": setup_facts["profile"],
        "data": f"{setup_facts['data_source']}, fingerprint {setup_facts['data']}",
        "encoder": setup_facts["encoder"],
        "variant": setup_facts["variant"].strip("[]"),
        "trials": f"{states['complete']} complete, {states['pruned']} pruned, {states['failed']} failed",
        "spent": f"{format_cost(study.spent)} {study.unit}",
        "cells that were there before": f"{reused} of {len(study.trials)}",
    }
    return "; ".join(f"{name}: {value}" for name, value in parts.items() if value)


def papers(study: StudyResults) -> list[str]:
    """Where the papers' own settings stand, in a sentence."""
    starts = [trial for trial in study.trials if trial.start]
    if not starts:
        return []
    places = "; ".join(rank_text(study, trial) for trial in starts)
    return [f"The papers' settings among the complete trials with a value: {places}."]


def rank_text(study: StudyResults, trial: Trial) -> str:
    position = rank(study, trial)
    if position is not None and trial.value is not None:
        return f"{trial.start} is {ordinal(position)} of {len(ranked(study))} ({format_number(trial.value)})"
    if trial.state == "pruned":
        return f"{trial.start} was pruned after epoch {trial.epochs}"
    if trial.state == "failed":
        return f"{trial.start} failed" + (f" ({trial.reason})" if trial.reason else "")
    return f"{trial.start} has no value"


def ordinal(position: int) -> str:
    last = "th" if position % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(position % 10, "th")
    return f"{position}{last}"


def inert_sentences(study: StudyResults) -> list[str]:
    """Of each regularizer in which trials it does nothing, and at which parameters."""
    sentences = []
    for name in regularizers(study.trials):
        measured = [trial for trial in study.trials if name in shares(trial)]
        idle = inert(study.trials, name)
        sentence = f"The gradient of {readable(name)} is below {INERT:g} of the loss's in {len(idle)} of the "
        sentence += f"{len(measured)} trials that measured it"
        sentence += f" ({ranges([trial.number for trial in idle])})" if 0 < len(idle) <= LISTED else ""
        knob = SETS.get(name, "")
        if idle and (at := span(idle, knob)):
            others = span([trial for trial in measured if trial not in idle], knob)
            sentence += f": there {readable(knob)} is {at}" + (f", in the others {others}" if others else "")
        sentences.append(sentence + ".")
    return sentences


def span(trials: Sequence[Trial], name: str) -> str:
    """From the parameter's lowest value to its highest."""
    values = [value for trial in trials if isinstance(value := trial.params.get(name), int | float)]
    if not values:
        return ""
    low, high = format_brief(min(values)), format_brief(max(values))
    return low if low == high else f"{low} to {high}"


def importances(study: StudyResults) -> Grid:
    largest = sorted(study.importances.items(), key=lambda item: -item[1].mean)
    count = len(ranked(study))
    return Grid(
        name=f"{file_prefix(study)}-importances",
        caption=f"{study.study}: what the parameters explain of the value's variance (fANOVA)",
        head=(tuple(map(Cell, ("parameter", "sought in", "share", "95%"))),),
        body=tuple(
            (
                Cell(readable(name)),
                Cell(range_text(study, name)),
                Cell(format_number(each.mean), value=each.mean),
                Cell(f"[{format_number(each.low)}, {format_number(each.high)}]"),
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
                "study": study.study,
                "digest": study.name,
                "parameter": name,
                "share": each.mean,
                "low": each.low,
                "high": each.high,
                "complete_trials": count,
                "setup": study.setup,
                **study.facts,
            }
            for name, each in largest
        ),
    )


def range_text(study: StudyResults, name: str) -> str:
    within = study.space.get(name)
    return f"{format_brief(within.low)} to {format_brief(within.high)}{', log' * within.log}" if within else ""
