"""What an update moves, by how much, and what it leaves alone."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from model.batching import Order
from model.combiners.sum import Sum
from model.interfaces import Step
from model.recipe import AdamW
from model.run import Run
from model.schedules.no_training import Never
from model.schedules.sequential import Sequential
from model.schedules.single_task import Alone
from model.task_forward import TaskForward
from model.train import Epoch, train
from tests.model import small

RECIPE = dataclasses.replace(small.RECIPE, optimizer=AdamW(rate=1e-3, weight_decay=0.1))
ALONE = dataclasses.replace(RECIPE, branches=RECIPE.branches[:1], schedule=Alone())


@pytest.mark.parametrize("dropout", [True, False])
def test_a_frozen_encoder_does_not_move_and_the_heads_do(dropout: bool) -> None:
    recipe = dataclasses.replace(RECIPE, trainable="heads", encoder_dropout_when_frozen=dropout)
    before, after = small.weights(small.network(recipe)), small.weights(small.trained(small.run(recipe)))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if name.startswith("heads.")}


def test_a_frozen_encoder_has_dropout_only_if_the_recipe_says_so() -> None:
    for dropout in (True, False):
        recipe = dataclasses.replace(ALONE, trainable="heads", encoder_dropout_when_frozen=dropout)
        network, batch = small.network(recipe).eval().train(), small.batch("sst", ALONE)
        pooled = [network.encode(batch.tokens, network.embed(batch.tokens)).pooled for _ in range(2)]
        assert torch.equal(*pooled) == (not dropout)
        assert network.dropout.training and network.encoder.training == dropout


def test_when_everything_is_trained_every_parameter_moves() -> None:
    run = small.run(dataclasses.replace(RECIPE, optimizer=AdamW(rate=1e-2)))
    before = small.weights(run.network)
    after = small.weights(small.trained(run))
    assert [name for name in before if torch.equal(before[name], after[name])] == []


def test_an_update_leaves_the_heads_of_other_tasks_as_they_are() -> None:
    sst_first = dataclasses.replace(RECIPE, schedule=Sequential())  # three updates each, with weight decay and momentum
    after_sst, after_quora = (small.trained(small.run(sst_first), updates) for updates in (3, 6))
    assert small.same(small.weights(after_sst.heads["sst"]), small.weights(after_quora.heads["sst"]))
    assert not small.same(small.weights(after_sst.heads["quora"]), small.weights(after_quora.heads["quora"]))


def test_an_update_is_adamws_on_the_sum_of_the_weighted_losses() -> None:
    branches = (RECIPE.branches[0], *(dataclasses.replace(branch, weight=0.25) for branch in RECIPE.branches[1:]))
    run = small.run(dataclasses.replace(RECIPE, branches=branches))
    trained = small.weights(small.trained(run, updates=1))
    by_hand = small.network(run.recipe)
    batches = [table.batch(Order(table, run.recipe.batch, run.seed, 0).next()) for table in run.train.values()]
    losses = {batch.task: TaskForward(by_hand, batch, run.seed, 0).loss for batch in batches}
    (losses["sst"] + 0.25 * losses["quora"] + 0.25 * losses["sts"]).backward()
    torch.optim.AdamW(by_hand.parameters(), lr=1e-3, weight_decay=0.1, eps=1e-6, foreach=False, fused=False).step()
    expected = small.weights(by_hand)
    # Adam's first step has the size of the rate whatever the gradient's, so that rounding shows where a gradient is 0
    differences = torch.cat([(trained[name] - expected[name]).abs().flatten() for name in trained])
    assert (differences > 1e-6).float().mean() < 1e-3
    assert not small.same(trained, small.weights(small.network(run.recipe)))


def test_accumulated_and_summed_losses_have_the_same_gradients_up_to_rounding() -> None:
    network, summed = small.network(), small.network()
    tasks = ("sst", "quora", "sts")
    lazily = ((task, TaskForward(network, small.batch(task), 0, 0).loss) for task in tasks)
    assert Sum().backward(Step(tasks), lazily, network.shared(), 0) == {}
    torch.stack([TaskForward(summed, small.batch(task), 0, 0).loss for task in tasks]).sum().backward()
    for a, b in zip(network.parameters(), summed.parameters(), strict=True):
        assert a.grad is not None and b.grad is not None
        assert torch.allclose(a.grad, b.grad, atol=1e-6, rtol=1e-5)


def test_training_learns() -> None:
    """Twenty epochs on twelve items bring every loss down."""
    plain = dataclasses.replace(RECIPE, epochs=20, dropout=0.0, optimizer=AdamW(rate=3e-3))
    epochs = [event for event in train(small.run(plain, scored=())) if isinstance(event, Epoch)]
    for task in ("sst", "quora", "sts"):
        assert epochs[-1].signals[f"loss/{task}"] < 0.9 * epochs[0].signals[f"loss/{task}"]


def test_a_run_that_trains_nothing_can_be_built() -> None:
    run: Run = small.run(dataclasses.replace(ALONE, schedule=Never(), epochs=1))
    before = small.weights(run.network)
    (epoch,) = train(run)
    assert isinstance(epoch, Epoch) and epoch.number == 1
    assert small.same(before, small.weights(run.network))
