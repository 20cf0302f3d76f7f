"""What a regularizer brings along is trained and kept, or refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from model.errors import InputError
from model.interfaces import ActiveRegularizer, Forward, Regularizer
from model.network import Network
from model.recipe import Recipe
from model.snapshot import Snapshot
from model.train import Tick, train
from tests.model import small

ALONE = small.only("sst")


class Learnt:
    """A penalty with a weight of its own."""

    def __init__(self, scale: nn.Parameter) -> None:
        self.scale = scale

    def penalty(self, forward: Forward) -> Tensor:
        return ((self.scale - 1) ** 2 + self.scale * forward.logits.square().mean()).sum()

    def after_step(self, network: Network) -> None: ...

    def state(self) -> dict[str, Tensor]:
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegisteredScale(Regularizer):
    """Registers it on the network."""

    slug: ClassVar[str] = "given for tests"

    def start(self, network: Any, updates: int) -> ActiveRegularizer:
        network.register_parameter("scale", nn.Parameter(torch.zeros(1)))
        network.register_buffer("passes", torch.zeros(1))

        def count(module: nn.Module, *_: Any) -> None:
            network.passes += module.training

        network.dropout.register_forward_hook(count)
        return Learnt(network.scale)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hidden(Regularizer):
    """Keeps it to itself."""

    slug: ClassVar[str] = "hidden for tests"

    def start(self, network: Network, updates: int) -> ActiveRegularizer:
        return Learnt(nn.Parameter(torch.zeros(1)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Freeing(Regularizer):
    """Has another part of the network trained, from the start or after the first update."""

    slug: ClassVar[str] = "freeing for tests"
    at: int = 0

    def start(self, network: Network, updates: int) -> ActiveRegularizer:
        if self.at == 0:
            network.encoder.get_parameter("pooler.dense.bias").requires_grad_()
        return self

    def penalty(self, forward: Forward) -> Tensor | None:
        return None

    def after_step(self, network: Network) -> None:
        network.encoder.get_parameter("pooler.dense.bias").requires_grad_()


def recipe(part: Regularizer, base: Recipe = ALONE) -> Recipe:
    return dataclasses.replace(base, regularizers=(part,))


def test_a_parameter_given_to_the_network_is_trained_and_goes_on_from_a_checkpoint() -> None:
    whole = small.trained(small.run(recipe(RegisteredScale())))
    assert whole.scale.item() > 1e-3
    assert whole.passes.item() == 6  # updates
    snapshot: Snapshot | None = None
    for event in train(small.run(recipe(RegisteredScale()))):
        if isinstance(event, Tick) and event.step == 3:
            state = event.take()
            snapshot = Snapshot({name: part.clone() for name, part in state.tensors.items()}, dict(state.position))
            break
    assert snapshot is not None
    resumed = small.run(recipe(RegisteredScale()))
    for _ in train(resumed, snapshot):
        pass
    assert small.same(small.weights(resumed.network), small.weights(whole))
    assert resumed.network.passes.item() == 6


def test_a_parameter_that_no_optimizer_has_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"the parameter scale of Learnt is trained by a loss, but no optimizer"):
        small.trained(small.run(recipe(Hidden())), updates=1)


def test_a_parameter_that_is_freed_too_late_is_refused_by_name() -> None:
    frozen = dataclasses.replace(ALONE, trainable="heads")
    with pytest.raises(InputError, match=r"encoder\.pooler\.dense\.bias"):
        small.trained(small.run(recipe(Freeing(at=1), frozen)))


def test_a_frozen_encoder_of_which_something_is_trained_is_refused() -> None:
    frozen = dataclasses.replace(ALONE, trainable="heads")
    with pytest.raises(InputError, match=r"the encoder is frozen, but .*pooler\.dense\.bias"):
        small.trained(small.run(recipe(Freeing(), frozen)))
