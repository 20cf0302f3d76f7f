"""Losses against torch's own and closed forms, answers in the task's range, and the traps that some of them hold."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.interfaces import Objective
from model.objectives.bce import Bce, BceWithLogits
from model.objectives.cosine import CosineEmbedding, CosineRegression
from model.objectives.cross_entropy import BatchSoftmax, CrossEntropy
from model.objectives.mse import Mse
from model.task import CFIMDB, QUORA, SST, STS, Task
from tests.model import small

SCORES = torch.tensor([0.0, 1.2, 2.5, 3.7, 5.0, 2.4])
LABELS = torch.tensor([0, 1, 1, 0, 1, 0])
U, V = small.draws(6, 8, name="u"), small.draws(6, 8, name="v")
COSINES = torch.cosine_similarity(U, V)[:, None]
LOGITS = small.draws(6, 1, name="logits") * 3
SINGLE = [Bce(), BceWithLogits(), BceWithLogits(reduction="sum"), Mse(), Mse(target="unit"), CosineEmbedding()]


def agree(value: Tensor, expected: Tensor, within: float = 1e-6) -> None:
    assert value.shape == expected.shape == ()
    assert (value - expected).abs().item() <= within


def test_cross_entropy_is_torchs() -> None:
    logits, labels = small.draws(6, 5), torch.tensor([0, 4, 2, 2, 1, 3])
    agree(CrossEntropy().loss(logits, labels, SST), nn.CrossEntropyLoss()(logits, labels), 0)


def test_cross_entropy_of_equal_logits_is_the_log_of_the_number_of_classes() -> None:
    agree(CrossEntropy().loss(torch.zeros(3, 5), torch.tensor([0, 1, 4]), SST), torch.tensor(math.log(5)))


def test_cross_entropy_rounds_a_score_to_its_nearest_class_and_halves_to_even() -> None:
    logits = small.draws(6, 6)
    expected = functional.cross_entropy(logits, torch.tensor([0, 1, 2, 4, 5, 2]))
    agree(CrossEntropy().loss(logits, SCORES, STS), expected, 0)


def test_cross_entropy_answers_the_likeliest_class_and_the_expected_score() -> None:
    assert CrossEntropy().answers(torch.tensor([[0.0, 2, 1, 0, 0]]), SST).tolist() == [1]
    certain = torch.full((6, 6), -100.0).fill_diagonal_(100.0)
    assert CrossEntropy().answers(certain, STS).tolist() == [0, 1, 2, 3, 4, 5]
    assert CrossEntropy().answers(torch.zeros(1, 6), STS).item() == pytest.approx(2.5)


@pytest.mark.parametrize("task", [QUORA, CFIMDB, STS])
def test_bce_is_torchs_on_a_sigmoid(task: Task) -> None:
    labels, goal = (LABELS, LABELS.float()) if task.classes else (SCORES, SCORES / 5)
    agree(Bce().loss(LOGITS, labels, task), nn.BCELoss()(LOGITS[:, 0].sigmoid(), goal))
    agree(BceWithLogits().loss(LOGITS, labels, task), nn.BCEWithLogitsLoss()(LOGITS[:, 0], goal))


@pytest.mark.parametrize(("logit", "label"), [(0.0, 1), (2.0, 1), (2.0, 0), (-3.0, 1)])
def test_bce_closed_form(logit: float, label: int) -> None:
    probability = 1 / (1 + math.exp(-logit))
    expected = torch.tensor(-math.log(probability if label else 1 - probability))
    for objective in (Bce(), BceWithLogits()):
        agree(objective.loss(torch.tensor([[logit]]), torch.tensor([label]), QUORA), expected)


def test_summed_bce_multiplies_value_and_gradient_by_the_batch_size() -> None:
    logits = LOGITS.clone().requires_grad_()
    mean, total = (BceWithLogits(reduction=kind).loss(logits, LABELS, QUORA) for kind in ("mean", "sum"))
    agree(total, 6 * mean, 1e-5)
    (of_mean,), (of_sum,) = torch.autograd.grad(mean, logits), torch.autograd.grad(total, logits)
    assert torch.allclose(of_sum, 6 * of_mean)


def test_bce_on_a_sigmoid_stops_learning_where_the_sigmoid_saturates() -> None:
    logit, label = torch.tensor([[200.0]], requires_grad=True), torch.tensor([0])
    losses = [objective.loss(logit, label, QUORA) for objective in (Bce(), BceWithLogits())]
    assert [loss.item() for loss in losses] == [100.0, 200.0]  # torch clamps the logarithm
    assert [torch.autograd.grad(loss, logit)[0].item() for loss in losses] == [0.0, 1.0]


def test_mse_is_torchs_on_raw_and_scaled_scores() -> None:
    agree(Mse().loss(LOGITS, SCORES, STS), nn.MSELoss()(LOGITS[:, 0], SCORES), 0)
    agree(Mse(target="unit").loss(LOGITS, SCORES, STS), nn.MSELoss()(LOGITS[:, 0], SCORES / 5), 0)


@pytest.mark.parametrize("objective", [Mse(), Mse(target="unit"), Bce(), BceWithLogits(), CosineRegression()])
def test_no_broadcast_between_a_column_and_a_row(objective: Objective) -> None:
    prediction = LOGITS.clone().requires_grad_()
    (value,) = torch.autograd.grad(objective.loss(prediction, SCORES, STS), prediction)
    (lone,) = torch.autograd.grad(objective.loss(prediction[:1], SCORES[:1], STS), prediction)
    assert torch.allclose(value[0], lone[0] / 6, atol=1e-7)  # an item's gradient knows nothing of other labels


@pytest.mark.parametrize("margin", [0.0, 0.3])
@pytest.mark.parametrize("task", [QUORA, STS])
def test_cosine_embedding_is_torchs_on_mapped_targets(margin: float, task: Task) -> None:
    labels = LABELS if task.classes else SCORES
    target = torch.tensor([-1, 1, 1, -1, 1, -1] if task.classes else [-1, -1, 1, 1, 1, -1]).float()
    value = CosineEmbedding(margin=margin).loss(COSINES, labels, task)
    agree(value, nn.CosineEmbeddingLoss(margin=margin)(U, V, target))


def test_cosine_embedding_of_unmapped_scores_is_silently_zero_in_torch() -> None:
    unmapped = torch.tensor([0.0, 1.2, 2.5, 3.7, 5.0, 2.4])
    assert nn.CosineEmbeddingLoss()(U, V, unmapped).item() == 0.0
    assert CosineEmbedding().loss(COSINES, unmapped, STS).item() > 0.1


@pytest.mark.parametrize(("score", "similar"), [(0.0, False), (2.49, False), (2.5, True), (5.0, True)])
def test_cosine_embedding_maps_scores_at_its_threshold(score: float, similar: bool) -> None:
    value = CosineEmbedding().loss(torch.tensor([[0.25]]), torch.tensor([score]), STS)
    assert value.item() == (0.75 if similar else 0.25)


def test_cosine_regression_is_sentence_transformers_formula() -> None:
    # CosineSimilarityLoss: mean of (cos(u, v) - label)^2 with labels in 0..1
    similarity = (functional.normalize(U) * functional.normalize(V)).sum(dim=1)
    agree(CosineRegression().loss(COSINES, SCORES, STS), nn.MSELoss()(similarity, SCORES / 5))


def test_batch_softmax_is_what_cross_entropy_does_to_two_vectors() -> None:
    agree(BatchSoftmax().loss(LOGITS, SCORES, STS), functional.cross_entropy(LOGITS[:, 0], SCORES), 0)
    agree(BatchSoftmax().loss(LOGITS, SCORES, STS), -(SCORES * LOGITS[:, 0].log_softmax(dim=0)).sum(), 1e-5)


def test_batch_softmax_does_not_see_the_level_of_the_predictions() -> None:
    agree(BatchSoftmax().loss(LOGITS, SCORES, STS), BatchSoftmax().loss(LOGITS + 7, SCORES, STS), 1e-4)


@pytest.mark.parametrize(
    ("objective", "prediction", "score"),
    [
        (Mse(), 3.3, 3.3),
        (Mse(target="unit"), 0.66, 3.3),
        (Bce(), 0.0, 2.5),
        (BceWithLogits(), 100.0, 5.0),
        (CosineEmbedding(), -1.0, 0.0),
        (CosineEmbedding(), 0.0, 2.5),
        (CosineRegression(), 0.5, 2.5),
        (CosineRegression(), 1.0, 5.0),
        (BatchSoftmax(), 1.5, 1.5),
    ],
)
def test_score_answers(objective: Objective, prediction: float, score: float) -> None:
    assert objective.answers(torch.tensor([[prediction]]), STS).item() == pytest.approx(score)


@pytest.mark.parametrize("objective", [Bce(), BceWithLogits()])
def test_class_answers_split_at_a_logit_of_0(objective: Objective) -> None:
    assert objective.answers(torch.tensor([[-0.1], [0.0], [0.1]]), QUORA).tolist() == [0, 0, 1]


@pytest.mark.parametrize("objective", [CosineEmbedding(), CosineRegression()])
def test_class_answers_split_at_a_cosine_of_one_half(objective: Objective) -> None:
    assert objective.answers(torch.tensor([[-1.0], [0.5], [0.6]]), QUORA).tolist() == [0, 0, 1]


@pytest.mark.parametrize("objective", SINGLE)
def test_the_right_answer_is_where_the_loss_is_smallest(objective: Objective) -> None:
    """Class labels for those that take classes; raw scores for the others."""
    task = STS if isinstance(objective, Mse) else QUORA
    wanted = torch.tensor([4.0 if task is STS else 1])
    grid = torch.linspace(-1, 5, 61)[:, None] if task is STS else torch.linspace(-1, 1, 21)[:, None]
    losses = torch.stack([objective.loss(row[None], wanted, task) for row in grid])
    best = objective.answers(grid[losses.argmin()][None], task)
    assert best.item() == pytest.approx(wanted.item(), abs=1e-5)


@pytest.mark.parametrize("task", [SST, QUORA, STS, CFIMDB])
def test_a_head_for_cross_entropy_has_an_output_for_every_class(task: Task) -> None:
    assert CrossEntropy().outputs(task) == {"sst": 5, "quora": 2, "sts": 6, "cfimdb": 2}[task.name]


@pytest.mark.parametrize("objective", [*SINGLE, CosineRegression(), BatchSoftmax()])
def test_all_other_objectives_ask_for_one_number(objective: Objective) -> None:
    assert objective.outputs(STS) == 1


def test_other_ranges_than_0_to_5_are_scaled() -> None:
    task = dataclasses.replace(STS, name="other", low=1.0, high=3.0)
    goal = (torch.tensor([1.0, 2.0, 3.0]) - 1) / 2
    column = torch.tensor([[0.1], [0.2], [0.3]])
    agree(CosineRegression().loss(column, torch.tensor([1.0, 2.0, 3.0]), task), nn.MSELoss()(column[:, 0], goal))
    assert CosineRegression().answers(torch.tensor([[0.5]]), task).item() == 2.0
    assert CrossEntropy().outputs(task) == 3
    assert CrossEntropy().answers(torch.zeros(1, 3), task).item() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("objective", "divergence"),
    [
        (CrossEntropy(), "symmetric_kl"),
        (Bce(), "bernoulli_symmetric_kl"),
        (BceWithLogits(), "bernoulli_symmetric_kl"),
        (Mse(), "squared"),
        (CosineEmbedding(), "squared"),
        (CosineRegression(), "squared"),
    ],
)
def test_each_objective_names_a_divergence_that_its_output_can_have(objective: Objective, divergence: str) -> None:
    assert objective.divergence == divergence  # the KL of one logit would be 0 for ever
