"""PCGrad beside TorchJD, which is right, and beside a widespread package, which is not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model.combiners.pcgrad import PcGrad, gram, surgery
from model.interfaces import Step
from tests.model import small
from tests.model.gradients import (
    at_degrees,
    definition,
    forwards,
    gradients,
    linear_losses,
)


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
    ours = gradients(network, PcGrad())
    network.zero_grad(set_to_none=True)
    shared = [parameter for name, parameter in network.named_parameters() if name.startswith("encoder.")]
    autojac.backward([loss for _, loss in forwards(network)], inputs=shared)
    monkeypatch.setattr(torch, "randperm", lambda size: torch.tensor(next(turn)))
    autojac.jac_to_grad(shared, aggregation.PCGrad())
    expected = {name: p.grad for name, p in network.named_parameters() if name.startswith("encoder.")}
    assert max((ours[name] - grad).abs().max().item() for name, grad in expected.items()) < 1e-6


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
