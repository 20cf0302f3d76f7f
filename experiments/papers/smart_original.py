"""Jiang et al. 2020: "SMART" (arXiv 1911.03437), the paper that the others build on: BERT and SMART_BERT of its table 2
on the two of our tasks that GLUE has, each fine-tuned alone. The two halves of SMART are taken out as in its ablation,
which prints other tasks."""

from __future__ import annotations

from typing import Literal

from experiments import changes
from experiments.dsl import beats, claim, control, row
from experiments.suite import Change, Mark, Suite
from model.heads.linear import Linear
from model.interfaces import Objective
from model.lr_schedules import Constant
from model.objectives.cross_entropy import CrossEntropy
from model.objectives.mse import Mse
from model.pairing.joint import Joint
from model.recipe import AdamW, Branch, Recipe
from model.regularizers.proximal import MomentumProximal
from model.regularizers.smart import Smart
from model.schedules.single_task import Alone
from model.selection import BestEpoch
from model.task import QUORA, STS, Task

PAPER = "smart-original"
SMART = Change(
    "smart-bppo-original",
    "SMART (equation 1) and BPPO with a moving anchor",
    (("smart", Smart()), ("momentum_proximal", MomentumProximal())),
)
# Section 4.1 gives ranges: rates of 1e-5 to 5e-5, batches of 16 or 32, lambda_s and mu of 1 to 10.
MARKS: dict[str, Mark] = {
    **dict.fromkeys(("encoder", "trainable", "schedule", "max_tokens"), "printed"),
    "optimizer.rate": "ours",
    "batch": "ours",
    "epochs": "printed",
    "dropout": "printed",
    "decay": "ours",
    "decay.warmup": "printed",
    "smart": "printed",
    "smart.weight": "ours",
    "momentum_proximal": "printed",
    "momentum_proximal.weight": "ours",
}


def fine_tuned(table: Literal["qqp", "sts-b"], task: Task, objective: Objective, bert: float, smart: float) -> Suite:
    """One column of the table: the task alone, both sentences in one pass."""
    base = Recipe(
        branches=(Branch(task=task, pairing=Joint(), head=Linear(), objective=objective),),
        schedule=Alone(task=task.name),
        optimizer=AdamW(rate=2e-5),
        decay=Constant(warmup=0.1),
        dropout=0.1,
        batch=32,
        epochs=6,
        max_tokens=512,
    )
    metric = task.metric_name
    return Suite(
        paper=PAPER,
        table=table,
        title=f"SMART (Jiang et al. 2020): {task.title} alone",
        source="table 2, development set",
        base=base,
        columns=(metric,),
        formula="none",
        selection=BestEpoch(metric=metric),
        rows=(
            row("bert", "BERT-base, fine-tuned again by the authors", None, printed={metric: bert}),
            row("smart", "SMART", "bert", SMART, printed={metric: smart}),
            control("no-smoothness", "SMART without its adversarial part", "smart", changes.NO_SMART),
            control("no-proximal", "SMART without BPPO", "smart", changes.without("momentum_proximal", "without BPPO")),
        ),
        claims=(
            claim(f"smart-helps-{table}", "SMART improves on BERT.", "section 4.3", beats("smart", "bert", metric)),
        ),
        notes=(
            "Figures, sections and settings were entered without the paper at hand: check them before relying on them.",
            "The optimizer is Adam here, Adamax or RAdam in the paper; its rate falls linearly, ours stays.",
        ),
        marks={task.name: "printed", **MARKS},
    )


SUITES = (
    fine_tuned("qqp", QUORA, CrossEntropy(), bert=0.909, smart=0.915),
    fine_tuned("sts-b", STS, Mse(), bert=0.892, smart=0.900),
)
