"""What PCGrad, which has no setting of its own, does with the best learning rate, task weights and dropout."""

from __future__ import annotations

from experiments.studies.shared import head_dropout, learning_rate
from experiments.study import Start, Study, Trial
from experiments.variant import Change
from model.combiners.pcgrad import PcGrad


def suggest(trial: Trial) -> tuple[Change, ...]:
    quora = trial.suggest_float("quora_weight", 0.1, 10, log=True)  # on Quora's loss, beside 1 on SST's
    sts = trial.suggest_float("sts_weight", 0.1, 10, log=True)  # on STS's loss, beside 1 on SST's
    return (
        Change("pcgrad", "PCGrad at every update that tasks share", (("combiner", PcGrad()),)),
        Change(
            "task-weights",
            f"losses weighted: sst 1, quora {quora:.3g}, sts {sts:.3g}",
            (("quora.weight", quora), ("sts.weight", sts)),
        ),
        learning_rate(trial),
        head_dropout(trial),
    )


STUDY = Study(
    name="pcgrad",
    says="PCGrad on tasks that share each update: the learning rate, the weights of the tasks, the dropout",
    row="not-so-smart/table1/multi-1",
    suggest=suggest,
    starts=(
        Start(
            name="bertram",
            says="The rate and the dropout are printed (bertram, row 12, with PCGrad at every update). It weights no "
            "task: weights of 1.",
            params={"quora_weight": 1.0, "sts_weight": 1.0, "lr": 1e-5, "dropout": 0.3},
        ),
    ),
)
