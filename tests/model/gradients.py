"""Gradients of toy problems and of small networks, and PCGrad word by word."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from model.interfaces import Combiner, Step
from model.network import Network
from model.task_forward import TaskForward
from tests.model import small

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


def as_vector(network: Network, task: str) -> Tensor:
    """One task's gradient on the shared parameters, float64, computed on its own."""
    ((_, loss),) = forwards(network, [task])
    parts = torch.autograd.grad(loss, network.shared(), allow_unused=True)
    whole = [torch.zeros_like(p) if g is None else g for p, g in zip(network.shared(), parts, strict=True)]
    return torch.cat([part.flatten() for part in whole]).double()
