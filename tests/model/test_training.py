"""The loop: what leaves a training unchanged to the last bit, what it yields, and when it stops."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from model.batching import Order
from model.combiners.pcgrad import PcGrad
from model.combiners.total import Total
from model.forward import TaskForward
from model.heads.intermediate import Intermediate
from model.recipe import AdamW, Branch, Recipe
from model.schedules.alone import Alone
from model.schedules.never import Never
from model.schedules.round_robin import RoundRobin
from model.schedules.sequential import Sequential
from model.schedules.weakest_last import WeakestLast
from model.seams import Batch, Forward, History, Regularizer, Schedule, Sizes, Step
from model.training import Epoch, Loop, NonFinite, Run, Tick, train
from tests.model import small

RECIPE = dataclasses.replace(small.RECIPE, optimizer=AdamW(rate=1e-3, weight_decay=0.1))
ALONE = dataclasses.replace(RECIPE, branches=RECIPE.branches[:1], schedule=Alone())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Nosy(Regularizer):
    """Runs everything that a regularizer may ask for."""

    slug: ClassVar[str] = "nosy for tests"

    def penalty(self, forward: Forward) -> Tensor:
        torch.manual_seed(forward.seed("nosy"))
        moved = forward.embedded("word") + 0.1 * torch.randn_like(forward.embedded("word"))
        others = [
            forward.again(inputs=moved),
            forward.again(dropout="fresh", draw=3),
            forward.again(dropout="off"),
            forward.again(mask=torch.ones_like(forward.batch.tokens.mask)),
        ]
        return torch.stack([(forward.prediction - other).square().mean() for other in others]).sum()


def results(recipe: Recipe, seed: int = 0, task: str = "sst") -> tuple[list[list[float]], dict[str, Tensor]]:
    """The dev answers of one task after every epoch, and the final weights of the encoder and its head."""
    given = small.run(recipe, seed)
    answers = [e.scores["dev", task].answers.tolist() for e in train(given) if isinstance(e, Epoch)]
    weights = small.weights(given.network)
    return answers, {name: w for name, w in weights.items() if name.startswith(("encoder.", f"heads.{task}."))}


def equal(a: Recipe, b: Recipe, task: str = "sst") -> bool:
    """Whether both trainings come to the same answers and weights of a task, to the last bit."""
    (answers, weights), (others, other_weights) = results(a, task=task), results(b, task=task)
    return answers == others and small.same(weights, other_weights)


def with_branch(recipe: Recipe, branch: Branch) -> Recipe:
    return dataclasses.replace(
        recipe, branches=tuple(branch if branch.key == old.key else old for old in recipe.branches)
    )


# --- to the last bit --------------------------------------------------------------------------------------------------


def test_the_same_seed_repeats_and_others_differ() -> None:
    assert equal(RECIPE, RECIPE)
    first, second = results(RECIPE, 0)[1], results(RECIPE, 1)[1]
    assert not any(torch.equal(first[name], second[name]) for name in first if name.endswith(".weight"))


def test_global_streams_do_not_matter() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    first = results(RECIPE)
    torch.manual_seed(2)
    np.random.seed(2)
    torch.rand(7)
    second = results(RECIPE)
    assert first[0] == second[0] and small.same(first[1], second[1])


@pytest.mark.parametrize("schedule", [Alone(), Sequential(), RoundRobin(until="largest"), WeakestLast()])
def test_pcgrad_with_one_task_an_update_is_the_plain_sum(schedule: Schedule) -> None:
    plain = dataclasses.replace(RECIPE, schedule=schedule)
    assert equal(plain, dataclasses.replace(plain, combiner=PcGrad()))


def test_pcgrad_with_several_tasks_an_update_is_not() -> None:
    assert not equal(RECIPE, dataclasses.replace(RECIPE, combiner=PcGrad()))


@pytest.mark.parametrize("recipe", [ALONE, RECIPE])
def test_a_regularizer_of_weight_0_changes_nothing(recipe: Recipe) -> None:
    assert equal(recipe, dataclasses.replace(recipe, regularizers=(Nosy(weight=0.0),)))
    assert not equal(recipe, dataclasses.replace(recipe, regularizers=(Nosy(weight=0.1),)))


def test_a_regularizer_of_other_tasks_changes_nothing() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Elsewhere(Nosy):
        def penalty(self, forward: Forward) -> Tensor | None:  # type: ignore[override]
            return super().penalty(forward) if self.applies(forward.task.name) else None

    assert equal(ALONE, dataclasses.replace(ALONE, regularizers=(Elsewhere(tasks=("quora",)),)))
    assert not equal(ALONE, dataclasses.replace(ALONE, regularizers=(Elsewhere(tasks=("sst",)),)))


def test_a_branch_weight_of_1_changes_nothing_and_another_does() -> None:
    def weighted(weight: float) -> Recipe:
        return with_branch(RECIPE, dataclasses.replace(RECIPE.branches[0], weight=weight))

    assert equal(RECIPE, weighted(1))
    assert not equal(RECIPE, weighted(0.5))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    "extra", [small.PARAPHRASE, dataclasses.replace(small.SIMILARITY, head=Intermediate(layers=3))]
)
def test_a_branch_that_is_not_trained_shifts_nothing(extra: Branch, first: bool) -> None:
    branches = (extra, *ALONE.branches) if first else (*ALONE.branches, extra)
    assert equal(ALONE, dataclasses.replace(ALONE, branches=branches))


def test_a_branch_that_is_not_trained_keeps_its_initial_weights() -> None:
    recipe = dataclasses.replace(ALONE, branches=RECIPE.branches)
    trained, fresh = small.trained(small.run(recipe)), small.network(recipe)
    assert small.same(small.weights(trained.heads["sts"]), small.weights(fresh.heads["sts"]))
    assert not small.same(small.weights(trained.heads["sst"]), small.weights(fresh.heads["sst"]))


def test_what_is_scored_changes_no_training() -> None:
    given = small.run(RECIPE, scored=())
    assert small.same(small.weights(small.trained(given)), small.weights(small.trained(small.run(RECIPE))))


def test_how_many_rows_are_scored_at_once_changes_no_training_and_hardly_an_answer() -> None:
    runs = [dataclasses.replace(small.run(RECIPE), scoring_rows=rows) for rows in (3, 64)]
    answers = [[e.scores["dev", "sts"].answers for e in train(given) if isinstance(e, Epoch)][-1] for given in runs]
    assert small.same(*(small.weights(given.network) for given in runs))
    assert np.abs(answers[0] - answers[1]).max() < 1e-5


def served(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[int]]]:
    """The items of each task's batches in the order of training."""
    seen: dict[str, list[list[int]]] = {}
    original = Loop.batch

    def watched(self: Loop, task: str, step: Step) -> Batch:
        batch = original(self, task, step)
        seen.setdefault(task, []).append(batch.items.tolist())
        return batch

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "batch", watched)
        list(train(small.run(recipe)))
    return seen


@pytest.mark.parametrize(
    "schedule", [Sequential(), Sequential(order=("sts", "sst")), RoundRobin(order=("quora", "sst"))]
)
def test_a_tasks_batches_do_not_depend_on_other_tasks(schedule: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = served(ALONE, monkeypatch)["sst"]
    assert served(dataclasses.replace(RECIPE, schedule=schedule), monkeypatch)["sst"] == alone
    items = [item for batch in alone[:3] for item in batch]
    assert sorted(items) == list(range(small.ROWS)) != items
    assert alone[:3] != alone[3:]  # another epoch, another order


# --- dropout ----------------------------------------------------------------------------------------------------------


def test_dropout_is_on_in_training_differs_between_updates_and_repeats_with_the_seed() -> None:
    network, batch = small.network(), small.batch("sst")
    first, again, later, other = (
        TaskForward(network, batch, seed, step) for seed, step in ((0, 0), (0, 0), (0, 1), (1, 0))
    )
    off = first.again(dropout="off")
    assert torch.equal(first.prediction, again.prediction)
    assert not any(torch.equal(first.prediction, x) for x in (later.prediction, other.prediction, off))
    assert torch.equal(first.again(), first.prediction)
    assert not torch.equal(first.again(dropout="fresh"), first.prediction)
    assert network.training


def test_tasks_have_dropout_masks_of_their_own() -> None:
    network, batch = small.network(), small.batch("sst")
    network.branches["twin"], network.heads["twin"] = network.branches["sst"], network.heads["sst"]
    twin = dataclasses.replace(batch, task="twin")
    assert not torch.equal(TaskForward(network, batch, 0, 0).prediction, TaskForward(network, twin, 0, 0).prediction)


def test_scoring_is_without_dropout_and_training_goes_on_with_it() -> None:
    given, modes = small.run(dataclasses.replace(ALONE, epochs=2)), []
    given.network.encoder.register_forward_hook(lambda module, args, output: modes.append(module.training))
    events = list(train(given))
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
    given = small.run(ALONE)
    *_, epoch = train(given)
    network, table = given.network.eval(), given.score["dev", "sst"]
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
    recipe = dataclasses.replace(RECIPE, regularizers=(Nosy(),), epochs=1)
    *_, epoch = train(small.run(recipe))
    assert {f"nosy for tests/{task}" for task in ("sst", "quora", "sts")} <= set(epoch.signals)
    assert all(epoch.signals[name] > 0 for name in epoch.signals)


@pytest.mark.parametrize("rows", [0, small.ROWS])
def test_without_labels_there_is_no_metric_but_answers(rows: int) -> None:
    given = small.run(ALONE)
    blank = small.table(small.SENTIMENT, rows or 1)
    blank = dataclasses.replace(
        blank, labels=np.full(rows, -1), starts=blank.starts[: rows + 1], second=blank.second[:rows]
    )
    *_, epoch = train(dataclasses.replace(given, score={("test", "sst"): blank}))
    assert epoch.scores["test", "sst"].metric is None
    assert len(epoch.scores["test", "sst"].answers) == rows


@pytest.mark.parametrize("schedule", [Alone(), Never()])
def test_no_epochs_score_once_and_train_nothing(schedule: Schedule) -> None:
    given = small.run(dataclasses.replace(ALONE, epochs=0, schedule=schedule))
    before = small.weights(given.network)
    (epoch,) = train(given)
    assert isinstance(epoch, Epoch)
    assert (epoch.number, epoch.items, dict(epoch.signals)) == (0, 0, {})
    assert set(epoch.scores) == {("train", "sst"), ("dev", "sst")}
    assert small.same(before, small.weights(given.network))


def test_a_caller_may_stop_after_any_update() -> None:
    events = train(small.run(ALONE))
    assert next(events) == Tick(1, 0, 1 / 3)
    events.close()  # type: ignore[attr-defined]
    assert next(events, None) is None


def test_a_schedule_sees_the_training_scores_of_the_epoch_before(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, float]] = []
    original = WeakestLast.epoch

    def watched(self: WeakestLast, number: int, sizes: Sizes, history: History) -> Iterator[Step]:
        seen.append(dict(history.train))
        return original(self, number, sizes, history)

    monkeypatch.setattr(WeakestLast, "epoch", watched)
    given = small.run(dataclasses.replace(RECIPE, schedule=WeakestLast()))
    labels = np.full(small.ROWS, 9)  # a class that is never answered: a score of 0, which is a score
    score = {**given.score, ("train", "sst"): dataclasses.replace(given.score["train", "sst"], labels=labels)}
    epochs = [event for event in train(dataclasses.replace(given, score=score)) if isinstance(event, Epoch)]
    assert seen == [{}, {task: epochs[0].scores["train", task].metric for task in ("sst", "quora", "sts")}]
    assert seen[1]["sst"] == 0.0


# --- when a loss is not finite ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("combiner", [Total(), PcGrad()])
def test_a_loss_that_is_not_finite_stops_with_its_task_and_update(value: float, combiner: Total | PcGrad) -> None:
    given = small.run(dataclasses.replace(RECIPE, combiner=combiner))
    events = train(given)
    next(events)
    with torch.no_grad():
        given.network.heads["sts"].bias.fill_(value)
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


# --- what is trained --------------------------------------------------------------------------------------------------


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
    assert equal(
        dataclasses.replace(ALONE, trainable="heads"),
        dataclasses.replace(ALONE, trainable="heads", encoder_dropout_when_frozen=True),
    )


def test_when_everything_is_trained_every_parameter_moves() -> None:
    given = small.run(dataclasses.replace(RECIPE, optimizer=AdamW(rate=1e-2)))
    before = small.weights(given.network)
    after = small.weights(small.trained(given))
    assert [name for name in before if torch.equal(before[name], after[name])] == []


def test_an_update_is_adamws_on_the_sum_of_the_weighted_losses() -> None:
    branches = (RECIPE.branches[0], *(dataclasses.replace(branch, weight=0.25) for branch in RECIPE.branches[1:]))
    given = small.run(dataclasses.replace(RECIPE, branches=branches))
    found = small.weights(small.trained(given, updates=1))
    by_hand = small.network(given.recipe)
    batches = [table.batch(Order(table, given.recipe.batch, given.seed, 0).next()) for table in given.train.values()]
    losses = {batch.task: TaskForward(by_hand, batch, given.seed, 0).loss for batch in batches}
    (losses["sst"] + 0.25 * losses["quora"] + 0.25 * losses["sts"]).backward()
    torch.optim.AdamW(by_hand.parameters(), lr=1e-3, weight_decay=0.1, eps=1e-6, foreach=False, fused=False).step()
    expected = small.weights(by_hand)
    # Adam's first step has the size of the rate whatever the gradient's, so that rounding shows where a gradient is 0
    differences = torch.cat([(found[name] - expected[name]).abs().flatten() for name in found])
    assert (differences > 1e-6).float().mean() < 1e-3
    assert not small.same(found, small.weights(small.network(given.recipe)))


def test_accumulated_and_summed_losses_have_the_same_gradients_up_to_rounding() -> None:
    network, summed = small.network(), small.network()
    tasks = ("sst", "quora", "sts")
    lazily = ((task, TaskForward(network, small.batch(task), 0, 0).loss) for task in tasks)
    assert Total().backward(Step(tasks), lazily, network.shared(), 0) == {}
    torch.stack([TaskForward(summed, small.batch(task), 0, 0).loss for task in tasks]).sum().backward()
    for a, b in zip(network.parameters(), summed.parameters(), strict=True):
        assert a.grad is not None and b.grad is not None
        assert torch.allclose(a.grad, b.grad, atol=1e-6, rtol=1e-5)


def test_training_learns() -> None:
    """Ten epochs on twelve items bring every loss down."""
    plain = dataclasses.replace(RECIPE, epochs=10, dropout=0.0, optimizer=AdamW(rate=3e-3))
    epochs = [event for event in train(small.run(plain, scored=())) if isinstance(event, Epoch)]
    for task in ("sst", "quora", "sts"):
        assert epochs[-1].signals[f"loss/{task}"] < 0.9 * epochs[0].signals[f"loss/{task}"]


def test_a_run_that_trains_nothing_can_be_built() -> None:
    given: Run = small.run(dataclasses.replace(ALONE, schedule=Never(), epochs=1))
    before = small.weights(given.network)
    (epoch,) = train(given)
    assert isinstance(epoch, Epoch) and epoch.number == 1
    assert small.same(before, small.weights(given.network))
