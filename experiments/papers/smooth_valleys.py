"""Hollister, Cooper & Brink: "Walk Less and Only Down Smooth Valleys". SMART is the authors' own code: the gradient
scaled over the batch, clipping, symmetric KL, detached target, no dropout; ``-as-written`` rows run the equations."""

from __future__ import annotations

import dataclasses

from experiments import changes
from experiments.dsl import beats, claim, control, controls, row, scores
from experiments.suite import Change, Suite
from model.encoders.domain_pretrained import DomainPretrained
from model.heads.identity import Direct
from model.objectives.bce import Bce
from model.objectives.cosine import CosineRegression
from model.objectives.cross_entropy import CrossEntropy
from model.pairing.separate import Concatenate, Cosine
from model.recipe import Branch, Recipe
from model.regularizers.proximal import MomentumProximal
from model.regularizers.smart import Smart
from model.schedules.no_training import Never
from model.schedules.round_robin import RoundRobin
from model.schedules.single_task import Alone
from model.selection import BestEpoch, LastEpoch
from model.task import CFIMDB, QUORA, SST, STS

PAPER = "smooth-valleys"
OURS = f"{PAPER}/controls"
SENTIMENT = Branch(task=SST, objective=CrossEntropy())
SINGLE = Recipe(branches=(SENTIMENT,), schedule=Alone(), batch=64)
BASE = dataclasses.replace(
    SINGLE,
    branches=(
        SENTIMENT,
        Branch(task=QUORA, pairing=Concatenate(), objective=Bce()),
        Branch(task=STS, pairing=Cosine(), head=Direct(), objective=CosineRegression()),
    ),
)
PRETRAIN = Change("pretrain", "encoder frozen, rate 1e-3", (("trainable", "heads"), ("optimizer.rate", 1e-3)))
CFIMDB_ALONE = Change(
    "cfimdb",
    "CFIMDB instead of SST, batches of 8, whole reviews",
    (
        ("schedule", Never()),
        ("branches", (Branch(task=CFIMDB, objective=CrossEntropy()),)),
        ("schedule", Alone(task="cfimdb")),
        ("batch", 8),
        ("max_tokens", 512),
    ),
)
OWN_SMART = Change(
    "smart-own",
    "SMART as in the authors' code, with momentum BPPO",
    (("smart", changes.WHOLE_TABLE), ("momentum_proximal", MomentumProximal(beta=0.995, dropout="fresh"))),
)
AS_WRITTEN = Change(
    "smart-bppo-as-written",
    "SMART and BPPO as the equations, with the same dropout masks",
    (("smart", Smart(noise_scale=1e-6)), ("momentum_proximal.dropout", "same")),
)
ON_SST = Change(
    "smart-own-sst", "SMART and BPPO on SST alone", (("smart.tasks", ("sst",)), ("momentum_proximal.tasks", ("sst",)))
)
NO_BPPO = changes.without("momentum_proximal", "without BPPO")
DOMAIN = Change("domain-pretrain", "encoder pre-trained on target-domain text", (("encoder", DomainPretrained()),))
ALL_ROWS = Change(
    "round-robin-all", "tasks in turn until the largest is used up", (("schedule", RoundRobin(until="largest")),)
)
CFIMDB_SCORE = BestEpoch(metric="cfimdb_accuracy")


def timed(seconds: int, *figures: float) -> dict[str, float]:
    """Printed scores and the printed time of an epoch."""
    return scores(*figures) | {"seconds_per_epoch": seconds}


TABLE1 = Suite(
    paper=PAPER,
    table="table1",
    title="Walk Less and Only Down Smooth Valleys: single tasks",
    source="table 1",
    base=SINGLE,
    columns=("sst_accuracy", "cfimdb_accuracy"),
    formula="none",
    rows=(
        row(
            "pretrain-sst",
            "frozen encoder, SST",
            None,
            PRETRAIN,
            printed=scores(0.393),
            notes=("The handout's benchmark: .390 +- .007.",),
        ),
        row(
            "pretrain-cfimdb",
            "frozen encoder, CFIMDB",
            "pretrain-sst",
            CFIMDB_ALONE,
            selection=CFIMDB_SCORE,
            marks={"batch": "starter"},
            printed={"cfimdb_accuracy": 0.788},
            notes=("The handout's benchmark: .780 +- .002.",),
        ),
        row(
            "finetune-sst",
            "fine-tuned on SST",
            None,
            printed=scores(0.522),
            notes=("The handout's benchmark: .515 +- .004.",),
        ),
        row(
            "finetune-cfimdb",
            "fine-tuned on CFIMDB",
            "finetune-sst",
            CFIMDB_ALONE,
            selection=CFIMDB_SCORE,
            marks={"batch": "starter"},
            printed={"cfimdb_accuracy": 0.963},
            notes=("The handout's benchmark: .966 +- .007.",),
        ),
    ),
    notes=("The epochs and CFIMDB's batch are not printed; the starter's help says 10 and 8.",),
    marks={
        "encoder": "printed",
        "trainable": "printed",
        "optimizer.rate": "printed",
        "batch": "printed",
        "sst.objective": "printed",
        "schedule": "printed",
    },
)
ROWS = (
    row("pretrain-default", "frozen, SST head trained", None, PRETRAIN, printed=timed(9, 0.396, 0.380, 0.019)),
    row("finetune-default", "fine-tuned on SST", None, printed=timed(25, 0.525, 0.522, 0.240)),
    row(
        "finetune-rrobin",
        "round-robin on three",
        "finetune-default",
        changes.ROUND_ROBIN,
        printed=timed(67, 0.524, 0.726, 0.583),
    ),
    row(
        "finetune-smart",
        "SST + SMART",
        "finetune-default",
        OWN_SMART,
        changes.BATCH_8,
        printed=timed(161, 0.520, 0.501, 0.382),
        notes=(
            "Confounded: batches of 8 instead of 64, so 8 times the updates.",
            "SMART alone lowers SST (-.005) and Quora (-.021), although the text says that it improves.",
        ),
    ),
    row(
        "finetune-rrobin-smart",
        "both",
        "finetune-rrobin",
        OWN_SMART,
        changes.BATCH_8,
        printed=timed(464, 0.532, 0.741, 0.680),
        notes=("Confounded: batches of 8 instead of 64. That SMART serves all three tasks is our reading.",),
    ),
)
CONTROLS = (
    control("finetune-default-batch-8", "SST, batches of 8", "finetune-default", changes.BATCH_8),
    control("finetune-rrobin-batch-8", "round-robin, batches of 8", "finetune-rrobin", changes.BATCH_8),
    control("finetune-default-last-epoch", "SST, the last epoch", "finetune-default-batch-8", selection=LastEpoch()),
    control("finetune-smart-last-epoch", "SST + SMART, the last epoch", "finetune-smart", selection=LastEpoch()),
    control("finetune-smart-as-written", "SST + SMART as equation 1", "finetune-smart", AS_WRITTEN),
    control("finetune-smart-no-bppo", "SST + SMART without BPPO", "finetune-smart", NO_BPPO),
    control("finetune-bppo", "SST + BPPO alone", "finetune-smart", changes.NO_SMART),
    control("finetune-rrobin-smart-as-written", "both, SMART as equation 1", "finetune-rrobin-smart", AS_WRITTEN),
    control("finetune-rrobin-smart-no-bppo", "both without BPPO", "finetune-rrobin-smart", NO_BPPO),
    control("finetune-rrobin-smart-sst", "SMART on SST alone", "finetune-rrobin-smart", ON_SST),
    control("finetune-rrobin-all-rows", "until the largest task is used up", "finetune-rrobin", ALL_ROWS),
    control("domain-pretrain", "SST after domain pre-training", "finetune-default", DOMAIN),
    control("domain-pretrain-rrobin", "round-robin after it", "finetune-rrobin", DOMAIN),
    control("domain-pretrain-rrobin-smart", "both after it", "finetune-rrobin-smart", DOMAIN),
    control("rrobin-together", "one summed update a round", "finetune-rrobin", changes.TOGETHER),
    control("rrobin-pcgrad", "the same with PCGrad", "rrobin-together", changes.PCGRAD),
    control("rrobin-smart-together", "both, one summed update a round", "finetune-rrobin-smart", changes.TOGETHER),
    control("rrobin-smart-pcgrad", "the same with PCGrad", "rrobin-smart-together", changes.PCGRAD),
)
ALL = ("sst_accuracy", "quora_accuracy", "sts_pearson")
CLAIMS = (
    claim(
        "round-robin-helps",
        "Round-robin fine-tuning helps, above all on paraphrase and similarity.",
        "section 2",
        beats("finetune-rrobin", "finetune-default", *ALL),
    ),
    claim(
        "smart-helps",
        "SMART helps, above all on paraphrase and similarity.",
        "section 2",
        beats("finetune-smart", "finetune-default", *ALL),
        beats("finetune-smart", f"{OURS}/finetune-default-batch-8", *ALL),
    ),
    claim(
        "combination-is-best",
        "Round-robin and SMART together are best.",
        "section 2",
        beats("finetune-rrobin-smart", "finetune-rrobin", *ALL),
        beats("finetune-rrobin-smart", "finetune-smart", *ALL),
        beats("finetune-rrobin-smart", f"{OURS}/finetune-rrobin-batch-8", *ALL),
    ),
    claim(
        "smart-prevents-over-fitting",
        "SMART narrows the gap between training and dev.",
        "abstract",
        beats("finetune-smart", f"{OURS}/finetune-default-batch-8", "sst_gap", sign=-1),
        beats(f"{OURS}/finetune-smart-last-epoch", f"{OURS}/finetune-default-last-epoch", "sst_gap", sign=-1),
        beats("finetune-rrobin-smart", f"{OURS}/finetune-rrobin-batch-8", "sst_gap", "quora_gap", "sts_gap", sign=-1),
    ),
)
TABLE2 = Suite(
    paper=PAPER,
    table="table2",
    title="Walk Less and Only Down Smooth Valleys",
    source="table 2",
    base=BASE,
    columns=ALL,
    formula="none",
    rows=ROWS,
    claims=CLAIMS,
    notes=(
        "Printed time of an epoch: 0:09, 0:25, 1:07, 2:41, 7:44 minutes, in the order of the rows.",
        "The epochs and the features of a pair are not printed. STS is the cosine itself; Quora is a linear layer on "
        "both embeddings, where the authors' published code adds the size of their difference.",
        "In that code the proximal point's anchor runs with dropout masks of its own; the -as-written controls do not.",
        "Bayesian optimisation of the hyper-parameters, which section 3 plans, is a tuning study, not a row.",
    ),
    marks={
        "encoder": "printed",
        "trainable": "printed",
        "optimizer.rate": "printed",
        "batch": "printed",
        "sst.objective": "printed",
        "quora.objective": "printed",
        "sts.objective": "printed",
        "quora.pairing": "ours",
        "quora.head": "ours",
        "sts.pairing": "ours",
        "sts.head": "ours",
        "schedule": "printed",
        "regularizers": "printed",
        "smart": "ours",
        "smart.weight": "printed",
        "smart.radius": "printed",
        "smart.noise_scale": "printed",
        "smart.step_size": "printed",
        "smart.steps": "printed",
        "momentum_proximal": "printed",
        "momentum_proximal.tasks": "ours",
        "momentum_proximal.dropout": "ours",
    },
)
SUITES = (
    TABLE1,
    TABLE2,
    controls(
        TABLE2,
        CONTROLS,
        "Planned by the paper, delivered here: domain-pretrain (section 1) and gradient surgery (section 3). One task "
        "an update leaves PCGrad nothing to project, so its rows take one batch of each task together.",
    ),
)
