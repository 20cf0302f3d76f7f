"""Heads from features to numbers: layers, sizes, initial weights, and heads that do not read the sentence."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.declaration import SettingError
from model.heads.constant import AlwaysAnswer, RandomAnswer
from model.heads.identity import Direct
from model.heads.linear import Linear
from model.heads.mlp import Intermediate
from model.interfaces import Encoded, Head
from model.metrics import pearson
from model.pairing.separate import Cosine
from model.recipe import Recipe
from model.task import STS, Task
from tests.model import small

FEATURES = small.draws(7, 6)
ENCODED = Encoded(pooled=FEATURES, mask=torch.ones(7, 1))


def build(head: Head, width: int = 6, outputs: int = 5, dropout: float = 0.3) -> nn.Module:
    return head.build(width=width, outputs=outputs, dropout=dropout, hidden=8, depth=3)


def answer(head: Head, module: nn.Module, features: Tensor = FEATURES) -> Tensor:
    return head.predict(module, features, ENCODED)


@pytest.mark.parametrize("head", [Linear(), Intermediate(), Intermediate(layers=4), AlwaysAnswer(), RandomAnswer()])
@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_the_prediction_has_a_row_an_item_and_a_column_an_output(head: Head, outputs: int) -> None:
    assert answer(head, build(head, outputs=outputs)).shape == (7, outputs)


def test_linear_is_w_x_plus_b_with_torchs_initial_bounds() -> None:
    module = build(Linear(), width=6)
    assert torch.allclose(answer(Linear(), module), FEATURES @ module.weight.T + module.bias, atol=1e-6)
    assert all(parameter.abs().max() <= 1 / math.sqrt(6) for parameter in module.parameters())


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_intermediate_layers_are_linear_gelu_dropout_and_then_linear(layers: int) -> None:
    module = build(Intermediate(layers=layers)).eval()
    linear = [part for part in module if isinstance(part, nn.Linear)]
    assert [(part.in_features, part.out_features) for part in linear] == [(6, 8), *[(8, 8)] * (layers - 1), (8, 5)]
    assert [part.p for part in module if isinstance(part, nn.Dropout)] == [0.3] * layers
    x = FEATURES
    for part in linear[:-1]:
        x = functional.gelu(x @ part.weight.T + part.bias)
    assert torch.allclose(answer(Intermediate(), module), x @ linear[-1].weight.T + linear[-1].bias, atol=1e-6)


def test_intermediate_layers_widen_a_feature_of_one_number_to_the_encoders_width() -> None:
    assert build(Intermediate(), width=1)[0].out_features == 8


def test_dropout_works_in_training_and_not_in_scoring() -> None:
    module = build(Intermediate())
    assert not torch.equal(module(FEATURES), module(FEATURES))
    assert torch.equal(module.eval()(FEATURES), module(FEATURES))


@pytest.mark.parametrize("layers", [0, -1])
def test_no_intermediate_layer_is_refused(layers: int) -> None:
    with pytest.raises(SettingError, match=r"intermediate\.layers is .*; it must be at least 1"):
        Intermediate(layers=layers)


def test_direct_gives_the_feature_itself_and_has_no_parameters() -> None:
    module = build(Direct(), width=1, outputs=1)
    assert answer(Direct(), module, FEATURES[:, :1]) is not None
    assert torch.equal(answer(Direct(), module, FEATURES[:, :1]), FEATURES[:, :1])
    assert not list(module.parameters())


def test_direct_refuses_a_feature_of_another_width() -> None:
    with pytest.raises(SettingError, match="needs 5 feature"):
        build(Direct(), width=1, outputs=5)


def test_a_direct_cosine_branch_predicts_the_cosine() -> None:
    branch = dataclasses.replace(small.SIMILARITY, pairing=Cosine(), head=Direct())
    recipe = dataclasses.replace(small.only("sts"), branches=(branch,))
    network, batch = small.network(recipe).eval(), small.batch("sts", recipe)
    u, v = network.encode(batch.tokens, network.embed(batch.tokens)).pooled.chunk(2)
    assert torch.allclose(network("sts", batch.tokens)[:, 0], torch.cosine_similarity(u, v), atol=1e-6)


@pytest.mark.parametrize("task", [small.SENTIMENT.task, small.PARAPHRASE.task])
def test_always_answers_its_label(task: Task) -> None:
    branch = next(branch for branch in small.RECIPE.branches if branch.task == task)
    for label in range(task.classes):
        head = AlwaysAnswer(label=label)
        module = build(head, outputs=branch.objective.outputs(task))
        assert branch.objective.answers(answer(head, module), task).tolist() == [label] * 7


@pytest.mark.parametrize(("label", "outputs"), [(5, 5), (2, 1)])
def test_a_label_that_the_task_does_not_have_is_refused(label: int, outputs: int) -> None:
    with pytest.raises(SettingError, match=rf"always\.label is {label}; it must be below"):
        build(AlwaysAnswer(label=label), outputs=outputs)


def test_a_negative_label_is_refused() -> None:
    with pytest.raises(SettingError, match=r"always\.label is -1; it must be 0 or more"):
        AlwaysAnswer(label=-1)


def test_a_random_answer_has_a_pearson_r_near_0() -> None:
    head, module = RandomAnswer(), build(RandomAnswer(), outputs=1)
    many, goal = torch.zeros(4000, 6), small.draws(4000).numpy()
    torch.manual_seed(0)
    answers = head.predict(module, many, ENCODED)[:, 0]
    assert answers.min() >= -1 and answers.max() < 1
    assert abs(pearson(answers.numpy(), goal)) < 4 / math.sqrt(4000)  # four standard errors


def test_random_answers_repeat_with_the_seed_and_differ_between_seeds() -> None:
    branch = dataclasses.replace(small.SIMILARITY, head=RandomAnswer())
    recipe = dataclasses.replace(small.only("sts"), branches=(branch,), epochs=0)

    def answers(seed: int) -> list[float]:
        (epoch,) = small.train(small.run(recipe, seed))
        return epoch.scores["dev", "sts"].answers.tolist()

    assert answers(1) == answers(1) != answers(2)


@pytest.mark.parametrize("head", [Linear(), Intermediate(layers=3)])
def test_initial_weights_depend_on_the_seed_and_the_names_alone(head: Head) -> None:
    def weights(seed: int, recipe: Recipe) -> dict[str, Tensor]:
        torch.manual_seed(seed + 17)  # no global stream interferes
        return small.weights(small.network(recipe, seed).heads["sts"])

    branch = dataclasses.replace(small.SIMILARITY, head=head)
    assert branch.task == STS
    alone = dataclasses.replace(small.only("sts"), branches=(branch,))
    among = dataclasses.replace(small.RECIPE, branches=(*small.RECIPE.branches[:2], branch))
    assert small.same(weights(0, alone), weights(0, among))
    assert not small.same(weights(0, alone), weights(1, alone))
