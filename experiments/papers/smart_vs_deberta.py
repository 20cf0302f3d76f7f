"""Hayashi, Liu & Lobato: "SMART loss vs DeBERTa". Its Table 1 is an image in the copy we have: the rows and figures
are those of the prose (section 5.3). It cites no code for SMART, so SMART runs as the paper writes it."""

from __future__ import annotations

import dataclasses

from experiments import changes
from experiments.dsl import beats, claim, control, controls, row, scores
from experiments.statements import ConstantAnswer, StatedFigure, UndescribedChange
from experiments.suite import Change, Suite
from model.data.reviews import Reviews
from model.encoders.deberta import Deberta, DebertaFromBert
from model.objectives.bce import Bce
from model.objectives.cross_entropy import CrossEntropy
from model.pairing.separate import Concatenate
from model.recipe import Branch, Recipe
from model.schedules.sequential import Sequential
from model.selection import EarlyStopping, LastEpoch
from model.task import QUORA, SST, STS

PAPER = "smart-vs-deberta"
BASE = Recipe(
    branches=(
        Branch(task=SST, objective=CrossEntropy()),
        Branch(task=QUORA, pairing=Concatenate(), objective=Bce(), rows=7075),
        Branch(task=STS, pairing=Concatenate(), objective=Bce()),
    ),
    schedule=Sequential(),
)
STOPPED = EarlyStopping()
NO_BPPO = changes.without("parameter_proximal", "without the proximal point")
AMAZON = Change("amazon", "+ Amazon Movies & TV reviews for SST", (("sst.extra", (Reviews(),)),))
DEBERTA = Change(
    "deberta",
    "DeBERTa attention started from BERT, positions in the last layer",
    (("encoder", DebertaFromBert(positions="output")),),
)
INPUT_POSITIONS = Change("input-positions", "position embeddings at the input", (("encoder.positions", "input"),))
PRETRAINED = Change("deberta-pretrained", "a pretrained DeBERTa", (("encoder", Deberta()),))
LARGE_RADIUS = Change("smart-radius-1e-2", "SMART's radius 1e-2", (("smart.radius", 1e-2),))
ROWS = (
    row(
        "bert-v1",
        "pairs encoded separately and concatenated, BCE",
        None,
        printed=scores(0.478, 0.378, 0.558, 0.478),
        notes=(
            "The printed overall .478 repeats the SST accuracy; the formula gives .545.",
            "The paper reads Quora's .378 as a constant answer of 1, which scores .375 on this dev set.",
        ),
    ),
    row("new-predict", "+ both sentences in one forward pass", "bert-v1", changes.JOINT_PAIRS),
    row(
        "bce-logits",
        "+ BCE-with-logits, reduction=sum",
        "new-predict",
        changes.BCE_LOGITS_SUM,
        printed=scores(overall=0.713),
        words="train .98",
        notes=("The sum multiplies the gradient by the batch size. The text speaks of Quora; we apply it to STS too.",),
    ),
    row(
        "siar",
        "+ SIAR on every task",
        "bce-logits",
        changes.SMART_KL,
        printed=scores(overall=0.764),
        notes=("At the SMART paper's radius of 1e-5 the penalty's gradient is about 1e-7 of the task's.",),
    ),
    row(
        "deberta",
        "DeBERTa attention started from BERT, no SIAR",
        "bce-logits",
        DEBERTA,
        printed=scores(overall=0.651),
        notes=("In words: better than bert-v1 on Quora and STS, not on SST.",),
    ),
    row(
        "deberta-siar",
        "+ SIAR and more fine-tuning",
        "deberta",
        changes.SMART_KL,
        printed=scores(overall=0.71),
        notes=('Confounded: "additional fine-tuning" came with SIAR; it is not described and left out here.',),
    ),
    row(
        "siar-full-quora",
        "SIAR, the whole Quora set",
        "siar",
        changes.FULL_QUORA,
        printed=scores(overall=0.764),
        words="peak at epoch 3",
        marks={"epochs": "printed"},
    ),
    row("siar-lr-1e-6", "rate 1e-6", "siar-full-quora", changes.rate("1e-6"), printed=scores(overall=0.765)),
    row("siar-early-stop", "early stopping", "siar-full-quora", selection=STOPPED, printed=scores(overall=0.77)),
    row(
        "bppo",
        "+ BPPO",
        "siar-full-quora",
        changes.BPPO_PARAMETERS,
        words="modest",
        notes=(
            "The divergence is one between parameters; phi, mu and the steps an anchor stands for are not printed. "
            "Half the squared norm, 1 and ten are ours: with one step an anchor it would be a no-op.",
        ),
    ),
    row("bppo-early-stop", "+ early stopping", "bppo", selection=STOPPED, printed=scores(overall=0.771)),
    row("bppo-exp-decay", "exponentially decaying rate", "bppo", changes.EXPONENTIAL_DECAY),
    row(
        "amazon",
        "+ Amazon reviews for SST",
        "siar-full-quora",
        AMAZON,
        words="lower",
        notes=("The number of reviews is not printed. The text adds BPPO after it, so it stands on the row without.",),
    ),
    row("amazon-bppo", "the same with BPPO", "amazon", changes.BPPO_PARAMETERS, words="lower"),
    row("dropout-0.4", "dropout .4", "bppo", changes.dropout(0.4), selection=STOPPED, words="above .3; the best"),
    row(
        "dropout-0.5",
        "dropout .5",
        "bppo",
        changes.dropout(0.5),
        words="above .3",
        notes=("Whether it was stopped early is not said.",),
    ),
    row(
        "best",
        "BPPO, decaying rate, dropout .4, 9 epochs",
        "bppo-exp-decay",
        changes.dropout(0.4),
        changes.epochs(9),
        printed=scores(overall=0.776),
        marks={"epochs": "printed"},
    ),
    row("best-test", "the same on test", "best", split="test", printed=scores(0.506, 0.892, 0.869, 0.778)),
)
CONTROLS = (
    control("bert-v1-bce-logits", "separate pairs, BCE-with-logits", "bert-v1", changes.BCE_LOGITS_SUM),
    control("bce-logits-mean", "BCE-with-logits without the sum", "new-predict", changes.BCE_LOGITS),
    control("bce-logits-full-quora", "no SIAR, the whole Quora set", "bce-logits", changes.FULL_QUORA),
    control("siar-symmetric", "SIAR with the symmetric KL", "bce-logits", changes.SMART_ALL),
    control("siar-radius-1e-2", "SIAR at a radius that acts", "siar", LARGE_RADIUS),
    control("siar-sst-last", "SST trained last", "siar", changes.in_order("quora", "sts", "sst")),
    control("siar-round-robin", "tasks in turn, as section 7 plans", "siar", changes.ROUND_ROBIN),
    control("siar-last-epoch", "the last epoch", "siar-full-quora", selection=LastEpoch()),
    control("deberta-input-positions", "positions stay at the input", "deberta", INPUT_POSITIONS),
    control("deberta-pretrained", "microsoft/deberta-base", "bce-logits", PRETRAINED, fixes_encoder=True),
    control("deberta-pretrained-siar", "+ SIAR", "deberta-pretrained", changes.SMART_KL, fixes_encoder=True),
    control("bppo-no-siar", "BPPO alone", "bce-logits-full-quora", changes.BPPO_PARAMETERS),
    control("bppo-no-op", "BPPO, one step an anchor", "siar-full-quora", changes.BPPO_PARAMETERS_ONE_STEP),
    control("bppo-outputs", "BPPO on the predictions", "siar-full-quora", changes.BPPO_TEN_STEPS),
    control("bppo-momentum", "BPPO, momentum form", "siar-full-quora", changes.BPPO),
    control("bppo-quora-7075", "BPPO on 1/20 of Quora", "bppo", changes.QUORA_TWENTIETH),
    control("bppo-last-epoch", "BPPO, the last epoch", "bppo", selection=LastEpoch()),
    control("dropout-0.4-not-stopped", "dropout .4, no early stopping", "bppo", changes.dropout(0.4)),
    control("best-no-bppo", "the best row without BPPO", "best", NO_BPPO),
)
CLAIMS = (
    claim(
        "joint-encoding",
        "Encoding both sentences in one forward pass beats concatenating two outputs.",
        "section 5.3",
        beats("new-predict", "bert-v1", "overall"),
    ),
    claim(
        "bce-with-logits",
        "BCE-with-logits, summed over the batch, beats BCE.",
        "section 5.3",
        beats("bce-logits", "new-predict", "overall", "quora_accuracy"),
    ),
    dataclasses.replace(
        claim(
            "siar-biggest-jump",
            "SIAR improves the overall score, and more than any other single change.",
            "section 5.3",
            beats("siar", "bce-logits", "overall"),
        ),
        biggest=True,
    ),
    claim(
        "more-dropout",
        "Dropout .4 and .5 beat .3.",
        "section 5.3",
        beats("dropout-0.4", "bppo-early-stop", "overall"),
        beats(f"{PAPER}/controls/dropout-0.4-not-stopped", "bppo", "overall"),
        beats("dropout-0.5", "bppo", "overall"),
    ),
    claim(
        "bert-beats-deberta",
        "Refinements on BERT beat DeBERTa.",
        "abstract, section 5.3",
        beats("siar", "deberta", "overall"),
        beats("siar", "deberta-siar", "overall"),
        beats("siar", f"{PAPER}/controls/deberta-pretrained-siar", "overall"),
    ),
    claim(
        "amazon-hurts-sst",
        "Amazon reviews lower the SST accuracy, with BPPO too.",
        "section 5.3",
        beats("siar-full-quora", "amazon", "sst_accuracy"),
        beats("bppo", "amazon-bppo", "sst_accuracy"),
    ),
    claim(
        "early-stopping-helps",
        "Early stopping helps.",
        "section 5.3",
        beats("siar-early-stop", "siar-full-quora", "overall"),
        beats("bppo-early-stop", "bppo", "overall"),
        beats("siar-early-stop", f"{PAPER}/controls/siar-last-epoch", "overall"),
        beats("bppo-early-stop", f"{PAPER}/controls/bppo-last-epoch", "overall"),
    ),
)
STATEMENTS = (
    ConstantAnswer(row="bert-v1", metric="quora_accuracy", answer=1, source="section 5.3"),
    StatedFigure(
        says="BERT + SIAR at .76", source="section 5.3", row="siar", metric="overall", relation="is", value=0.76
    ),
    UndescribedChange(row="deberta-siar", says='"additional fine-tuning"', source="section 5.3"),
)
TABLE1 = Suite(
    paper=PAPER,
    table="table1",
    title="SMART loss vs DeBERTa",
    source="section 5.3; Table 1 is an image in our copy",
    base=BASE,
    columns=("sst_accuracy", "quora_accuracy", "sts_pearson"),
    formula="normalised",
    rows=ROWS,
    claims=CLAIMS,
    statements=STATEMENTS,
    notes=(
        "SIAR as the biggest jump is contradicted by the paper's own figures: +.051, while the two changes before it "
        "together gave at least +.168 (.713 against the .545 of bert-v1).",
        "Quora's 1/20 is 7,075 of the official 141,506 rows, whatever the set at hand holds.",
        "Not printed: the batch size, most epochs, SMART's and BPPO's numbers, the decay's rate, the STS loss, and "
        "whether Quora or STS comes last.",
        "The paper explains DeBERTa's score by the start from BERT's weights: controls/deberta-pretrained tests it.",
    ),
    marks={
        "encoder": "printed",
        "quora.pairing": "printed",
        "sts.pairing": "printed",
        "quora.head": "ours",
        "sts.head": "ours",
        "quora.objective": "printed",
        "sts.objective": "ours",
        "quora.rows": "printed",
        "schedule": "ours",
        "optimizer.rate": "printed",
        "dropout": "printed",
        "decay": "printed",
        "decay.per_epoch": "ours",
        "regularizers": "printed",
        "smart": "ours",
        "smart.divergence": "printed",
        "parameter_proximal": "ours",
        "sst.extra": "printed",
        "sst.reviews": "ours",
        "sst.reviews.max_characters": "printed",
    },
)
SUITES = (TABLE1, controls(TABLE1, CONTROLS))
