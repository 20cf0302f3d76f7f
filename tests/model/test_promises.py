"""A technique that promises nothing is computed the plain way, whatever that costs."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from model.combiners.pcgrad import PcGrad, PcGradAtEpochEnd
from model.combiners.sum import Sum
from model.combiners.torchjd import TorchJd
from model.declaration import SettingError
from model.interfaces import Combiner, Forward, Objective, Regularizer
from model.objectives.bce import Bce, BceWithLogits
from model.objectives.cosine import CosineEmbedding, CosineRegression
from model.objectives.cross_entropy import BatchSoftmax, CrossEntropy
from model.objectives.mse import Mse
from model.recipe import Recipe
from model.regularizers.proximal import MomentumProximal, ParameterProximal, Proximal
from model.regularizers.r_drop import RDrop
from model.regularizers.smart import Smart
from model.task import Task
from model.task_forward import TaskForward
from model.trainer import indivisible
from tests.model import small


@dataclasses.dataclass(frozen=True, kw_only=True)
class Padding(Regularizer):
    """Reads what the encoder makes of padding."""

    slug: ClassVar[str] = "padding for tests"

    def penalty(self, forward: Forward) -> Tensor:
        return at_padding(forward.embedded("embedding_output"), forward)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Careless(Padding):
    """The same under a promise that it breaks."""

    slug: ClassVar[str] = "careless for tests"
    needs_padding: ClassVar[bool] = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variance(Regularizer):
    """The variance of the logits over the batch."""

    slug: ClassVar[str] = "variance for tests"

    def penalty(self, forward: Forward) -> Tensor:
        return forward.logits.var(dim=0).sum()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Doubled(RDrop):
    """Builds on a technique that promises much, and has a computation of its own."""

    slug: ClassVar[str] = "doubled for tests"

    def penalty(self, forward: Forward) -> Tensor | None:
        penalty = super().penalty(forward)
        return None if penalty is None else 2 * penalty


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weaker(RDrop):
    """Changes a default alone."""

    slug: ClassVar[str] = "weaker for tests"
    weight: float = 0.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorstItem(CrossEntropy):
    """The largest loss of the batch."""

    slug: ClassVar[str] = "worst item for tests"

    def loss(self, logits: Tensor, labels: Tensor, task: Task) -> Tensor:
        return torch.nn.functional.cross_entropy(logits, labels, reduction="none").max()


def at_padding(states: Tensor, forward: Forward) -> Tensor:
    return states[forward.batch.tokens.mask == 0].square().mean()


def sentiment(*regularizers: Regularizer) -> Recipe:
    return dataclasses.replace(small.only("sst"), regularizers=regularizers)


def forward(recipe: Recipe, pieces: int = 1, piece: int = 0) -> TaskForward:
    """The forward pass of a batch, or of one of its parts, without dropout."""
    network = small.network(recipe).eval()
    batch = small.table(small.SENTIMENT).batch(torch.arange(4).chunk(pieces)[piece].numpy())
    return TaskForward(network, batch, seed=0, step=0)


def test_padding_is_computed_for_a_penalty_that_reads_it() -> None:
    regularizer = Padding()
    plain = forward(sentiment(regularizer))
    tokens = plain.batch.tokens
    embeddings = plain.network.encoder.get_submodule("embeddings")
    expected = at_padding(embeddings(input_ids=tokens.ids, token_type_ids=tokens.types), plain)
    assert torch.equal(regularizer.penalty(plain), expected) and expected > 0.1
    assert Careless().penalty(forward(sentiment(Careless()))) == 0  # the fast way knows no padding


def test_a_batch_stays_whole_for_a_penalty_that_is_no_mean_of_its_items() -> None:
    regularizer = Variance()
    recipe = sentiment(regularizer)
    whole = regularizer.penalty(forward(recipe)).item()
    halves = torch.stack([regularizer.penalty(forward(recipe, 2, piece)) for piece in range(2)]).mean().item()
    assert abs(whole - halves) > 0.01 * whole
    assert indivisible(recipe) == [regularizer.slug]


def test_bf16_is_refused_to_a_penalty_that_says_nothing_of_it() -> None:
    with pytest.raises(SettingError, match="variance for tests"):
        dataclasses.replace(sentiment(Variance()), precision="bf16")


def test_a_computation_of_ones_own_inherits_no_promise() -> None:
    assert (Doubled().needs_padding, Doubled().needs_fp32, Doubled().is_item_mean) == (True, True, False)
    assert (Weaker().needs_padding, Weaker().needs_fp32, Weaker().is_item_mean) == (False, False, True)
    assert not WorstItem().is_item_mean


REGULARIZERS: dict[Regularizer, tuple[bool, bool, bool]] = {
    Smart(): (False, True, True),
    Smart(mask_of_ones=True, reduction="sum"): (True, True, False),
    Smart(radius=0.1, axis="batch"): (False, False, False),
    Smart(normalise="step", project=False): (False, False, False),
    Proximal(steps_per_anchor=2): (False, True, True),
    MomentumProximal(): (False, True, True),
    ParameterProximal(steps_per_anchor=2): (False, False, True),
    RDrop(): (False, False, True),
}
OBJECTIVES: dict[Objective, bool] = {
    Bce(): True,
    BceWithLogits(): True,
    BceWithLogits(reduction="sum"): False,
    CosineEmbedding(): True,
    CosineRegression(): True,
    CrossEntropy(): True,
    BatchSoftmax(): False,
    Mse(): True,
}
COMBINERS: dict[Combiner, bool] = {Sum(): True, PcGrad(): False, PcGradAtEpochEnd(): False, TorchJd(): False}


def test_promises_of_our_own() -> None:
    assert {each: (each.needs_padding, each.needs_fp32, each.is_item_mean) for each in REGULARIZERS} == REGULARIZERS
    assert {each: each.is_item_mean for each in OBJECTIVES} == OBJECTIVES
    assert {each: each.completes_grad_last for each in COMBINERS} == COMBINERS
