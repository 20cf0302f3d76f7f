"""Reads studies from a tracking store, for reports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from experiments.studies import STUDIES
from experiments.study import Range
from harness.cells.trial import METRIC
from harness.tracking.results_source import ResultsSource, TrialRun
from harness.tracking.seed_result import HEALTH, REPORTED
from reports.results import FACTS
from reports.tuning.results import State, StudyResults, Trial


def read_studies(evidence: ResultsSource, only: str | None = None) -> list[StudyResults]:
    """Studies with an ended trial (in one set-up), in the order of study, set-up, row, sampler and seed.
    ``InputError`` where they cannot be read."""
    arms: dict[tuple[str, str], list[TrialRun]] = {}
    for each in evidence.trials(only):
        arms.setdefault((each.tags["setup"], each.tags["arm"]), []).append(each)
    return sorted(map(study_of_runs, arms.values()), key=sort_key)


def sort_key(study: StudyResults) -> tuple[object, ...]:
    return (study.study, [study.facts[name] for name in FACTS], study.row, study.sampler, study.seed, study.name)


def study_of_runs(runs: Sequence[TrialRun]) -> StudyResults:
    """The study of one arm's runs."""
    tags = runs[0].tags
    study = STUDIES.get(tags["study"])
    return StudyResults(
        name=tags["arm"],
        study=tags["study"],
        says=study.says if study else "",
        row=tags["base"],
        sampler=tags["sampler"],
        pruner=tags["pruner"],
        seed=int(tags["sampler_seed"]),
        arm=tags["repeats"],
        metric=METRIC,
        epochs=int(tags["epochs"]),
        unit=tags["unit"],
        facts={name: tags.get(name, "") for name in FACTS},
        setup=tags["setup"],
        space={name: Range(**within) for name, within in json.loads(tags["space"]).items()},
        trials=sorted(map(trial_of_run, runs), key=lambda each: each.number),
    )


def trial_of_run(run: TrialRun) -> Trial:
    tags, metrics = run.tags, run.metrics
    scores = {
        name.removeprefix(REPORTED): value
        for name, value in metrics.items()
        if name.startswith(REPORTED) and name != f"{REPORTED}epoch"
    }
    return Trial(
        number=int(tags["trial"]),
        state=cast(State, tags["state"]),
        params=json.loads(tags["params"]),
        value=scores.get(METRIC),
        epochs=round(metrics["epochs"]),
        cost=metrics["cost"],
        reused=tags["reused"] == "true",
        start=tags["start"],
        reason=tags["reason"],
        scores=scores,
        health={name.removeprefix(HEALTH): value for name, value in metrics.items() if name.startswith(HEALTH)},
    )
