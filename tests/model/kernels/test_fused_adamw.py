"""Weights that are updated within the backward pass, against an update after it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import pytest
import torch

from model.combiners.pcgrad import PcGradAtEpochEnd
from model.combiners.sum import Sum
from model.interfaces import Step
from model.kernels import fused_adamw, sparse_embedding
from model.kernels.fused_adamw import Early
from model.kernels.sparse_embedding import Dense
from model.recipe import AdamW, Recipe
from model.train import Tick, train
from tests.model import small

RECIPE = dataclasses.replace(small.RECIPE, optimizer=AdamW(rate=1e-3, weight_decay=0.1))


def state(recipe: Recipe, pieces: int) -> dict[str, torch.Tensor]:
    """Weights and what the optimizer keeps, after all updates."""
    tensors: dict[str, torch.Tensor] = {}
    for event in train(dataclasses.replace(small.run(recipe, scored=()), pieces=pieces)):
        if isinstance(event, Tick):
            tensors = {name: part.detach().clone() for name, part in event.take().tensors.items()}
    return tensors


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("recipe", [RECIPE, dataclasses.replace(RECIPE, combiner=PcGradAtEpochEnd())])
def test_every_bit_is_that_of_an_update_after_the_pass(
    monkeypatch: pytest.MonkeyPatch, recipe: Recipe, pieces: int
) -> None:
    monkeypatch.setattr(sparse_embedding, "LARGE", 1)  # sparse gradients, too
    with monkeypatch.context() as torchs:
        torchs.setattr(fused_adamw, "LARGE", math.inf)
        torchs.setattr(Early, "finish", lambda self, optimizer: optimizer.step())
        expected = state(recipe, pieces)
    for large in (1, 200, math.inf):
        monkeypatch.setattr(fused_adamw, "LARGE", large)
        assert small.same(state(recipe, pieces), expected)


def test_a_weight_is_updated_within_the_last_pass_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_adamw, "LARGE", 200)
    run = small.run(RECIPE, scored=())
    events, updated = train(run), list[list[bool]]()
    combined = type(RECIPE.combiner).backward

    def backward(self: object, step: object, losses: object, shared: list[torch.nn.Parameter], seed: int) -> object:
        after = combined(self, step, losses, shared, seed)  # type: ignore[arg-type]
        updated.append([part.grad is None for part in shared])
        return after

    monkeypatch.setattr(type(RECIPE.combiner), "backward", backward)
    for _ in range(2):
        next(events)
    large = [part.numel() >= 200 for part in run.network.shared()]
    assert 0 < sum(large) < len(large)
    assert updated == [[False] * len(large), large]  # at first the optimizer knows no weight


def test_a_combiner_that_reads_gradients_finds_them_all() -> None:
    class Clipped(Sum):
        def backward(
            self, step: Step, losses: Iterable[tuple[str, torch.Tensor]], shared: list[torch.nn.Parameter], seed: int
        ) -> dict[str, float]:
            return super().backward(step, losses, shared, seed)

    class Named(Sum):
        pass

    assert Sum.completes_grad_last and Named.completes_grad_last and not Clipped.completes_grad_last


def test_what_breaks_off_leaves_no_hook() -> None:
    weight = torch.nn.Parameter(torch.ones(1 << 16))
    optimizer = torch.optim.AdamW([weight], fused=True)
    weight.sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    before, updates = weight.detach().clone(), Early([weight], Dense())
    with pytest.raises(KeyError), updates.within():
        updates.arm(optimizer)
        raise KeyError
    weight.sum().backward()
    assert weight.grad is not None and torch.equal(weight, before)
    weight.grad = None
    with updates.within():
        updates.arm(optimizer)
        weight.sum().backward()
    assert weight.grad is None and not torch.equal(weight, before)
