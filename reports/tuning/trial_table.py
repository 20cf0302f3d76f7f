"""A study's trials as a table: the best, the papers' own settings, and as data all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from experiments.study import format_params
from model.task import of_metric
from reports.document.blocks import Cell, Grid, Tone
from reports.figures.style import unique, width_of
from reports.suite_table.symbols import WORDS, number
from reports.tuning.gradient_shares import INERT, regularizers, shares, titled
from reports.tuning.results import Trial, Tuned

TOP = 10  # trials
MOST = 8  # parameters that have a column each
PAGE, SMALL = 6.8, 0.9  # inches: a page's text, small print under a trial's number


def ranked(told: Tuned) -> list[Trial]:
    """The complete trials that have a value, the best first, the earlier of equals first."""
    return sorted(
        (trial for trial in told.trials if trial.state == "complete" and trial.value is not None),
        key=lambda trial: (-(trial.value or 0.0), trial.number),
    )


def rank(told: Tuned, trial: Trial) -> int | None:
    """Its place among the complete trials by value, equals sharing the best; None where it has none."""
    among = ranked(told)
    if trial not in among or trial.value is None:
        return None
    return 1 + sum(other.value > trial.value for other in among if other.value is not None)


def trials(told: Tuned, name: str) -> Grid:
    """The ten best and the papers' own settings."""
    best = ranked(told)[:TOP]
    listed = [*best, *(trial for trial in told.trials if trial.start and trial not in best)]
    metrics = [metric for metric in unique(m for trial in told.trials for m in trial.scores) if metric != told.metric]
    pulls = regularizers(told.trials)
    columns = list(told.space) if len(told.space) <= MOST else []
    names = list(map(titled, columns)) or ["parameters"]
    names += [titled(told.metric), *map(short, metrics), "epochs", "cost"]
    body = tuple(tuple(cells(told, trial, columns, metrics, pulls)) for trial in listed)
    head = (Cell("trial"), *map(Cell, names), *(Cell(f"{titled(pull)} share") for pull in pulls))
    return Grid(
        name=f"{name}-trials",
        caption=captioned(told, len(best)),
        head=(head,),
        body=body,
        widths=widths((head, *body), not columns),
        left=(0,) if columns else (0, 1),
        notes=tuple(notes(told, listed, metrics, pulls)),
        records=tuple(record(told, trial, metrics, pulls) for trial in told.trials),
    )


def captioned(told: Tuned, count: int) -> str:
    papers = ", and the papers' settings" if any(trial.start for trial in told.trials) else ""
    return f"{told.study}: the best {count} of {len(told.trials)} trials{papers}"


def widths(table: Sequence[Sequence[Cell]], sentences: bool) -> tuple[float, ...]:
    """Each column's in inches: as its longest word asks, small print at most ``SMALL``; ``sentences``: the second
    column takes what is left."""
    made = []
    for at in range(len(table[0])):
        words = [word for row in table for word in row[at].text.split()]
        below = [min(width_of(word), SMALL) for row in table for word in row[at].below.split()]
        made.append(max([0.2, *map(width_of, words), *below]) + 0.08)
    if sentences:
        made[1] = max(1.5, PAGE - sum(made[:1] + made[2:]))
    return tuple(made)


def short(metric: str) -> str:
    task = of_metric(metric)
    return task.short if task else titled(metric)


def notes(told: Tuned, listed: Sequence[Trial], metrics: Sequence[str], pulls: Sequence[str]) -> list[str]:
    named = [f"{task.short}: {task.metric}" for task in map(of_metric, metrics) if task]
    made = [f"scores on dev of a trial's best epoch{', ' if named else ''}{', '.join(named)}"]
    made.append(f"cost in {told.unit}")
    if pulls:
        made.append(f"share: |grad penalty| / |grad loss| in the last epoch, mean of the tasks; below {INERT:g} inert")
    if any(trial.state != "failed" and trial.value is None for trial in listed):
        made.append(": ".join(WORDS["undefined"]))
    return made


def cells(
    told: Tuned, trial: Trial, columns: Sequence[str], metrics: Sequence[str], pulls: Sequence[str]
) -> list[Cell]:
    top = told.best is not None and trial.number == told.best.number
    below = ", ".join(filter(None, (trial.start, "" if trial.state == "complete" else trial.state)))
    made = [Cell(str(trial.number), below=below, strong=top, value=trial.number)]
    if columns:
        made += [parameter(trial.params.get(name)) for name in columns]
    else:
        made.append(Cell(format_params(trial.params)))
    made.append(scored(trial, trial.value, top))
    made += [scored(trial, trial.scores.get(metric)) for metric in metrics]
    made += [Cell(str(trial.epochs), value=trial.epochs), Cell(amount(trial.cost), value=trial.cost)]
    pulled = shares(trial)
    return made + [share(pulled.get(pull)) for pull in pulls]


def parameter(value: float | int | str | None) -> Cell:
    if value is None:
        return Cell("·")
    if isinstance(value, str):
        return Cell(value)
    return Cell(brief(value), value=float(value))


def brief(value: float) -> str:
    """In few signs: 1.2e-5, .034, .995, 12, 3.16."""
    size = abs(value)
    if value == int(value) and size < 1e6:
        return str(int(value))
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 0.01:
        text = f"{value:.3f}" if size < 1 else f"{value:.3g}"
        if float(text) == round(value):  # another value than this
            text = f"{value:.5f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.replace("0.", ".", 1) if size < 1 else text
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits.removesuffix('.0')}e{int(power)}"


def scored(trial: Trial, value: float | None, strong: bool = False) -> Cell:
    tone: Tone = "" if trial.state == "complete" else "muted"
    if value is None or math.isnan(value):
        return Cell("·" if trial.state == "failed" else WORDS["undefined"][0], tone="muted")
    return Cell(number(value), strong=strong, tone=tone, value=value)


def share(value: float | None) -> Cell:
    if value is None:
        return Cell("·")
    return Cell(brief(value), tone="warning" if value < INERT else "", value=value)


def amount(cost: float) -> str:
    """Of seconds: 0.42, 31, 1,204."""
    return f"{cost:,.0f}" if cost >= 10 else f"{cost:.2g}"


def record(told: Tuned, trial: Trial, metrics: Sequence[str], pulls: Sequence[str]) -> dict[str, Any]:
    pulled = shares(trial)
    return {
        "study": told.study,
        "digest": told.name,
        "row": told.row,
        "sampler": told.sampler,
        "pruner": told.pruner,
        "seed": told.seed,
        "trial": trial.number,
        "state": trial.state,
        "setting": trial.start,
        "metric": told.metric,
        "value": trial.value,
        **{f"param_{name}": trial.params.get(name) for name in told.space},
        **{f"score_{metric}": trial.scores.get(metric) for metric in metrics},
        "epochs": trial.epochs,
        "cost": trial.cost,
        "unit": told.unit,
        "reused": trial.reused,
        **{f"gradient_share_{pull}": pulled.get(pull) for pull in pulls},
        "curve": " ".join(f"{epoch}:{value!r}" for epoch, value in trial.curve.items()),
        "reason": trial.reason,
        "setup": told.setup,
        **told.facts,
    }
