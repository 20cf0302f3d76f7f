"""How deep the heads should be, with the dropout and the learning rate that suit the depth."""

from __future__ import annotations

from experiments.search_space import Trial
from experiments.shared import HEAD_DROPOUT, LEARNING_RATE
from experiments.study import Start, Study
from experiments.suite import Change
from model.heads.mlp import Intermediate


def suggest(trial: Trial) -> tuple[Change, ...]:
    layers = trial.suggest_int("layers", 1, 4)  # intermediate layers between the features and each task's output
    edits = tuple((f"{task}.head", Intermediate(layers=layers)) for task in ("sst", "quora", "sts"))
    return (Change("layers", f"intermediate layers: {layers}", edits),)


PRINTED = "The layers and the rate are printed (not-so-smart); the dropout is the starter's."

STUDY = Study(
    name="heads",
    says="Heads of one to four intermediate layers: their depth, the dropout, the learning rate",
    row="not-so-smart/table1/multi-1",
    suggest=suggest,
    shared=(HEAD_DROPOUT, LEARNING_RATE),
    starts=(
        Start(name="multi-1", says=PRINTED, params={"layers": 1, "dropout": 0.3, "lr": 1e-5}),
        Start(name="multi-2", says=PRINTED, params={"layers": 2, "dropout": 0.3, "lr": 1e-5}),
    ),
)
