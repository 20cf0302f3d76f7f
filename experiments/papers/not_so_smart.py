"""Jones: "Not-So-SMART BERT". Its Table 1 (dev) is an image in the copy we have; the prose prints the test scores of
its submission. SMART has the form of Jiang et al.'s reference code, mt-dnn; ``-as-written`` rows run equation 1."""

from __future__ import annotations

import itertools

from experiments import changes
from experiments.dsl import beats, claim, control, controls, row, scores
from experiments.suite import Change, Suite
from model.heads.linear import Linear
from model.heads.mlp import Intermediate
from model.objectives.bce import BceWithLogits
from model.objectives.cross_entropy import CrossEntropy
from model.objectives.mse import Mse
from model.pairing.separate import Cosine, Difference
from model.recipe import Branch, Recipe
from model.schedules.joint import Together
from model.selection import LastEpoch
from model.task import QUORA, SST, STS

PAPER = "not-so-smart"
OURS = f"{PAPER}/controls"
BASE = Recipe(
    branches=(
        Branch(task=SST, head=Intermediate(), objective=CrossEntropy()),
        Branch(task=QUORA, pairing=Difference(), head=Intermediate(), objective=BceWithLogits()),
        Branch(task=STS, pairing=Cosine(), head=Intermediate(), objective=Mse()),
    ),
    schedule=Together(),
)
STRAIGHT = Change(
    "linear-heads",
    "logits straight from the embeddings",
    (("sst.head", Linear()), ("quora.head", Linear()), ("sts.head", Linear())),
)
ORDERS = tuple(itertools.permutations(("sst", "quora", "sts")))[1:]


def layers(number: int) -> Change:
    edits = tuple((f"{task}.head", Intermediate(layers=number)) for task in ("sst", "quora", "sts"))
    return Change(f"layers-{number}", f"{number} intermediate layers", edits)


def together(order: tuple[str, ...]) -> Change:
    name = "-".join(order)
    return Change(f"together-{name}", f"accumulated in the order {name}", (("schedule", Together(order=order)),))


ROWS = (
    row(
        "bert-base",
        "logits straight from the embeddings",
        None,
        STRAIGHT,
        notes=("The features of a pair in this row are not printed; the others' here.",),
    ),
    row("multi-1", "1 intermediate layer", None),
    row("multi-2", "2 intermediate layers", "multi-1", layers(2)),
    row("multi-2-test", "the same on test", "multi-2", split="test", printed=scores(0.487, 0.867, 0.848, 0.759)),
    row("multi-3", "3 intermediate layers", "multi-1", layers(3)),
    row("multi-4", "4 intermediate layers", "multi-1", layers(4)),
    row(
        "multi-1-smart",
        "+ SMART on all tasks",
        "multi-1",
        changes.SMART_MTDNN,
        words="tanked",
        notes=("The paper suspects errors in its own adaptation of the code to pairs.",),
    ),
    row(
        "multi-1-routing-smart",
        "Heinsen routing for SST + SMART",
        "multi-1-smart",
        changes.ROUTING_ON_SST,
        words="STS collapsed",
        notes=("In words: SST fell too.",),
    ),
)
CONTROLS = (
    control("multi-1-routing", "routing without SMART", "multi-1", changes.ROUTING_ON_SST),
    control("multi-1-smart-as-written", "SMART as equation 1", "multi-1", changes.SMART_ALL),
    control("multi-1-routing-smart-as-written", "routing, SMART as equation 1", "multi-1-routing", changes.SMART_ALL),
    *(
        control(f"multi-{number}-{name}", f"{number} layers with {says}", f"multi-{number}", change)
        for number in (2, 3, 4)
        for name, says, change in (
            ("smart", "SMART (equation 1)", changes.SMART_ALL),
            ("weight-decay", "weight decay .01", changes.WEIGHT_DECAY),
        )
    ),
    *(
        control(f"multi-2-{'-'.join(order)}", f"accumulated: {', '.join(order)}", "multi-2", together(order))
        for order in ORDERS
    ),
    control("multi-2-one-after-another", "in a row: sst, quora, sts", "multi-2", changes.ALL_THREE),
    *(
        control(f"multi-2-{'-then-'.join(order)}", f"in a row: {', '.join(order)}", "multi-2", changes.in_order(*order))
        for order in ORDERS
    ),
    control("multi-1-pcgrad", "PCGrad", "multi-1", changes.PCGRAD),
    control("multi-1-pcgrad-smart", "PCGrad with SMART (equation 1)", "multi-1-pcgrad", changes.SMART_ALL),
    control("multi-2-last-epoch", "the last epoch", "multi-2", selection=LastEpoch()),
)
CLAIMS = (
    claim(
        "two-layers-beat-one",
        "Two intermediate layers beat one.",
        "section 6",
        beats("multi-2", "multi-1", "overall"),
    ),
    claim(
        "more-layers-do-not-help",
        "Three and four intermediate layers do not beat two.",
        "sections 5.4 and 6",
        beats("multi-2", "multi-3", "overall"),
        beats("multi-2", "multi-4", "overall"),
    ),
    claim(
        "smart-and-routing-hurt",
        "SMART and routing, as implemented, hurt.",
        "section 6",
        beats("multi-1", "multi-1-smart", "overall"),
        beats("multi-1", "multi-1-routing-smart", "overall", "sst_accuracy", "sts_pearson"),
        beats("multi-1", f"{OURS}/multi-1-routing", "sst_accuracy"),
    ),
)
TABLE1 = Suite(
    paper=PAPER,
    table="table1",
    title="Not-So-SMART BERT",
    source="section 5; Table 1 is an image in our copy",
    base=BASE,
    columns=("sst_accuracy", "quora_accuracy", "sts_pearson"),
    formula="normalised",
    rows=ROWS,
    claims=CLAIMS,
    notes=(
        "The losses of the three tasks are back-propagated one after another and one update takes the sum, so that "
        "their order changes nothing but rounding and dropout; it can matter in the controls multi-2-*-then-*.",
        "Not printed: the batch size, the dropout, the width of an intermediate layer (STS gives it one number), what "
        "ends an epoch. The starter's 8 and .3, the encoder's width and the smallest task stand in.",
    ),
    marks={
        "encoder": "printed",
        "sst.head": "printed",
        "quora.head": "printed",
        "sts.head": "printed",
        "sst.objective": "printed",
        "quora.objective": "printed",
        "sts.objective": "printed",
        "sts.objective.target": "ours",
        "quora.pairing": "printed",
        "sts.pairing": "printed",
        "schedule": "printed",
        "schedule.until": "ours",
        "combiner": "printed",
        "optimizer.rate": "printed",
        "epochs": "printed",
        "regularizers": "printed",
        "smart": "ours",
    },
)
SUITES = (TABLE1, controls(TABLE1, CONTROLS))
