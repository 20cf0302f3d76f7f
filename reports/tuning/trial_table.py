"""A study's trials as a table: the best, the papers' own settings, and as data all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from experiments.study import format_params
from model.task import of_metric
from reports.document.blocks import Cell, Grid, Tone
from reports.figures.style import unique, width_of
from reports.number_format import format_number
from reports.suite_table.symbols import WORDS
from reports.tuning.gradient_shares import INERT, readable, regularizers, shares
from reports.tuning.results import StudyResults, Trial

TOP = 10  # trials
MOST = 8  # parameters that have a column each
PAGE, SMALL = 6.8, 0.9  # inches: a page's text, small print under a trial's number


def ranked(study: StudyResults) -> list[Trial]:
    """The complete trials that have a value, the best first, the earlier of equals first."""
    return sorted(
        (trial for trial in study.trials if trial.state == "complete" and trial.value is not None),
        key=lambda trial: (-(trial.value or 0.0), trial.number),
    )


def rank(study: StudyResults, trial: Trial) -> int | None:
    """Its place among the complete trials by value, equals sharing the best; None where it has none."""
    among = ranked(study)
    if trial not in among or trial.value is None:
        return None
    return 1 + sum(other.value > trial.value for other in among if other.value is not None)


def trials(study: StudyResults, name: str) -> Grid:
    """The ten best and the papers' own settings."""
    best = ranked(study)[:TOP]
    listed = [*best, *(trial for trial in study.trials if trial.start and trial not in best)]
    metrics = [metric for metric in unique(m for trial in study.trials for m in trial.scores) if metric != study.metric]
    pulls = regularizers(study.trials)
    columns = list(study.space) if len(study.space) <= MOST else []
    names = list(map(readable, columns)) or ["parameters"]
    names += [readable(study.metric), *map(short, metrics), "epochs", "cost"]
    body = tuple(tuple(cells(study, trial, columns, metrics, pulls)) for trial in listed)
    head = (Cell("trial"), *map(Cell, names), *(Cell(f"{readable(pull)} share") for pull in pulls))
    return Grid(
        name=f"{name}-trials",
        caption=table_caption(study, len(best)),
        head=(head,),
        body=body,
        widths=widths((head, *body), not columns),
        left=(0,) if columns else (0, 1),
        notes=tuple(notes(study, listed, metrics, pulls)),
        records=tuple(record(study, trial, metrics, pulls) for trial in study.trials),
    )


def table_caption(study: StudyResults, count: int) -> str:
    papers = ", and the papers' settings" if any(trial.start for trial in study.trials) else ""
    return f"{study.study}: the best {count} of {len(study.trials)} trials{papers}"


def widths(table: Sequence[Sequence[Cell]], sentences: bool) -> tuple[float, ...]:
    """Each column's in inches: as its longest word asks, small print at most ``SMALL``; ``sentences``: the second
    column takes what is left."""
    inches = []
    for at in range(len(table[0])):
        words = [word for row in table for word in row[at].text.split()]
        below = [min(width_of(word), SMALL) for row in table for word in row[at].below.split()]
        inches.append(max([0.2, *map(width_of, words), *below]) + 0.08)
    if sentences:
        inches[1] = max(1.5, PAGE - sum(inches[:1] + inches[2:]))
    return tuple(inches)


def short(metric: str) -> str:
    task = of_metric(metric)
    return task.short if task else readable(metric)


def notes(study: StudyResults, listed: Sequence[Trial], metrics: Sequence[str], pulls: Sequence[str]) -> list[str]:
    named = [f"{task.short}: {task.metric}" for task in map(of_metric, metrics) if task]
    texts = [f"scores on dev of a trial's best epoch{', ' if named else ''}{', '.join(named)}"]
    texts.append(f"cost in {study.unit}")
    if pulls:
        texts.append(f"share: |grad penalty| / |grad loss| in the last epoch, mean of the tasks; below {INERT:g} inert")
    if any(trial.state != "failed" and trial.value is None for trial in listed):
        texts.append(": ".join(WORDS["undefined"]))
    return texts


def cells(
    study: StudyResults, trial: Trial, columns: Sequence[str], metrics: Sequence[str], pulls: Sequence[str]
) -> list[Cell]:
    top = study.best is not None and trial.number == study.best.number
    below = ", ".join(filter(None, (trial.start, "" if trial.state == "complete" else trial.state)))
    row = [Cell(str(trial.number), below=below, strong=top, value=trial.number)]
    if columns:
        row += [parameter_cell(trial.params.get(name)) for name in columns]
    else:
        row.append(Cell(format_params(trial.params)))
    row.append(score_cell(trial, trial.value, top))
    row += [score_cell(trial, trial.scores.get(metric)) for metric in metrics]
    row += [Cell(str(trial.epochs), value=trial.epochs), Cell(format_cost(trial.cost), value=trial.cost)]
    pulled = shares(trial)
    return row + [share_cell(pulled.get(pull)) for pull in pulls]


def parameter_cell(value: float | int | str | None) -> Cell:
    if value is None:
        return Cell("·")
    if isinstance(value, str):
        return Cell(value)
    return Cell(format_brief(value), value=float(value))


def format_brief(value: float) -> str:
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


def score_cell(trial: Trial, value: float | None, strong: bool = False) -> Cell:
    tone: Tone = "" if trial.state == "complete" else "muted"
    if value is None or math.isnan(value):
        return Cell("·" if trial.state == "failed" else WORDS["undefined"][0], tone="muted")
    return Cell(format_number(value), strong=strong, tone=tone, value=value)


def share_cell(value: float | None) -> Cell:
    if value is None:
        return Cell("·")
    return Cell(format_brief(value), tone="warning" if value < INERT else "", value=value)


def format_cost(cost: float) -> str:
    """Of seconds: 0.42, 31, 1,204."""
    return f"{cost:,.0f}" if cost >= 10 else f"{cost:.2g}"


def record(study: StudyResults, trial: Trial, metrics: Sequence[str], pulls: Sequence[str]) -> dict[str, Any]:
    pulled = shares(trial)
    return {
        "study": study.study,
        "digest": study.name,
        "row": study.row,
        "sampler": study.sampler,
        "pruner": study.pruner,
        "seed": study.seed,
        "trial": trial.number,
        "state": trial.state,
        "setting": trial.start,
        "metric": study.metric,
        "value": trial.value,
        **{f"param_{name}": trial.params.get(name) for name in study.space},
        **{f"score_{metric}": trial.scores.get(metric) for metric in metrics},
        "epochs": trial.epochs,
        "cost": trial.cost,
        "unit": study.unit,
        "reused": trial.reused,
        **{f"gradient_share_{pull}": pulled.get(pull) for pull in pulls},
        "curve": " ".join(f"{epoch}:{value!r}" for epoch, value in trial.curve.items()),
        "reason": trial.reason,
        "setup": study.setup,
        **study.facts,
    }
