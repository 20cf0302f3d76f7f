"""PCGrad against its definition, the check values of the literature, TorchJD, and the widespread package's faults."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model.batching import Order
from model.combiners.pcgrad import PcGrad, PcGradAtEpochEnd, gram, signals, surgery
from model.combiners.total import Total
from model.forward import TaskForward
from model.network import Network
from model.recipe import AdamW
from model.schedules.alone import Alone
from model.schedules.never import Never
from model.schedules.sequential import Sequential
from model.seams import Combiner, Step
from model.streams import key
from model.training import Loop, Run, Tick, train
from tests.model import small

SHARED = [2, 3, 5]  # sizes of the parameters in the toy problems
TASKS = ("sst", "quora", "sts")


def definition(vectors: np.ndarray, orders: Sequence[Sequence[int]], itself: bool = False) -> np.ndarray:
    """Algorithm 1 word by word on vectors [tasks, numbers]: every g_i'."""
    projected = vectors.copy()
    for i, order in enumerate(orders):
        for j in order:
            along = projected[i] @ vectors[j]
            if along < 0 and (itself or i != j):
                projected[i] -= along / (vectors[j] @ vectors[j]) * vectors[j]
    return projected


def at_degrees(*angles: float) -> np.ndarray:
    return np.array([[math.cos(math.radians(angle)), math.sin(math.radians(angle))] for angle in angles])


def random_orders(tasks: int, random: np.random.Generator) -> list[list[int]]:
    return [random.permutation(tasks).tolist() for _ in range(tasks)]


def linear_losses(vectors: Tensor, shared: list[nn.Parameter]) -> Iterator[tuple[str, Tensor]]:
    """Losses whose gradients on the shared parameters are the rows of ``vectors``."""
    for number, row in enumerate(vectors):
        parts = row.split([parameter.numel() for parameter in shared])
        yield f"t{number}", sum((p * part).sum() for p, part in zip(shared, parts, strict=True))


def forwards(network: Network, tasks: Sequence[str] = TASKS, step: int = 0) -> Iterator[tuple[str, Tensor]]:
    for task in tasks:
        yield task, TaskForward(network, small.batch(task), 0, step).loss


def gradients(network: Network, combiner: Combiner, tasks: Sequence[str] = TASKS, seed: int = 0) -> dict:
    network.zero_grad(set_to_none=True)
    combiner.backward(Step(tuple(tasks)), forwards(network, tasks), network.shared(), seed)
    return {name: parameter.grad for name, parameter in network.named_parameters()}


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
        found = surgery(vectors @ vectors.T, orders) @ vectors
        largest = max(largest, np.abs(found - definition(vectors, orders)).max())
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
    told = signals(TASKS, vectors @ vectors.T)
    expected = {"cosine/sst-quora": 0.5, "cosine/sst-sts": -0.5, "cosine/quora-sts": 0.5, "conflict": 1 / 3}
    assert told == pytest.approx(expected, abs=1e-12)


def test_a_zero_gradient_has_no_cosine_and_one_task_no_signals() -> None:
    assert signals(("sst", "sts"), np.diag([1.0, 0.0])) == {"conflict": 0.0}
    assert signals(("sst",), np.ones((1, 1))) == {}


def test_signals_of_a_network_are_those_of_its_gradients() -> None:
    network = small.network()
    told = PcGrad().backward(Step(TASKS), forwards(network), network.shared(), 0)
    flat = {task: as_vector(network, task) for task in TASKS}
    for a, b in itertools.combinations(TASKS, 2):
        assert told[f"cosine/{a}-{b}"] == pytest.approx(
            torch.cosine_similarity(flat[a], flat[b], dim=0).item(), abs=1e-6
        )
    assert told["conflict"] == sum(flat[a] @ flat[b] < 0 for a, b in itertools.combinations(TASKS, 2)) / 3


# --- on a network -----------------------------------------------------------------------------------------------------


def as_vector(network: Network, task: str) -> Tensor:
    """One task's gradient on the shared parameters, float64, computed on its own."""
    ((_, loss),) = forwards(network, [task])
    parts = torch.autograd.grad(loss, network.shared(), allow_unused=True)
    whole = [torch.zeros_like(p) if g is None else g for p, g in zip(network.shared(), parts, strict=True)]
    return torch.cat([part.flatten() for part in whole]).double()


@pytest.mark.parametrize("seed", range(5))
def test_shared_gradient_is_the_sum_of_projected_task_gradients(seed: int) -> None:
    network = small.network()
    vectors = torch.stack([as_vector(network, task) for task in TASKS]).numpy()
    vectors[1] *= -1  # make sure that something conflicts
    network.zero_grad()
    losses = ((task, -loss if task == "quora" else loss) for task, loss in forwards(network))
    PcGrad().backward(Step(TASKS), losses, network.shared(), seed)
    found = torch.cat([p.grad.flatten() for p in network.shared() if p.grad is not None]).numpy()
    reached = [
        definition(vectors, orders).sum(axis=0)
        for orders in itertools.product([[1, 2], [2, 1]], [[0, 2], [2, 0]], [[0, 1], [1, 0]])
    ]
    assert min(np.abs(found - vector).max() for vector in reached) < 1e-6
    assert np.abs(found - vectors.sum(axis=0)).max() > 1e-3  # surgery did something


def test_heads_keep_their_plain_gradients_to_the_last_bit() -> None:
    network = small.network()
    plain, projected = gradients(network, Total()), gradients(network, PcGrad())
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

    assert small.same(grads(PcGrad()), grads(Total()))


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
    told = gradients(network, PcGrad())
    assert all((grad is None) == name.startswith("encoder.") for name, grad in told.items())


# --- references -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_equals_torchjd_in_every_order(kind: torch.dtype, tolerance: float) -> None:
    aggregation = pytest.importorskip("torchjd.aggregation")
    largest = 0.0
    for seed in range(200):
        tasks = 2 + seed % 3
        jacobian = small.draws(tasks, 7, name=f"jacobian {seed}").to(kind)
        torch.manual_seed(seed)
        orders = [torch.randperm(tasks).tolist() for _ in range(tasks)]  # what TorchJD is about to draw
        torch.manual_seed(seed)
        expected = aggregation.PCGrad()(jacobian)
        weights = surgery(gram([[row] for row in jacobian]), orders).sum(axis=0)
        largest = max(largest, (torch.from_numpy(weights).to(kind) @ jacobian - expected).abs().max().item())
    assert largest < tolerance


def test_equals_torchjd_on_a_whole_network(monkeypatch: pytest.MonkeyPatch) -> None:
    aggregation, autojac = pytest.importorskip("torchjd.aggregation"), pytest.importorskip("torchjd.autojac")
    network = small.network()
    orders = [[2, 0, 1], [0, 2, 1], [1, 0, 2]]
    turn = iter(orders)
    monkeypatch.setattr("model.combiners.pcgrad.permutation", lambda size, seed, name, i: np.array(orders[i]))
    found = gradients(network, PcGrad())
    network.zero_grad(set_to_none=True)
    shared = [parameter for name, parameter in network.named_parameters() if name.startswith("encoder.")]
    autojac.backward([loss for _, loss in forwards(network)], inputs=shared)
    monkeypatch.setattr(torch, "randperm", lambda size: torch.tensor(next(turn)))
    autojac.jac_to_grad(shared, aggregation.PCGrad())
    expected = {name: p.grad for name, p in network.named_parameters() if name.startswith("encoder.")}
    assert max((found[name] - grad).abs().max().item() for name, grad in expected.items()) < 1e-6


# What Pytorch-PCGrad (github.com/WeiChengTseng/Pytorch-PCGrad, e987ac6) computes, run once and written down.
PACKAGE = {
    "no conflict, mean": [0.5, 0.5],
    "no conflict, sum": [0.5, 0.5],
    "with heads, shared": [0.0545454621, 0.5454545617],
    "with heads, first head": [2.4000000954],
    "with heads, second head": [3.2727272511],
    "with heads, unused": [0.0],
    "0, 150, 210 degrees": [-0.0721687824, 0.030502120],
}


def operated(vectors: Tensor) -> Tensor:
    shared = [nn.Parameter(torch.zeros(vectors.shape[1]))]
    PcGrad().backward(Step(()), linear_losses(vectors, shared), shared, 0)
    assert shared[0].grad is not None
    return shared[0].grad


def test_the_package_takes_the_mean_even_when_asked_for_the_sum() -> None:
    assert operated(torch.eye(2)).tolist() == [1.0, 1.0]
    assert PACKAGE["no conflict, sum"] == PACKAGE["no conflict, mean"] == [0.5, 0.5]


def test_the_package_draws_heads_into_the_norms_and_surgery_into_the_heads() -> None:
    shared, first, second, unused = (nn.Parameter(torch.zeros(size)) for size in (2, 1, 1, 1))
    losses = [
        ("a", shared @ torch.tensor([1.0, 0.0]) + 2 * first.sum()),
        ("b", shared @ torch.tensor([-1.0, 1.0]) + 3 * second.sum()),
    ]
    PcGrad().backward(Step(("a", "b")), losses, [shared, unused], 0)
    assert shared.grad is not None and first.grad is not None and second.grad is not None
    assert shared.grad.tolist() == pytest.approx([0.5, 1.5])  # (1, 0) + (-1, 1) / 2 and (-1, 1) + (1, 0)
    assert (first.grad.item(), second.grad.item(), unused.grad) == (2.0, 3.0, None)
    norms = 5.0, 11.0  # 1 + 2^2 and 2 + 3^2, where the shared parts alone give 1 and 2
    wrong = np.array([1.0, 0, 2, 0]) * (1 + 1 / norms[0]) + np.array([-1.0, 1, 0, 3]) * (1 + 1 / norms[1])
    assert PACKAGE["with heads, shared"] == pytest.approx((wrong[:2] / 2).tolist(), abs=1e-7)
    assert PACKAGE["with heads, first head"] == pytest.approx([wrong[2]])
    assert PACKAGE["with heads, second head"] == pytest.approx([wrong[3]])
    assert PACKAGE["with heads, unused"] == [0.0]  # so that AdamW decays a parameter that no task used


def test_the_package_projects_a_gradient_off_itself() -> None:
    vectors, package = at_degrees(0, 150, 210), 3 * np.array(PACKAGE["0, 150, 210 degrees"])  # its mean undone
    orders = list(itertools.product(itertools.permutations(range(3)), repeat=3))
    right = [definition(vectors, order).sum(axis=0) for order in orders]
    wrong = [definition(vectors, order, itself=True).sum(axis=0) for order in orders]
    assert min(np.abs(total - package).max() for total in wrong) < 1e-6
    assert min(np.abs(total - package).max() for total in right) > 0.01


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


END = dataclasses.replace(small.RECIPE, schedule=Sequential(), combiner=PcGradAtEpochEnd(), epochs=1)


def test_the_epochs_last_update_serves_the_trained_tasks_on_their_last_batch() -> None:
    steps = list(PcGradAtEpochEnd().steps(iter([Step(("sts",)), Step(("sst",))]), ("sst", "sts")))
    assert steps == [Step(("sts",)), Step(("sst",)), Step(("sst", "sts"), batches="last", optimizer=1)]


def test_an_epoch_that_trains_nothing_gets_no_further_update() -> None:
    assert list(PcGradAtEpochEnd().steps(iter(()), ("sst",))) == []
    assert not [e for e in train(small.run(dataclasses.replace(END, schedule=Never()))) if isinstance(e, Tick)]


def test_ordinary_updates_of_the_epoch_end_form_are_plain_ones_to_the_last_bit() -> None:
    plain = small.trained(small.run(dataclasses.replace(END, combiner=Total())))
    before_the_end = small.trained(small.run(END), updates=9)
    assert small.same(small.weights(plain), small.weights(before_the_end))
    assert not small.same(small.weights(plain), small.weights(small.trained(small.run(END))))


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

    def remember(self: Loop, given: Run) -> None:
        original(self, given)
        seen.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loop, "__init__", remember)
        list(train(run))
    steps = [{int(state["step"]) for state in optimizer.state.values()} for optimizer in seen[0].optimizers]
    assert steps[1] == {2}
    assert max(steps[0]) == 18
