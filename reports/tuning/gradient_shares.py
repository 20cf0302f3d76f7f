"""How much a trial's regularizers pull, and which parameter sets that."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence

from reports.figures.style import unique
from reports.tuning.results import Trial

INERT = 1e-3  # of the loss's gradient: less than this changes nothing that one seed could show
GRADIENT = re.compile(r"(.+)_gradient/[^/]+")
SETS = {"smart": "epsilon", "proximal": "mu", "momentum_proximal": "mu", "parameter_proximal": "mu"}


def shares(trial: Trial) -> dict[str, float]:
    """|grad penalty| / |grad loss| after the trial's last epoch by regularizer, the mean over the tasks that measured
    it. A regularizer without a finite one is left out."""
    by_regularizer: dict[str, list[float]] = {}
    for name, value in trial.health.items():
        if (match := GRADIENT.fullmatch(name)) and math.isfinite(value):
            by_regularizer.setdefault(match[1], []).append(value)
    return {name: statistics.fmean(values) for name, values in by_regularizer.items()}


def regularizers(trials: Sequence[Trial]) -> tuple[str, ...]:
    """Those that any trial measured."""
    return unique(name for trial in trials for name in shares(trial))


def inert(trials: Sequence[Trial], regularizer: str) -> list[Trial]:
    """The trials in which its share is below ``INERT``."""
    return [trial for trial in trials if shares(trial).get(regularizer, math.inf) < INERT]


def readable(name: str) -> str:
    return name.replace("_", " ")
