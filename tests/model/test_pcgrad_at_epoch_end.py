"""bertram's form of PCGrad: ordinary updates, and one of surgery at the end of each epoch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from model.batching import Order
from model.combiners.pcgrad import PcGrad, PcGradAtEpochEnd
from model.combiners.sum import Sum
from model.interfaces import Step
from model.recipe import AdamW
from model.rng import key
from model.run import Run
from model.schedules.no_training import Never
from model.schedules.sequential import Sequential
from model.train import Tick, train
from model.trainer import Loop
from tests.model import small
from tests.model.gradients import (
    TASKS,
)

END = dataclasses.replace(small.RECIPE, schedule=Sequential(), combiner=PcGradAtEpochEnd(), epochs=1)


def test_the_epochs_last_update_serves_the_trained_tasks_on_their_last_batch() -> None:
    steps = list(PcGradAtEpochEnd().steps(iter([Step(("sts",)), Step(("sst",))]), ("sst", "sts")))
    assert steps == [Step(("sts",)), Step(("sst",)), Step(("sst", "sts"), batches="last", optimizer=1)]


def test_an_epoch_that_trains_nothing_gets_no_further_update() -> None:
    assert list(PcGradAtEpochEnd().steps(iter(()), ("sst",))) == []
    assert not [e for e in train(small.run(dataclasses.replace(END, schedule=Never()))) if isinstance(e, Tick)]


def test_ordinary_updates_of_the_epoch_end_form_are_plain_ones_to_the_last_bit() -> None:
    plain = small.trained(small.run(dataclasses.replace(END, combiner=Sum())))
    before_the_end = small.trained(small.run(END), updates=9)
    assert small.same(small.weights(plain), small.weights(before_the_end))
    assert not small.same(small.weights(plain), small.weights(small.trained(small.run(END))))


def test_the_last_update_sees_the_items_of_each_tasks_last_batch_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, list[int]]] = []
    original = Loop.batch

    def watched(self: Loop, task: str, step: Step) -> np.ndarray:
        items = original(self, task, step)
        seen.append((task, items.tolist()))
        return items

    monkeypatch.setattr(Loop, "batch", watched)
    list(train(small.run(END)))
    assert len(seen) == 9 + 3
    assert seen[9:] == [seen[2], seen[5], seen[8]]


def at_the_end_of_epoch_0(run: Run, task: str) -> Order:
    order = Order(run.train[task], run.recipe.batch, run.seed, 0)
    for _ in range(3):
        order.next()
    return order


def test_the_last_update_is_a_fresh_adams_step_on_recomputed_surgery() -> None:
    run = small.run(END)
    network = small.trained(run, updates=9)
    loop, last = Loop(run), Step(TASKS, batches="last")
    loop.orders, loop.step = {task: at_the_end_of_epoch_0(run, task) for task in TASKS}, 9
    network.zero_grad(set_to_none=True)
    PcGrad().backward(last, loop.losses(last), network.shared(), key(run.seed, "combiner", 9))
    torch.optim.AdamW(network.parameters(), lr=1e-3, eps=1e-6, weight_decay=0.0, fused=True).step()
    assert small.same(small.weights(small.trained(small.run(END))), small.weights(network))


def test_each_optimizer_counts_its_own_updates() -> None:
    run = small.run(dataclasses.replace(END, epochs=2, optimizer=AdamW(rate=1e-4)))
    seen: list[Loop] = []
    original = Loop.__init__

    def remember(self: Loop, loop_run: Run) -> None:
        original(self, loop_run)
        seen.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loop, "__init__", remember)
        list(train(run))
    steps = [{int(state["step"]) for state in optimizer.state.values()} for optimizer in seen[0].optimizers]
    assert steps[1] == {2}
    assert max(steps[0]) == 18
