"""PCGrad: check values, properties, and what it does to the gradients of a network."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model.combiners.pcgrad import PcGrad, gram, signals, surgery
from model.combiners.sum import Sum
from model.interfaces import Combiner, Step
from model.schedules.sequential import Sequential
from model.schedules.single_task import Alone
from model.train import train
from tests.model import small
from tests.model.gradients import (
    TASKS,
    as_vector,
    at_degrees,
    definition,
    forwards,
    gradients,
    linear_losses,
    random_orders,
)

# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("angles", "order", "expected"),
    [
        ((0, 150, 210), (1, 2), (-0.125, 0.2165063509)),
        ((0, 150, 210), (2, 1), (-0.125, -0.2165063509)),
        ((0, 90, 90), (1, 2), (1.0, 0.0)),  # right angles do not conflict
        ((0, 180, 90), (1, 2), (0.0, 0.0)),  # opposite: nothing is left
        ((0, 135, 0), (1, 2), (0.5, 0.5)),
    ],
)
def test_check_values_of_task_0(
    angles: tuple[float, ...], order: tuple[int, int], expected: tuple[float, float]
) -> None:
    vectors = at_degrees(*angles)
    weights = surgery(vectors @ vectors.T, [order, (0, 1, 2), (0, 1, 2)])
    assert weights[0] @ vectors == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("tasks", [2, 3, 4])
def test_weights_reproduce_the_algorithm_on_vectors(tasks: int) -> None:
    random, largest = np.random.default_rng(0), 0.0
    for _ in range(200):
        vectors, orders = random.standard_normal((tasks, 6)), random_orders(tasks, random)
        projected = surgery(vectors @ vectors.T, orders) @ vectors
        largest = max(largest, np.abs(projected - definition(vectors, orders)).max())
    assert largest < 1e-13


def test_two_tasks_never_hurt_each_other_afterwards() -> None:
    random = np.random.default_rng(1)
    for vectors in random.standard_normal((100, 2, 4)):
        update = surgery(vectors @ vectors.T, [[1], [0]]).sum(axis=0) @ vectors
        assert (vectors @ update >= -1e-12).all()


def test_the_last_visited_task_is_not_opposed() -> None:
    random = np.random.default_rng(2)
    for vectors in random.standard_normal((100, 3, 4)):
        orders = random_orders(3, random)
        projected = surgery(vectors @ vectors.T, orders) @ vectors
        for i, order in enumerate(orders):
            assert projected[i] @ vectors[[j for j in order if j != i][-1]] >= -1e-12


def test_other_tasks_lengths_do_not_matter() -> None:
    vectors, orders = np.random.default_rng(3).standard_normal((3, 4)), [[1, 2], [0, 2], [0, 1]]
    longer = vectors * np.array([[1.0], [7.0], [0.01]])
    expected = (surgery(vectors @ vectors.T, orders) @ vectors)[0]
    assert (surgery(longer @ longer.T, orders) @ longer)[0] == pytest.approx(expected, abs=1e-12)


def test_a_zero_gradient_and_an_underflowing_one_are_left_out() -> None:
    assert surgery(np.array([[1.0, 0.0], [0.0, 0.0]]), [[1], [0]]).tolist() == np.eye(2).tolist()
    assert surgery(np.array([[1.0, -1e-30], [-1e-30, 0.0]]), [[1], [0]])[0].tolist() == [1.0, 0.0]


def test_order_changes_the_result_in_most_random_cases_of_three_tasks() -> None:
    random, differing = np.random.default_rng(4), 0
    for vectors in random.standard_normal((1000, 3, 1000)):
        dots = vectors @ vectors.T
        pairs = itertools.product([[1, 2], [2, 1]], [[0, 2], [2, 0]], [[0, 1], [1, 0]])
        sums = np.array([surgery(dots, orders).sum(axis=0) for orders in pairs])
        differing += bool(np.ptp(sums, axis=0).max() > 1e-9)
    assert 0.4 < differing / 1000 < 0.6  # a half: three of three pairs conflict, or two of them


def test_dots_are_summed_in_double_precision() -> None:
    first = [torch.tensor([1e4]), torch.tensor([1.0]), torch.tensor([1e4])]
    second = [torch.tensor([1e4]), torch.tensor([-1.0]), torch.tensor([-1e4])]
    assert gram([first, second])[0, 1] == -1.0  # 1e8 - 1 - 1e8, which is 0 in float32


def test_dots_pass_over_parameters_that_one_task_does_not_use() -> None:
    ones = torch.ones(3)
    assert gram([[ones, None, ones], [None, ones, -ones], [None, None, None]]).tolist() == [
        [6.0, -3.0, 0.0],
        [-3.0, 6.0, 0.0],
        [0.0, 0.0, 0.0],
    ]


# --- signals ----------------------------------------------------------------------------------------------------------


def test_signals_are_cosines_and_the_share_of_conflicting_pairs() -> None:
    vectors = at_degrees(0, 60, 120) * np.array([[1.0], [2.0], [3.0]])
    figures = signals(TASKS, vectors @ vectors.T)
    expected = {"cosine/sst-quora": 0.5, "cosine/sst-sts": -0.5, "cosine/quora-sts": 0.5, "conflict": 1 / 3}
    assert figures == pytest.approx(expected, abs=1e-12)


def test_a_zero_gradient_has_no_cosine_and_one_task_no_signals() -> None:
    assert signals(("sst", "sts"), np.diag([1.0, 0.0])) == {"conflict": 0.0}
    assert signals(("sst",), np.ones((1, 1))) == {}


def test_signals_of_a_network_are_those_of_its_gradients() -> None:
    network = small.network()
    figures = PcGrad().backward(Step(TASKS), forwards(network), network.shared(), 0)
    flat = {task: as_vector(network, task) for task in TASKS}
    for a, b in itertools.combinations(TASKS, 2):
        assert figures[f"cosine/{a}-{b}"] == pytest.approx(
            torch.cosine_similarity(flat[a], flat[b], dim=0).item(), abs=1e-6
        )
    assert figures["conflict"] == sum(flat[a] @ flat[b] < 0 for a, b in itertools.combinations(TASKS, 2)) / 3


# --- on a network -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_shared_gradient_is_the_sum_of_projected_task_gradients(seed: int) -> None:
    network = small.network()
    vectors = torch.stack([as_vector(network, task) for task in TASKS]).numpy()
    vectors[1] *= -1  # make sure that something conflicts
    network.zero_grad()
    losses = ((task, -loss if task == "quora" else loss) for task, loss in forwards(network))
    PcGrad().backward(Step(TASKS), losses, network.shared(), seed)
    reached_vector = torch.cat([p.grad.flatten() for p in network.shared() if p.grad is not None]).numpy()
    reached = [
        definition(vectors, orders).sum(axis=0)
        for orders in itertools.product([[1, 2], [2, 1]], [[0, 2], [2, 0]], [[0, 1], [1, 0]])
    ]
    assert min(np.abs(reached_vector - vector).max() for vector in reached) < 1e-6
    assert np.abs(reached_vector - vectors.sum(axis=0)).max() > 1e-3  # surgery did something


def test_heads_keep_their_plain_gradients_to_the_last_bit() -> None:
    network = small.network()
    plain, projected = gradients(network, Sum()), gradients(network, PcGrad())
    heads = [name for name in plain if name.startswith("heads.")]
    assert len(heads) == 6
    assert all(torch.equal(plain[name], projected[name]) for name in heads)


def test_a_parameter_that_no_task_touched_keeps_no_gradient_and_its_value() -> None:
    network = small.network()
    network.encoder.spare = nn.Parameter(torch.ones(3))  # type: ignore[assignment]
    assert any(parameter is network.encoder.spare for parameter in network.shared())
    assert gradients(network, PcGrad())["encoder.spare"] is None
    torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.5).step()
    assert network.encoder.spare.tolist() == [1.0, 1.0, 1.0]


def test_a_parameter_of_one_task_gets_that_tasks_weighted_gradient() -> None:
    both, alone = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))
    losses = [("a", both @ torch.tensor([1.0, 0.0])), ("b", both @ torch.tensor([-1.0, 1.0]) + 4 * alone.sum())]
    PcGrad().backward(Step(("a", "b")), losses, [both, alone], 0)
    # a.b = -1, |a|^2 = 1, |b|^2 = 2 + 16: a' = a + b/18, b' = b + a
    assert both.grad is not None and alone.grad is not None
    assert both.grad.tolist() == pytest.approx([2 - 19 / 18, 19 / 18])
    assert alone.grad.tolist() == pytest.approx([4 * 19 / 18])


def test_without_a_conflict_the_gradients_are_the_plain_ones_to_the_last_bit() -> None:
    twins = ("sst", "sst", "sst")  # three copies of one task point the same way

    def grads(combiner: Combiner) -> dict:
        network = small.network()
        losses = ((f"{number}", loss) for number, (_, loss) in enumerate(forwards(network, twins)))
        combiner.backward(Step(twins), losses, network.shared(), 0)
        return {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}

    assert small.same(grads(PcGrad()), grads(Sum()))


def test_one_graph_lives_at_a_time() -> None:
    shared, done = [nn.Parameter(torch.ones(2))], []

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: Tensor, number: int) -> Tensor:
            return x.sum()

        @staticmethod
        def backward(ctx: object, grad: Tensor) -> tuple[Tensor, None]:
            done.append(len(done))
            return grad.expand(2), None

    def losses() -> Iterator[tuple[str, Tensor]]:
        for number in range(3):
            assert len(done) == number  # earlier tasks are through before this graph is built
            yield f"t{number}", Watched.apply(shared[0], number)

    PcGrad().backward(Step(("t0", "t1", "t2")), losses(), shared, 0)
    assert done == [0, 1, 2]


def test_the_order_has_its_own_stream() -> None:
    vectors = torch.tensor(at_degrees(0, 150, 210), dtype=torch.float32)

    def update(seed: int) -> tuple[float, ...]:
        torch.manual_seed(7)
        shared = [nn.Parameter(torch.zeros(2))]
        PcGrad().backward(Step(()), linear_losses(vectors, shared), shared, seed)
        assert torch.initial_seed() == 7 and shared[0].grad is not None
        return tuple(round(number, 5) + 0.0 for number in shared[0].grad.tolist())

    by_seed = [update(seed) for seed in range(64)]
    assert by_seed == [update(seed) for seed in range(64)]
    possible = {
        tuple((definition(vectors.double().numpy(), orders).sum(axis=0).round(5) + 0.0).tolist())
        for orders in itertools.product([[1, 2], [2, 1]], [[0, 2], [2, 0]], [[0, 1], [1, 0]])
    }
    assert len(set(by_seed)) == len(possible) == 8


def test_a_frozen_encoder_leaves_nothing_to_operate_on() -> None:
    network = small.network(dataclasses.replace(small.RECIPE, trainable="heads"))
    assert network.shared() == []
    result = gradients(network, PcGrad())
    assert all((grad is None) == name.startswith("encoder.") for name, grad in result.items())


# --- in training ------------------------------------------------------------------------------------------------------


def test_with_one_task_an_update_the_training_is_the_plain_one_to_the_last_bit() -> None:
    one_each = dataclasses.replace(small.RECIPE, schedule=Sequential())
    for recipe in (one_each, dataclasses.replace(small.only("sst"), schedule=Alone())):
        plain = small.trained(small.run(recipe))
        projected = small.trained(small.run(dataclasses.replace(recipe, combiner=PcGrad())))
        assert small.same(small.weights(plain), small.weights(projected))
        assert not small.same(small.weights(plain), small.weights(small.network(recipe)))


def test_with_several_tasks_an_update_the_signals_reach_the_epoch() -> None:
    *_, epoch = train(small.run(dataclasses.replace(small.RECIPE, combiner=PcGrad())))
    assert {"conflict", "cosine/sst-quora", "cosine/sst-sts", "cosine/quora-sts"} <= epoch.signals.keys()
