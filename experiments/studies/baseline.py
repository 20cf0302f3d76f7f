"""The row itself, tuned: what a tuned technique has to beat. Fits every row."""

from __future__ import annotations

from experiments.studies.shared import head_dropout, learning_rate
from experiments.study import Start, Study, Trial
from experiments.variant import Change


def suggest(trial: Trial) -> tuple[Change, ...]:
    # decoupled weight decay: an update takes away lr times this share of each weight
    decay = trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True)
    return (
        learning_rate(trial),
        head_dropout(trial),
        Change("decay", f"weight decay {decay:.3g}", (("optimizer.weight_decay", decay),)),
    )


STUDY = Study(
    name="baseline",
    says="No technique: the learning rate, the dropout and the weight decay",
    row="bertram/table1/04-all-three",
    suggest=suggest,
    starts=(
        Start(
            name="bertram",
            says="The rate and the dropout are printed (bertram). No weight decay is, and the starter has none: 1e-6 "
            "is too little to move a float32 weight.",
            params={"lr": 1e-5, "dropout": 0.3, "weight_decay": 1e-6},
        ),
    ),
)
