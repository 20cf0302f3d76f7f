"""The loop: dropout, what it yields, and when it stops."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from model.combiners.pcgrad import PcGrad
from model.combiners.sum import Sum
from model.interfaces import Forward, History, Regularizer, Schedule, Sizes, Step
from model.recipe import AdamW
from model.schedules.no_training import Never
from model.schedules.single_task import Alone
from model.schedules.weakest_last import WeakestLast
from model.task_forward import TaskForward
from model.train import Epoch, Tick, train
from model.trainer import Loop, NonFinite
from tests.model import small

RECIPE = dataclasses.replace(small.RECIPE, optimizer=AdamW(rate=1e-3, weight_decay=0.1))
ALONE = dataclasses.replace(RECIPE, branches=RECIPE.branches[:1], schedule=Alone())


# --- dropout ----------------------------------------------------------------------------------------------------------


def test_dropout_is_on_in_training_differs_between_updates_and_repeats_with_the_seed() -> None:
    network, batch = small.network(), small.batch("sst")
    first, again, later, other = (
        TaskForward(network, batch, seed, step) for seed, step in ((0, 0), (0, 0), (0, 1), (1, 0))
    )
    off = first.again(dropout="off")
    assert torch.equal(first.logits, again.logits)
    assert not any(torch.equal(first.logits, x) for x in (later.logits, other.logits, off))
    assert torch.equal(first.again(), first.logits)
    assert not torch.equal(first.again(dropout="fresh"), first.logits)
    assert network.training


def test_tasks_have_dropout_masks_of_their_own() -> None:
    network, batch = small.network(), small.batch("sst")
    network.branches["twin"], network.heads["twin"] = network.branches["sst"], network.heads["sst"]
    twin = dataclasses.replace(batch, task="twin")
    assert not torch.equal(TaskForward(network, batch, 0, 0).logits, TaskForward(network, twin, 0, 0).logits)


def test_scoring_is_without_dropout_and_training_goes_on_with_it() -> None:
    run, modes = small.run(dataclasses.replace(ALONE, epochs=2)), []
    pooler = run.network.encoder.get_submodule("pooler")
    pooler.register_forward_hook(lambda module, args, output: modes.append(module.training))
    events = list(train(run))
    assert len([event for event in events if isinstance(event, Epoch)]) == 2
    assert modes == ([True] * 3 + [False] * 2) * 2  # three updates; train and dev


# --- what it yields ---------------------------------------------------------------------------------------------------


def test_a_tick_after_every_update_and_an_epoch_after_every_epoch() -> None:
    events = list(train(small.run(ALONE)))
    ticks = [event for event in events if isinstance(event, Tick)]
    assert [type(event) for event in events] == [Tick, Tick, Tick, Epoch] * 2
    assert [(tick.step, tick.epoch) for tick in ticks] == [(1, 0), (2, 0), (3, 0), (4, 1), (5, 1), (6, 1)]
    assert [tick.share for tick in ticks] == pytest.approx([1 / 3, 2 / 3, 1] * 2)


def test_an_epoch_holds_scores_signals_seconds_and_items() -> None:
    _, epoch = (event for event in train(small.run(RECIPE)) if isinstance(event, Epoch))
    assert epoch.number == 2
    assert set(epoch.scores) == {(split, task) for split in ("train", "dev") for task in ("sst", "quora", "sts")}
    assert set(epoch.signals) == {"loss/sst", "loss/quora", "loss/sts"}
    assert epoch.training_seconds > 0 and epoch.scoring_seconds > 0
    assert epoch.items == 3 * small.ROWS
    for (_, task), scored in epoch.scores.items():
        assert scored.task.name == task
        assert scored.answers.shape == (small.ROWS,)
        assert scored.metric is not None and -1 <= scored.metric <= 1


def test_answers_stand_in_the_order_of_the_items() -> None:
    run = small.run(ALONE)
    *_, epoch = train(run)
    network, table = run.network.eval(), run.score["dev", "sst"]
    one_by_one = [int(network("sst", table.batch(np.array([item])).tokens).argmax()) for item in range(len(table))]
    assert epoch.scores["dev", "sst"].answers.tolist() == one_by_one
    assert epoch.scores["dev", "sst"].metric == np.mean(np.array(one_by_one) == table.labels)


def test_signals_are_means_over_the_epochs_updates_and_start_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    original = Loop.note

    def watched(self: Loop, name: str, value: Tensor) -> None:
        seen.append(value.item())
        original(self, name, value)

    monkeypatch.setattr(Loop, "note", watched)
    epochs = [event for event in train(small.run(ALONE)) if isinstance(event, Epoch)]
    assert [epoch.signals["loss/sst"] for epoch in epochs] == pytest.approx([np.mean(seen[:3]), np.mean(seen[3:])])


def test_a_penalty_is_logged_by_its_name_and_task() -> None:
    recipe = dataclasses.replace(RECIPE, regularizers=(small.Nosy(),), epochs=1)
    *_, epoch = train(small.run(recipe))
    assert {f"nosy for tests/{task}" for task in ("sst", "quora", "sts")} <= set(epoch.signals)
    assert all(epoch.signals[name] > 0 for name in epoch.signals)


@pytest.mark.parametrize("rows", [0, small.ROWS])
def test_without_labels_there_is_no_metric_but_answers(rows: int) -> None:
    run = small.run(ALONE)
    blank = small.table(small.SENTIMENT, rows or 1)
    blank = dataclasses.replace(
        blank, labels=np.full(rows, -1), starts=blank.starts[: rows + 1], second=blank.second[:rows]
    )
    *_, epoch = train(dataclasses.replace(run, score={("test", "sst"): blank}))
    assert epoch.scores["test", "sst"].metric is None
    assert len(epoch.scores["test", "sst"].answers) == rows


@pytest.mark.parametrize("schedule", [Alone(), Never()])
def test_no_epochs_score_once_and_train_nothing(schedule: Schedule) -> None:
    run = small.run(dataclasses.replace(ALONE, epochs=0, schedule=schedule))
    before = small.weights(run.network)
    (epoch,) = train(run)
    assert isinstance(epoch, Epoch)
    assert (epoch.number, epoch.items, dict(epoch.signals)) == (0, 0, {})
    assert set(epoch.scores) == {("train", "sst"), ("dev", "sst")}
    assert small.same(before, small.weights(run.network))


def test_a_caller_may_stop_after_any_update() -> None:
    events = train(small.run(ALONE))
    first = next(events)
    assert isinstance(first, Tick) and (first.step, first.epoch, first.share) == (1, 0, 1 / 3)
    events.close()  # type: ignore[attr-defined]
    assert next(events, None) is None


def test_a_schedule_sees_the_training_scores_of_the_epoch_before(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[int, dict[str, float]] = {}
    original = WeakestLast.epoch

    def watched(self: WeakestLast, number: int, sizes: Sizes, history: History) -> Iterator[Step]:
        seen[number] = dict(history.train)
        return original(self, number, sizes, history)

    monkeypatch.setattr(WeakestLast, "epoch", watched)
    run = small.run(dataclasses.replace(RECIPE, schedule=WeakestLast()))
    labels = np.full(small.ROWS, 9)  # a class that is never answered: a score of 0, which is a score
    score = {**run.score, ("train", "sst"): dataclasses.replace(run.score["train", "sst"], labels=labels)}
    epochs = [event for event in train(dataclasses.replace(run, score=score)) if isinstance(event, Epoch)]
    assert seen == {0: {}, 1: {task: epochs[0].scores["train", task].metric for task in ("sst", "quora", "sts")}}
    assert seen[1]["sst"] == 0.0


# --- when a loss is not finite ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("combiner", [Sum(), PcGrad()])
def test_a_loss_that_is_not_finite_stops_with_its_task_and_update(value: float, combiner: Sum | PcGrad) -> None:
    run = small.run(dataclasses.replace(RECIPE, combiner=combiner))
    events = train(run)
    next(events)
    with torch.no_grad():
        run.network.heads["sts"].bias.fill_(value)
    with pytest.raises(NonFinite, match=rf"the loss of sts is {value} at update 2"):
        next(events)


def test_a_penalty_that_is_not_finite_stops_too() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Broken(Regularizer):
        slug: ClassVar[str] = "broken for tests"

        def penalty(self, forward: Forward) -> Tensor:
            return forward.loss * math.nan

    with pytest.raises(NonFinite, match="the loss of sst is nan at update 1"):
        list(train(small.run(dataclasses.replace(ALONE, regularizers=(Broken(),)))))
