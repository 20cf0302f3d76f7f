"""What PCGrad, which has no setting of its own, does with the best learning rate, task weights and dropout."""

from __future__ import annotations

from experiments.search_space import Trial
from experiments.shared import HEAD_DROPOUT, LEARNING_RATE, TASK_WEIGHTS
from experiments.study import Start, Study
from experiments.suite import Change
from model.combiners.pcgrad import PcGrad


def suggest(trial: Trial) -> tuple[Change, ...]:
    return (Change("pcgrad", "PCGrad at every update that tasks share", (("combiner", PcGrad()),)),)


STUDY = Study(
    name="pcgrad",
    says="PCGrad on tasks that share each update: the learning rate, the weights of the tasks, the dropout",
    row="not-so-smart/table1/multi-1",
    suggest=suggest,
    shared=(TASK_WEIGHTS, LEARNING_RATE, HEAD_DROPOUT),
    starts=(
        Start(
            name="bertram",
            says="The rate and the dropout are printed (bertram, row 12, with PCGrad at every update). It weights no "
            "task: weights of 1.",
            params={"quora_weight": 1.0, "sts_weight": 1.0, "lr": 1e-5, "dropout": 0.3},
        ),
    ),
)
