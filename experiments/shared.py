"""Parameters that any study may search beside its own, each in one range, so that no study has the better choice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from experiments.search_space import Trial, Value
from experiments.suite import Change


@dataclasses.dataclass(frozen=True)
class Shared:
    """``params`` are its parameters with their values in a paper's setting that does not mention them."""

    params: Mapping[str, Value]
    suggest: Callable[[Trial], Change]


def learning_rate(trial: Trial) -> Change:
    """The papers print 1e-5; a tenth to ten times that."""
    rate = trial.suggest_float("lr", 1e-6, 1e-4, log=True)  # lr, before the profile scales it
    return Change("lr", f"learning rate {rate:.3g}", (("optimizer.rate", rate),))


def head_dropout(trial: Trial) -> Change:
    """The papers print .3 to .5."""
    share = trial.suggest_float("dropout", 0.0, 0.6)  # share of a head's inputs that is dropped
    return Change("dropout", f"head dropout {share:.3g}", (("dropout", share),))


def weight_decay(trial: Trial) -> Change:
    """Decoupled: an update takes away lr times this share of each weight. The lowest moves no float32 weight."""
    decay = trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True)
    return Change("decay", f"weight decay {decay:.3g}", (("optimizer.weight_decay", decay),))


def task_weights(trial: Trial) -> Change:
    """Of the other tasks' losses beside 1 on SST's."""
    quora = trial.suggest_float("quora_weight", 0.1, 10, log=True)
    sts = trial.suggest_float("sts_weight", 0.1, 10, log=True)
    return Change(
        "task-weights",
        f"losses weighted: sst 1, quora {quora:.3g}, sts {sts:.3g}",
        (("quora.weight", quora), ("sts.weight", sts)),
    )


LEARNING_RATE = Shared({"lr": 1e-5}, learning_rate)
HEAD_DROPOUT = Shared({"dropout": 0.3}, head_dropout)
WEIGHT_DECAY = Shared({"weight_decay": 1e-6}, weight_decay)
TASK_WEIGHTS = Shared({"quora_weight": 1.0, "sts_weight": 1.0}, task_weights)
SHARED = (LEARNING_RATE, HEAD_DROPOUT, WEIGHT_DECAY, TASK_WEIGHTS)


def compare_parameters(names: Mapping[str, Sequence[str]]) -> str:
    """Which parameters only some arms seek, and which all seek, in a sentence without its full stop; ``names`` are
    each arm's parameters."""
    seekers = {name: [arm for arm, params in names.items() if name in params] for arm in names for name in names[arm]}
    common = [name for name, arms in seekers.items() if len(arms) == len(names)]
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, arms in seekers.items():
        if name not in common:
            groups.setdefault(tuple(arms), []).append(name)
    parts = [
        f"only {' and '.join(arms)} seek{'s' * (len(arms) == 1)} {', '.join(params)}" for arms, params in groups.items()
    ]
    every = f"{'both' if len(names) == 2 else 'all'} seek {', '.join(common) or 'nothing in common'}"
    text = "; ".join([*parts, every])
    return text[0].upper() + text[1:]
