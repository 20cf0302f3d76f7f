"""Studies made by hand and by formula, as a tracking store would give them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.study import Range
from reports.tuning.results import Importance, State, StudyResults, Trial

FACTS = {
    "profile": "demo",
    "data": "d1f0",
    "data_source": "made data",
    "encoder": "tiny",
    "variant": "",
}
SPACE = {
    "epsilon": Range(1e-7, 1e-1, log=True),
    "weight": Range(0.1, 10.0, log=True),
    "sigma": Range(1e-6, 1e-2, log=True),
    "mu": Range(0.01, 10.0, log=True),
    "beta": Range(0.9, 0.999),
    "steps": Range(1, 3, whole=True),
}
STARTS: tuple[tuple[str, dict[str, float | int | str]], ...] = (
    ("smooth-valleys", {"epsilon": 1e-5, "weight": 1.0, "sigma": 1e-6, "mu": 1.0, "beta": 0.995, "steps": 1}),
    ("bertram", {"epsilon": 1e-5, "weight": 1.0, "sigma": 1e-5, "mu": 1.0, "beta": 0.99, "steps": 1}),
    ("mt-dnn", {"epsilon": 1e-2, "weight": 5.0, "sigma": 1e-3, "mu": 0.1, "beta": 0.99, "steps": 2}),
)


def trial(number: int, value: float | None, **changed: Any) -> Trial:
    """A complete trial of ten seconds in four epochs, unless told otherwise."""
    plain = Trial(number=number, state="complete", params={}, value=value, epochs=4, cost=10.0)
    return dataclasses.replace(plain, **changed)


def tuned(trials: Sequence[Trial], **changed: Any) -> StudyResults:
    plain = StudyResults(
        name="0a1b2c3d4e",
        study="smart",
        says="SMART with momentum, on round-robin.",
        row="smooth-valleys/table2/finetune-rrobin-smart",
        sampler="tpe",
        pruner="median",
        seed=0,
        arm="arm-0",
        metric="overall",
        epochs=4,
        unit="CPU-seconds",
        facts=FACTS,
        setup="5e7a9b",
        space={"epsilon": Range(1e-7, 1e-1, log=True)},
        trials=tuple(trials),
    )
    return dataclasses.replace(plain, **changed)


def example(count: int = 40, seed: int = 0, **changed: Any) -> StudyResults:
    """A study of six parameters in which epsilon matters most: some trials pruned, one failed, one without a value."""
    random = np.random.default_rng(seed)
    trials = []
    for number in range(count):
        start, params = STARTS[number] if number < len(STARTS) else ("", drawn(random))
        trials.append(measured(number, params, start, random))
    importances = {
        name: Importance(mean=mean, low=mean / 2, high=min(1.0, mean * 1.7 + 0.03))
        for name, mean in zip(SPACE, (0.52, 0.21, 0.04, 0.13, 0.02, 0.08), strict=True)
    }
    return tuned(trials, seed=seed, space=SPACE, importances=importances, **changed)


def drawn(random: np.random.Generator) -> dict[str, float | int | str]:
    params: dict[str, float | int | str] = {}
    for name, within in SPACE.items():
        if within.log:
            params[name] = float(np.exp(random.uniform(np.log(within.low), np.log(within.high))))
        else:
            params[name] = float(random.uniform(within.low, within.high))
        if within.whole:
            params[name] = int(random.integers(int(within.low), int(within.high) + 1))
    return params


def measured(number: int, params: Mapping[str, Any], start: str, random: np.random.Generator) -> Trial:
    optimum = math.exp(-((math.log10(params["epsilon"]) + 2.5) ** 2) / 3)
    tasks = {
        "sst_accuracy": 0.48 + 0.03 * optimum + random.normal(0, 0.006),
        "quora_accuracy": 0.72 + 0.03 * optimum + random.normal(0, 0.006),
        "sts_pearson": 0.50 + 0.15 * optimum + random.normal(0, 0.02),
    }
    pull = min(3.0, params["weight"] * 2500 * params["epsilon"] ** 2)
    health = {f"smart_gradient/{task}": float(pull * random.uniform(0.5, 2.0)) for task in ("sst", "quora", "sts")}
    health |= {f"momentum_proximal_gradient/{task}": params["mu"] * 0.01 for task in ("sst", "quora", "sts")}
    state: State = "complete" if optimum > 0.4 or number < 3 or random.uniform() < 0.4 else "pruned"
    epochs = 4 if state == "complete" else int(random.integers(1, 4))
    value: float | None = sum(tasks.values()) / 3 - (0.02 if state == "pruned" else 0.0)
    reason = ""
    if number == 9:
        state, value, tasks, health, reason, epochs = "failed", None, {}, {}, "NonFinite: the loss of sst is nan", 1
    if number == 17:
        value = None
        del tasks["sts_pearson"]
    return Trial(
        number=number,
        state=state,
        params=params,
        value=value,
        epochs=epochs,
        cost=float(epochs * 7.0 * (1 + 0.5 * params["steps"]) * random.uniform(0.9, 1.1)),
        reused=number == 1,
        start=start,
        reason=reason,
        scores=tasks if value is None else {**tasks, "overall": value},
        health=health,
    )
