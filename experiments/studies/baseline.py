"""The row itself, tuned: what a tuned technique has to beat. Fits every row."""

from __future__ import annotations

from experiments.search_space import Trial
from experiments.shared import HEAD_DROPOUT, LEARNING_RATE, WEIGHT_DECAY
from experiments.study import Start, Study
from experiments.suite import Change


def suggest(trial: Trial) -> tuple[Change, ...]:
    return ()  # what any study may seek, and nothing of its own


STUDY = Study(
    name="baseline",
    says="No technique: the learning rate, the dropout and the weight decay",
    row="bertram/table1/04-all-three",
    suggest=suggest,
    shared=(WEIGHT_DECAY, LEARNING_RATE, HEAD_DROPOUT),
    starts=(
        Start(
            name="bertram",
            says="The rate and the dropout are printed (bertram). No weight decay is, and the starter has none: 1e-6 "
            "is too little to move a float32 weight.",
            params={"lr": 1e-5, "dropout": 0.3, "weight_decay": 1e-6},
        ),
    ),
)
