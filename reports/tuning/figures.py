"""The figures of studies: each study's trials, parameters and importances, and what arms find for their budget."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports.document.blocks import Picture
from reports.figures import best_by_budget, importances, param_slices, trial_history
from reports.figures.estimates import Estimate
from reports.named_figures import NamedFigure, number_figures, save_figures
from reports.tuning.best_so_far import best_so_far
from reports.tuning.gradient_shares import INERT, SETS, readable, regularizers, shares
from reports.tuning.results import StudyResults, Trial
from reports.tuning.study_groups import arms, curve, groups, values

UNSAFE = re.compile(r"[^a-z0-9]+")


def pictures(studies: Sequence[StudyResults], folder: Path) -> list[Picture]:
    """Draw and write the studies' figures into the folder. The names of one study's begin with its ``file_prefix``,
    those of compared studies with that of the first."""
    return save_figures(draw_figures(studies), folder)


def file_prefix(study: StudyResults) -> str:
    """How the names of a study's files begin: study, profile, and six digits of its digest."""
    parts = (study.study, study.facts["profile"], study.name[:6])
    return "-".join(UNSAFE.sub("-", part.lower()).strip("-") for part in parts)


def draw_figures(studies: Sequence[StudyResults]) -> Iterator[NamedFigure]:
    for study in studies:
        yield from of_study(study)
    for group in groups(studies):
        if any(study.best for study in group):
            yield from of_group(group)


def of_study(study: StudyResults) -> Iterator[NamedFigure]:
    if not study.trials:
        return
    trials = [plotted_trial(study, trial) for trial in study.trials]
    figure = trial_history.history(metric(study), trials, [float(value) for value in best_so_far(values(study.trials))])
    yield NamedFigure(
        f"{file_prefix(study)}-history", figure, f"{study.study}: what each trial was worth, and the best so far."
    )
    figures = param_slices.slices(metric(study), trials, list(parameters(study)), INERT)
    caption = f"{study.study}: the trials' values by each parameter, and how much the regularizers pull."
    yield from number_figures(f"{file_prefix(study)}-slices", figures, caption)
    study_shares = [
        importances.Share(parameter=name, share=Estimate(each.mean, each.low, each.high))
        for name, each in study.importances.items()
    ]
    caption = f"{study.study}: the parameters' importance among the trials made here."
    yield from number_figures(f"{file_prefix(study)}-importances", importances.importances(study_shares), caption)


def metric(study: StudyResults) -> str:
    return f"{readable(study.metric)}, dev"


def plotted_trial(study: StudyResults, trial: Trial) -> trial_history.Shown:
    best = study.best is not None and study.best.number == trial.number
    return trial_history.Shown(number=trial.number, state=trial.state, value=trial.value, paper=trial.start, best=best)


def parameters(study: StudyResults) -> Iterator[param_slices.Slice]:
    """Each parameter, with the shares of the regularizer that it scales."""
    measured = regularizers(study.trials)
    for name, within in study.space.items():
        pulls = next((each for each in measured if SETS.get(each) == name), "")
        yield param_slices.Slice(
            parameter=readable(name),
            low=within.low,
            high=within.high,
            log=within.log,
            whole=within.whole,
            at=tuple(number(trial, name) for trial in study.trials),
            pull=readable(pulls),
            shares=tuple(shares(trial).get(pulls) for trial in study.trials) if pulls else (),
        )


def number(trial: Trial, name: str) -> float | None:
    value = trial.params.get(name)
    return None if value is None or isinstance(value, str) else float(value)


def of_group(group: Sequence[StudyResults]) -> Iterator[NamedFigure]:
    first = group[0]
    lines = [curve(name, arm) for name, arm in arms(group).items()]
    caption = (
        f"Tuning {first.row}: the best dev {readable(first.metric)} by what was spent, in measured {first.unit}. Of a "
        "random search it is what so many of its draws are expected to find, the papers' settings left out; of other "
        "searches it is the best so far."
    )
    yield from number_figures(
        f"{file_prefix(first)}-budget", best_by_budget.budget(metric(first), first.unit, lines), caption
    )
