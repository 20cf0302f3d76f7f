"""What several studies seek, each in one range, so that no study has the better choice."""

from __future__ import annotations

from experiments.study import Trial
from experiments.variant import Change


def learning_rate(trial: Trial) -> Change:
    """The papers print 1e-5; a tenth to ten times that."""
    rate = trial.suggest_float("lr", 1e-6, 1e-4, log=True)  # lr, before the profile scales it
    return Change("lr", f"learning rate {rate:.3g}", (("optimizer.rate", rate),))


def head_dropout(trial: Trial) -> Change:
    """The papers print .3 to .5."""
    share = trial.suggest_float("dropout", 0.0, 0.6)  # share of a head's inputs that is dropped
    return Change("dropout", f"head dropout {share:.3g}", (("dropout", share),))
