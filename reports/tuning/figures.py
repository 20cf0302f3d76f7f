"""The figures of studies: each study's trials, parameters and importances, and what arms find for their budget."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from reports.document.blocks import Picture
from reports.figures import best_by_budget, importances, param_slices, trial_history
from reports.figures.estimates import Estimate
from reports.figures.save import save
from reports.suite.figures import Drawn
from reports.tuning.best_so_far import best_so_far
from reports.tuning.gradient_shares import INERT, SETS, regularizers, shares, titled
from reports.tuning.results import Trial, Tuned
from reports.tuning.study_groups import arms, curve, groups, values

UNSAFE = re.compile(r"[^a-z0-9]+")


def pictures(studies: Sequence[Tuned], folder: Path) -> list[Picture]:
    """Draw and write the studies' figures into the folder. The names of one study's begin with ``named``; those of
    what is compared, with that of the first study compared."""
    made = []
    for name, figure, caption in drawn(studies):
        save(figure, folder, name)
        width, height = figure.get_size_inches()
        made.append(Picture(name=name, caption=caption, width=float(width), height=float(height)))
    return made


def named(told: Tuned) -> str:
    """How the names of a study's files begin: study, profile, and six digits of its digest."""
    parts = (told.study, told.facts["profile"], told.name[:6])
    return "-".join(UNSAFE.sub("-", part.lower()).strip("-") for part in parts)


def drawn(studies: Sequence[Tuned]) -> Iterator[Drawn]:
    for told in studies:
        yield from of_study(told)
    for group in groups(studies):
        if any(told.best for told in group):
            yield from of_group(group)


def of_study(told: Tuned) -> Iterator[Drawn]:
    if not told.trials:
        return
    trials = [shown(told, trial) for trial in told.trials]
    figure = trial_history.history(metric(told), trials, [float(value) for value in best_so_far(values(told.trials))])
    yield Drawn(f"{named(told)}-history", figure, f"{told.study}: what each trial was worth, and the best so far.")
    made = param_slices.slices(metric(told), trials, list(parameters(told)), INERT)
    caption = f"{told.study}: the trials' values by each parameter, and how much the regularizers pull."
    yield from numbered(told, "slices", made, caption)
    known = [
        importances.Share(parameter=name, share=Estimate(each.mean, each.low, each.high))
        for name, each in told.importances.items()
    ]
    caption = f"{told.study}: the parameters' importance among the trials made here."
    yield from numbered(told, "importances", importances.importances(known), caption)


def numbered(told: Tuned, kind: str, made: Sequence[Figure], caption: str) -> Iterator[Drawn]:
    """Figures of one kind, with their number where there are several."""
    several = len(made) > 1
    for number, figure in enumerate(made, 1):
        ending = (f"-{number}", f" ({number} of {len(made)})") if several else ("", "")
        yield Drawn(f"{named(told)}-{kind}{ending[0]}", figure, caption + ending[1])


def metric(told: Tuned) -> str:
    return f"{titled(told.metric)}, dev"


def shown(told: Tuned, trial: Trial) -> trial_history.Shown:
    best = told.best is not None and told.best.number == trial.number
    return trial_history.Shown(number=trial.number, state=trial.state, value=trial.value, paper=trial.start, best=best)


def parameters(told: Tuned) -> Iterator[param_slices.Slice]:
    """Each parameter, with the shares of the regularizer that it scales."""
    measured = regularizers(told.trials)
    for name, within in told.space.items():
        pulls = next((each for each in measured if SETS.get(each) == name), "")
        yield param_slices.Slice(
            parameter=titled(name),
            low=within.low,
            high=within.high,
            log=within.log,
            whole=within.whole,
            at=tuple(number(trial, name) for trial in told.trials),
            pull=titled(pulls),
            shares=tuple(shares(trial).get(pulls) for trial in told.trials) if pulls else (),
        )


def number(trial: Trial, name: str) -> float | None:
    value = trial.params.get(name)
    return None if value is None or isinstance(value, str) else float(value)


def of_group(group: Sequence[Tuned]) -> Iterator[Drawn]:
    told = group[0]
    lines = [curve(name, arm) for name, arm in arms(group).items()]
    caption = (
        f"Tuning {told.row}: the best dev {titled(told.metric)} by what was spent, in measured {told.unit}. Of a "
        "random search it is what so many of its draws are expected to find, the papers' settings left out; of other "
        "searches it is the best so far."
    )
    yield from numbered(told, "budget", best_by_budget.budget(metric(told), told.unit, lines), caption)
