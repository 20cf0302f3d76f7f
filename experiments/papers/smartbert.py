"""He & Yuan: "SMARTBert". SMART has the shape of smart-pytorch, on the output of the embedding layer and with an
attention mask of ones; ``-as-written`` controls run the equations."""

from __future__ import annotations

import dataclasses

from experiments import changes
from experiments.dsl import beats, claim, control, controls, row, scores
from experiments.statements import StatedFigure, Statement, UndescribedChange
from experiments.suite import Change, Suite
from model.objectives.bce import BceWithLogits
from model.objectives.cross_entropy import CrossEntropy
from model.pairing.joint import Joint
from model.recipe import AdamW, Branch, Recipe
from model.regularizers.smart import Smart
from model.schedules.round_robin import RoundRobin
from model.schedules.single_task import Alone
from model.selection import LastEpoch
from model.task import QUORA, SST, STS

PAPER = "smartbert"
OURS = f"{PAPER}/controls"
BASE = Recipe(
    branches=(
        Branch(task=SST, objective=CrossEntropy()),
        Branch(task=QUORA, pairing=Joint(), objective=BceWithLogits()),
        Branch(task=STS, pairing=Joint(), objective=BceWithLogits()),
    ),
    schedule=Alone(),
    optimizer=AdamW(rate=1e-3),
)
SMART = changes.smart(
    "smart-package-ones",
    "SMART as in smart-pytorch, attention mask of ones",
    dataclasses.replace(changes.PACKAGE, mask_of_ones=True),
)
AS_WRITTEN = changes.smart(
    "smart-ones",
    "SMART (equation 1) on the embedding output, attention mask of ones",
    Smart(level="embedding_output", ascent="kl", mask_of_ones=True),
)
INTERLEAVED = Change(
    "interleaved", "SST and Quora batches in turn", (("schedule", RoundRobin(order=("sst", "quora"))),)
)
NO_OP = "The package's KL over a single logit is 0: with that code SMART does nothing on Quora and STS."

ROWS = (
    row("baseline", "SST only, no SMART", None, printed=scores(0.318, 0.625, 0.015)),
    row("sentiment-smart", "SST only", "baseline", SMART, printed=scores(0.344, 0.625, 0.015)),
    row(
        "paraphrase-smart",
        "Quora only",
        "sentiment-smart",
        changes.alone("quora"),
        printed=scores(0.135, 0.660, 0.030),
        notes=(NO_OP,),
    ),
    row(
        "similarity-smart",
        "STS only",
        "sentiment-smart",
        changes.alone("sts"),
        printed=scores(0.135, 0.376, 0.025),
        notes=(NO_OP,),
    ),
    row(
        "all-three-smart",
        "SST, then Quora, then STS each epoch",
        "sentiment-smart",
        changes.ALL_THREE,
        printed=scores(0.332, 0.371, 0.015),
        notes=('"Running the optimizer after each task" is read as one update a batch, one task after another.',),
    ),
    row(
        "interleaved-smart",
        "SST and Quora batches in turn",
        "sentiment-smart",
        INTERLEAVED,
        printed=scores(0.372, 0.656, 0.032),
        notes=('Confounded: "tuned hyperparameters" came with it; they are not printed and left out here.',),
    ),
    row(
        "interleaved-smart-test",
        "the same on test",
        "interleaved-smart",
        split="test",
        printed=scores(0.373, 0.657, -0.032, 0.333),
        notes=("The STS score is the dev one with its sign turned.",),
    ),
)
SMART_ROWS = ("sentiment-smart", "paraphrase-smart", "similarity-smart", "all-three-smart", "interleaved-smart")
PLAIN_ROWS = ("baseline", "paraphrase", "similarity", "all-three", "interleaved")
CONTROLS = (
    control("paraphrase", "Quora only without SMART", "paraphrase-smart", changes.NO_SMART),
    control("similarity", "STS only without SMART", "similarity-smart", changes.NO_SMART),
    control("all-three", "one after another without SMART", "all-three-smart", changes.NO_SMART),
    control("interleaved", "in turn without SMART", "interleaved-smart", changes.NO_SMART),
    *(control(f"{name}-as-written", "SMART as the equations", name, AS_WRITTEN) for name in SMART_ROWS),
    *(control(f"{name}-frozen", "frozen encoder", name, changes.FROZEN) for name in PLAIN_ROWS + SMART_ROWS),
    *(
        control(f"{name}-frozen-dropout-off", "frozen encoder, its dropout off", name, changes.FROZEN_DROPOUT_OFF)
        for name in PLAIN_ROWS + SMART_ROWS
    ),
    control("interleaved-last-epoch", "in turn, the last epoch", "interleaved", selection=LastEpoch()),
    control("interleaved-smart-last-epoch", "the last epoch", "interleaved-smart", selection=LastEpoch()),
)
ALL = ("sst_accuracy", "quora_accuracy", "sts_pearson")
CLAIMS = (
    claim(
        "smart-helps-its-task",
        "SMART helps the task that it is applied to.",
        "section 6",
        beats("sentiment-smart", "baseline", "sst_accuracy"),
        beats("paraphrase-smart", f"{OURS}/paraphrase", "quora_accuracy"),
        beats("similarity-smart", f"{OURS}/similarity", "sts_pearson"),
        beats("all-three-smart", f"{OURS}/all-three", "overall"),
        beats("interleaved-smart", f"{OURS}/interleaved", "overall"),
    ),
    claim(
        "interleaving-beats-sequential",
        "Interleaved SST and Quora batches beat one task after another.",
        "sections 5.4 and 6",
        beats("interleaved-smart", "all-three-smart", *ALL),
        beats(f"{OURS}/interleaved", f"{OURS}/all-three", *ALL),
    ),
    claim(
        "smart-closes-the-gap",
        "With SMART dev is about equal to train, without it not.",
        "section 6",
        beats("sentiment-smart", "baseline", "sst_gap", sign=-1),
        beats("interleaved-smart", f"{OURS}/interleaved", "sst_gap", "quora_gap", sign=-1),
    ),
)
STATEMENTS: tuple[Statement, ...] = (
    *(
        StatedFigure(
            says=f"fine-tuning on {task} alone with SMART improves it",
            source="section 6",
            row=name,
            metric=metric,
            relation="more",
            than="baseline",
        )
        for name, task, metric in zip(SMART_ROWS[:3], ("sentiment", "paraphrase", "similarity"), ALL, strict=True)
    ),
    *(
        StatedFigure(
            says="fine-tuning on all three lowers paraphrase and similarity",
            source="section 6",
            row="all-three-smart",
            metric=metric,
            relation="less",
            than="baseline",
        )
        for metric in ALL[1:]
    ),
    *(
        StatedFigure(
            says="the model is better on test than on dev",
            source="section 6",
            row="interleaved-smart-test",
            metric=metric,
            relation="more",
            than="interleaved-smart",
        )
        for metric in ALL
    ),
    UndescribedChange(row="interleaved-smart", says='"tuned hyperparameters"', source="section 5.3"),
)
TABLE1 = Suite(
    paper=PAPER,
    table="table1",
    title="SMARTBert",
    source="table 1; section 5.4 for test",
    base=BASE,
    columns=ALL,
    formula="plain",
    rows=ROWS,
    claims=CLAIMS,
    statements=STATEMENTS,
    notes=(
        "Probably run with the encoder frozen: untouched tasks repeat to three digits, and 1e-3 is the starter's rate "
        "for that. Every row has a frozen twin among the controls.",
        "Task and SMART change together in the table, so that the controls without SMART decide the claim.",
        "Not printed: lambda, epsilon, sigma, the scaling of STS targets, how a pair is read, what ends an interleaved "
        "epoch. The package's defaults, lambda 1, score / 5 and the smaller task stand in; a pair is one token row, "
        "as in the authors' published code, which also shares one linear layer between Quora and STS.",
    ),
    marks={
        "sst.objective": "printed",
        "quora.objective": "printed",
        "sts.objective": "printed",
        "quora.head": "printed",
        "sts.head": "printed",
        "quora.pairing": "ours",
        "sts.pairing": "ours",
        "schedule": "printed",
        "schedule.until": "ours",
        "optimizer.rate": "printed",
        "batch": "printed",
        "epochs": "printed",
        "regularizers": "printed",
        "smart": "ours",
        "smart.level": "printed",
        "smart.ascent": "printed",
        "smart.divergence": "printed",
        "smart.mask_of_ones": "printed",
    },
)
SUITES = (TABLE1, controls(TABLE1, CONTROLS))
