"""Named edits that several rows share. Each can be put on any recipe it fits with ``--with NAME``."""

from __future__ import annotations

import dataclasses

from experiments.suite import Change
from model.combiners.pcgrad import PcGrad, PcGradAtEpochEnd
from model.combiners.sum import Sum
from model.combiners.torchjd import TorchJd
from model.heads.routing import Routing
from model.lr_schedules import Exponential
from model.objectives.bce import Bce, BceWithLogits
from model.objectives.cosine import CosineEmbedding
from model.objectives.mse import Mse
from model.pairing.joint import Joint
from model.regularizers.proximal import MomentumProximal, ParameterProximal, Proximal
from model.regularizers.smart import Smart
from model.schedules.joint import Together
from model.schedules.rotating import Rotating
from model.schedules.round_robin import RoundRobin
from model.schedules.sequential import Sequential
from model.schedules.single_task import Alone
from model.schedules.weakest_last import WeakestLast

# SMART as the cited code computes it; where a paper leaves a number open, the code's own default stands.
PACKAGE = Smart(  # smart-pytorch
    radius=1e-6,  # only guards a division: the perturbation's largest entry is about 1 whatever it says
    normalise="step",
    axis="token",
    project=False,
    level="embedding_output",
    ascent="reverse_kl",
    divergence="stopped",
    reduction="sum",
    dropout="fresh",
)
REFERENCE = dataclasses.replace(  # mt-dnn, with its command line's numbers
    PACKAGE, step_size=1e-5, ascent="log_odds", ascent_reduction="sum", reduction="mean"
)
WHOLE_TABLE = Smart(  # smooth-valleys' own code
    noise_scale=1e-6, axis="batch", detach_target=True, dropout="off"
)


def rate(text: str) -> Change:
    """The learning rate, written as the paper writes it."""
    return Change(f"lr-{text}", f"learning rate {text}", (("optimizer.rate", float(text)),))


def dropout(share: float) -> Change:
    return Change(f"dropout-{share}", f"head dropout {share}", (("dropout", share),))


def epochs(number: int) -> Change:
    return Change(f"{number}-epochs", f"{number} epochs", (("epochs", number),))


def batch(size: int) -> Change:
    return Change(f"batch-{size}", f"batches of {size}", (("batch", size),))


def quora_rows(rows: int) -> Change:
    return Change(f"quora-{rows}", f"{rows:,} Quora rows", (("quora.rows", rows),))


def smart(name: str, says: str, form: Smart) -> Change:
    """This form of SMART's adversarial part, in place of another or as a new regularizer."""
    return Change(name, says, (("smart", form),))


def without(slug: str, says: str) -> Change:
    """A regularizer taken out."""
    return Change(f"no-{slug.replace('_', '-')}", says, ((slug, None),))


def in_order(*order: str) -> Change:
    """One task after another in this order."""
    name = "-then-".join(order)
    return Change(name, f"trained one after another: {', '.join(order)}", (("schedule", Sequential(order=order)),))


def alone(task: str) -> Change:
    return Change(f"{task}-alone", f"{task} trained alone", (("schedule", Alone(task=task)),))


QUORA_TWENTIETH = quora_rows(7075)
QUORA_8000 = quora_rows(8000)
QUORA_9000 = quora_rows(9000)
FULL_QUORA = Change("full-quora", "the whole Quora set", (("quora.rows", None),))
ROWS_6040 = Change(
    "rows-6040", "6,040 rows of each task", (("sst.rows", 6040), ("quora.rows", 6040), ("sts.rows", 6040))
)

BATCH_8 = batch(8)
FROZEN = Change("frozen", "encoder frozen, heads trained", (("trainable", "heads"),))
FROZEN_DROPOUT_OFF = Change(
    "frozen-dropout-off",
    "encoder frozen with its dropout off, heads trained",
    (("trainable", "heads"), ("encoder_dropout_when_frozen", False)),
)
EXPONENTIAL_DECAY = Change("exp-decay", "learning rate times .9 each epoch", (("decay", Exponential()),))
WEIGHT_DECAY = Change("weight-decay", "weight decay .01", (("optimizer.weight_decay", 0.01),))

ALL_THREE = in_order("sst", "quora", "sts")
ROTATE = Change("rotate", "one task after another, rotated by a place each epoch", (("schedule", Rotating()),))
WEAKEST_LAST = Change("weakest-last", "the task with the lowest training metric last", (("schedule", WeakestLast()),))
ROUND_ROBIN = Change("round-robin", "one update of each task in turn", (("schedule", RoundRobin()),))
TOGETHER = Change("together", "one update on a batch of every task", (("schedule", Together()),))

SUMMED = Change("summed", "gradients of the tasks added up", (("combiner", Sum()),))
PCGRAD = Change("pcgrad", "PCGrad at every update that tasks share", (("combiner", PcGrad()),))
PCGRAD_TOGETHER = Change(
    "pcgrad-together",
    "one update on a batch of every task, with PCGrad",
    (("schedule", Together()), ("combiner", PcGrad())),
)
UPGRAD = Change(
    "upgrad",
    "UPGrad of TorchJD at every update that tasks share; --set combiner.aggregator=NAME takes another",
    (("combiner", TorchJd()),),
)
PCGRAD_EPOCH_END = Change(
    "pcgrad-epoch-end", "ordinary updates, then one PCGrad step an epoch", (("combiner", PcGradAtEpochEnd()),)
)

SMART_ALL = smart("smart-all", "SMART (equation 1) on every task", Smart())
SMART_SST = smart("smart-sst", "SMART (equation 1) on SST alone", Smart(tasks=("sst",)))
SMART_KL = smart("smart-kl", "SMART on every task, with the one-sided KL divergence", Smart(divergence="kl"))
SMART_MTDNN = smart("smart-mtdnn", "SMART as in mt-dnn on every task", REFERENCE)
SMART_FRESH_MASKS = Change("smart-fresh-masks", "independent dropout masks in SMART", (("smart.dropout", "fresh"),))
SMART_EVERY_TASK = Change("smart-every-task", "SMART on every task instead of some", (("smart.tasks", None),))
NO_SMART = without("smart", "without SMART's adversarial part")

BPPO = Change("bppo", "+ proximal point, momentum form", (("momentum_proximal", MomentumProximal()),))
BPPO_BASIC = Change("bppo-basic", "+ proximal point, one step an anchor: a no-op", (("proximal", Proximal()),))
BPPO_TEN_STEPS = Change(
    "bppo-ten-steps", "+ proximal point, ten steps an anchor", (("proximal", Proximal(steps_per_anchor=10)),)
)
BPPO_PARAMETERS = Change(
    "bppo-parameters",
    "+ proximal point in parameter space, ten steps an anchor",
    (("parameter_proximal", ParameterProximal(steps_per_anchor=10)),),
)
BPPO_PARAMETERS_ONE_STEP = Change(
    "bppo-parameters-one-step",
    "+ proximal point in parameter space, one step an anchor: a no-op",
    (("parameter_proximal", ParameterProximal()),),
)

JOINT_PAIRS = Change(
    "joint-pairs", "both sentences in one forward pass", (("quora.pairing", Joint()), ("sts.pairing", Joint()))
)
BCE = Change("bce", "BCE of a sigmoid on pairs", (("quora.objective", Bce()), ("sts.objective", Bce())))
BCE_LOGITS = Change(
    "bce-logits", "BCE-with-logits on pairs", (("quora.objective", BceWithLogits()), ("sts.objective", BceWithLogits()))
)
BCE_LOGITS_SUM = Change(
    "bce-logits-sum",
    "BCE-with-logits on pairs, summed over the batch",
    (("quora.objective", BceWithLogits(reduction="sum")), ("sts.objective", BceWithLogits(reduction="sum"))),
)
MSE_ON_STS = Change("mse-on-sts", "MSE on STS, scores scaled to 0..1", (("sts.objective", Mse(target="unit")),))
COSINE_EMBEDDING_ON_STS = Change(
    "cosine-embedding-on-sts", "CosineEmbeddingLoss on STS", (("sts.objective", CosineEmbedding()),)
)
ROUTING_ON_SST = Change("routing-on-sst", "Heinsen routing as SST's head", (("sst.head", Routing()),))
