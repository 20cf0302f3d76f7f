"""What leaves a training as it is, to the last bit: a technique in its identity case, and what others do."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from model.combiners.pcgrad import PcGrad
from model.heads.mlp import Intermediate
from model.interfaces import Forward, Schedule, Step
from model.recipe import AdamW, Branch, Recipe
from model.schedules.round_robin import RoundRobin
from model.schedules.sequential import Sequential
from model.schedules.single_task import Alone
from model.schedules.weakest_last import WeakestLast
from model.train import Epoch, train
from model.trainer import Loop
from tests.model import small

RECIPE = dataclasses.replace(small.RECIPE, optimizer=AdamW(rate=1e-3, weight_decay=0.1))
ALONE = dataclasses.replace(RECIPE, branches=RECIPE.branches[:1], schedule=Alone())


def results(recipe: Recipe, seed: int = 0, task: str = "sst") -> tuple[list[list[float]], dict[str, Tensor]]:
    """The dev answers of one task after every epoch, and the final weights of the encoder and its head."""
    run = small.run(recipe, seed)
    answers = [e.scores["dev", task].answers.tolist() for e in train(run) if isinstance(e, Epoch)]
    weights = small.weights(run.network)
    return answers, {name: w for name, w in weights.items() if name.startswith(("encoder.", f"heads.{task}."))}


def equal(a: Recipe, b: Recipe, task: str = "sst") -> bool:
    """Whether both trainings come to the same answers and weights of a task, to the last bit."""
    (answers, weights), (others, other_weights) = results(a, task=task), results(b, task=task)
    return answers == others and small.same(weights, other_weights)


def with_branch(recipe: Recipe, branch: Branch) -> Recipe:
    return dataclasses.replace(
        recipe, branches=tuple(branch if branch.key == old.key else old for old in recipe.branches)
    )


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
    assert equal(recipe, dataclasses.replace(recipe, regularizers=(small.Nosy(weight=0.0),)))
    assert not equal(recipe, dataclasses.replace(recipe, regularizers=(small.Nosy(weight=0.1),)))


def test_a_regularizer_of_other_tasks_changes_nothing() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Elsewhere(small.Nosy):
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
    run = small.run(RECIPE, scored=())
    assert small.same(small.weights(small.trained(run)), small.weights(small.trained(small.run(RECIPE))))


def test_how_many_rows_are_scored_at_once_changes_no_training_and_hardly_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers, weights = [], []
    for tokens in (30, 5000):
        monkeypatch.setattr("model.run.Run.scoring_tokens", tokens)
        run = small.run(RECIPE)
        answers.append([e.scores["dev", "sts"].answers for e in train(run) if isinstance(e, Epoch)][-1])
        weights.append(small.weights(run.network))
    assert small.same(*weights)
    assert np.abs(answers[0] - answers[1]).max() < 1e-5


def served(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[int]]]:
    """The items of each task's batches in the order of training."""
    seen: dict[str, list[list[int]]] = {}
    original = Loop.batch

    def watched(self: Loop, task: str, step: Step) -> np.ndarray:
        items = original(self, task, step)
        seen.setdefault(task, []).append(items.tolist())
        return items

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
