"""PCGrad: project each task's gradient off the ones it conflicts with.

g_i' = g_i; for each other task j in random order: if g_i' . g_j < 0 then g_i' -= (g_i' . g_j / |g_j|^2) g_j, always
with the original g_j. The update is the sum of all g_i' (Yu et al. 2020, https://arxiv.org/abs/2001.06782, algorithm
1).

Each g_i' is a weighted sum of the original gradients, so the weights follow from their T x T dot products alone.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from model.combiners.sum import Sum
from model.interfaces import Combiner, Step
from model.lazy_torch import torch
from model.precision import products
from model.rng import permutation

if TYPE_CHECKING:
    from torch import Tensor, nn

    Gradients = list[Tensor | None]  # one a parameter; None where the task does not use it

PIECE = 1 << 18  # numbers


def take_gradients(loss: Tensor, shared: list[nn.Parameter]) -> Gradients:
    """One task's gradients on the shared parameters, taken away from ``.grad`` (None again afterwards). Its head's
    gradients stay where backward puts them."""
    loss.backward()
    gradients = [parameter.grad for parameter in shared]
    for parameter in shared:
        parameter.grad = None
    return gradients


def by_task(losses: Iterable[tuple[str, Tensor]], shared: list[nn.Parameter]) -> dict[str, Gradients]:
    """Each task's gradients on the shared parameters, added up over the parts of its batch."""
    totals: dict[str, Gradients] = {}
    for task, loss in losses:
        gradients = take_gradients(loss, shared)
        totals[task] = add_gradients(totals[task], gradients) if task in totals else gradients
    return totals


def add_gradients(ones: Gradients, others: Gradients) -> Gradients:
    """The sums, in the storage of the first where that can hold them."""
    return [
        other if one is None else one if other is None else other.add_(one) if one.is_sparse else one.add_(other)
        for one, other in zip(ones, others, strict=True)
    ]


def align(gradients: Sequence[Gradients]) -> tuple[list[Gradients], dict[int, Tensor]]:
    """The same gradients, dense: of a parameter whose gradients are all sparse only the rows that some task has, and
    these rows by the parameter's place. A sparse gradient beside a dense one is spread."""
    whole = [list(task) for task in gradients]
    rows: dict[int, Tensor] = {}
    for place, parts in enumerate(zip(*gradients, strict=True)):
        present = [part for part in parts if part is not None]
        if not any(part.is_sparse for part in present):
            continue
        if all(part.is_sparse for part in present):
            present = [part.coalesce() for part in present]
            rows[place] = torch.cat([part.indices()[0] for part in present]).unique()
            present = [on_rows(part, rows[place]) for part in present]
        else:
            present = spread(present)
        for task, part in zip((task for task in whole if task[place] is not None), present, strict=True):
            task[place] = part
    return whole, rows


def spread(gradients: Sequence[Tensor | None]) -> Gradients:
    """The same gradients, dense."""
    return [part.to_dense() if part is not None and part.is_sparse else part for part in gradients]


def on_rows(gradient: Tensor, rows: Tensor) -> Tensor:
    """The rows [rows, width] of a coalesced sparse gradient that has no others."""
    values = gradient.values()
    return values.new_zeros(len(rows), values.shape[1]).index_copy(
        0, torch.searchsorted(rows, gradient.indices()[0]), values
    )


def gram(gradients: Sequence[Gradients]) -> np.ndarray:
    """Dot products of the tasks' gradients, float64 [tasks, tasks]: float32 within a piece of a parameter, summed in
    float64 because large ones cancel."""
    table = np.zeros((len(gradients), len(gradients)))
    pairs = list(itertools.combinations_with_replacement(range(len(gradients)), 2))
    dots: dict[tuple[int, int], list[Tensor]] = {pair: [] for pair in pairs}
    with products("fp32"):
        for parts in zip(*gradients, strict=True):  # one parameter, all tasks
            pieces = [None if part is None else cut(part) for part in parts]
            for i, j in pairs:
                if (a := pieces[i]) is not None and (b := pieces[j]) is not None:
                    dots[i, j] += map(torch.dot, a, b)
    for (i, j), terms in dots.items():
        if terms:
            table[i, j] = table[j, i] = torch.stack(terms).double().sum().item()
    return table


def cut(gradient: Tensor) -> tuple[Tensor, ...]:
    """The gradient as flat pieces that stay in a CPU's cache from one dot product to the next; whole on a GPU."""
    flat = gradient.reshape(-1)
    return (flat,) if flat.is_cuda else flat.split(PIECE)


def surgery(dots: np.ndarray, orders: Sequence[Sequence[int]]) -> np.ndarray:
    """Weights w [tasks, tasks] with g_i' = sum over j of w[i, j] g_j. ``orders[i]`` is the order in which task i
    visits the tasks; itself is passed over."""
    weights = np.eye(len(dots))
    for i, order in enumerate(orders):
        for j in order:
            along = float(weights[i] @ dots[:, j])  # g_i' . g_j
            if j != i and along < 0 and dots[j, j] > 0:
                weights[i, j] -= along / dots[j, j]
    return weights


def write_sum(
    gradients: Sequence[Gradients], weights: Iterable[float], shared: list[nn.Parameter], rows: Mapping[int, Tensor]
) -> None:
    """``.grad`` = sum over tasks of weight x gradient, in the storage of the first; None where no task has one. It is
    sparse where the gradients are of some ``rows``."""
    sums: list[Tensor | None] = [None] * len(shared)
    for task, weight in zip(gradients, weights, strict=True):
        first: list[Tensor] = []
        totals: list[Tensor] = []
        more: list[Tensor] = []
        for place, gradient in enumerate(task):
            if gradient is not None and (total := sums[place]) is not None:
                totals.append(total)
                more.append(gradient)
            elif gradient is not None:
                first.append(gradient)
                sums[place] = gradient
        if weight != 1.0 and first:
            torch._foreach_mul_(first, weight)
        if totals:
            torch._foreach_add_(totals, more, alpha=weight)
    for place, (parameter, total) in enumerate(zip(shared, sums, strict=True)):
        if total is not None and place in rows:
            total = torch.sparse_coo_tensor(
                rows[place][None], total, parameter.shape, is_coalesced=True, check_invariants=False
            )
        parameter.grad = total


def signals(names: Sequence[str], dots: np.ndarray) -> dict[str, float]:
    """``cosine/a-b`` for each pair of tasks whose gradients are not zero, and ``conflict``, the share of all pairs with
    a negative dot product. Nothing where there is one task."""
    pairs = list(itertools.combinations(range(len(names)), 2))
    norms = np.sqrt(dots.diagonal())
    cosines = {
        f"cosine/{names[i]}-{names[j]}": float(dots[i, j] / (norms[i] * norms[j]))
        for i, j in pairs
        if norms[i] > 0 and norms[j] > 0
    }
    return cosines | ({"conflict": sum(bool(dots[i, j] < 0) for i, j in pairs) / len(pairs)} if pairs else {})


@dataclasses.dataclass(frozen=True, kw_only=True)
class PcGrad(Combiner):
    """Gradient surgery at every update, on one global vector over the shared parameters. Heads keep their plain
    gradients. The order has its own stream, because it changes the result."""

    slug: ClassVar[str] = "pcgrad"

    def backward(
        self, step: Step, losses: Iterable[tuple[str, Tensor]], shared: list[nn.Parameter], seed: int
    ) -> dict[str, float]:
        totals = by_task(losses, shared)
        size = len(totals)
        gradients, rows = align(list(totals.values()))
        dots = gram(gradients)
        weights = surgery(dots, [permutation(size, seed, "pcgrad", i).tolist() for i in range(size)])
        write_sum(gradients, weights.sum(axis=0).tolist(), shared, rows)
        return signals(list(totals), dots)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PcGradAtEpochEnd(Combiner):
    """bertram's form: ordinary updates, then once an epoch a second Adam steps on the surgery of each task's last
    batch. The losses are recomputed at the current weights and with fresh dropout masks: the graphs that the paper
    retains are stale by then, and torch refuses to go back through them."""

    slug: ClassVar[str] = "pcgrad_at_epoch_end"
    optimizers: ClassVar[int] = 2

    def steps(self, steps: Iterator[Step], tasks: tuple[str, ...]) -> Iterator[Step]:
        served: set[str] = set()
        for step in steps:
            served.update(step.tasks)
            yield step
        if served:
            yield Step(tuple(task for task in tasks if task in served), batches="last", optimizer=1)

    def backward(
        self, step: Step, losses: Iterable[tuple[str, Tensor]], shared: list[nn.Parameter], seed: int
    ) -> dict[str, float]:
        return (PcGrad() if step.optimizer == 1 else Sum()).backward(step, losses, shared, seed)
