"""A network of one formula in place of BERT: f(x) = tanh(mean of the token rows) W, in float64 and without dropout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from model.interfaces import Batch, Objective, Tokens
from model.kernels.padding_layout import Layout
from model.network import Network
from model.objectives.cross_entropy import CrossEntropy
from model.rng import key
from model.task import SST, Task

HIDDEN = 4


def grid(*shape: int, pace: float = 1.7) -> Tensor:
    """Fixed numbers in -1..1 with no order to them."""
    return torch.sin(pace * torch.arange(1, 1 + math.prod(shape), dtype=torch.float64)).reshape(shape)


class Toy:
    """A ``Forward`` whose token rows have these lengths, each token an id of its own and 0 at padding. ``items``
    below the number of rows stacks first sentences above second ones. ``straight`` leaves out the tanh."""

    def __init__(
        self,
        outputs: int = 3,
        objective: Objective | None = None,
        task: Task = SST,
        *,
        lengths: Sequence[int] = (5, 3, 4),
        padding: int = 0,
        items: int | None = None,
        straight: bool = False,
    ) -> None:
        self.task, self.objective, self.step, self.straight = task, objective or CrossEntropy(), 0, straight
        mask = (torch.arange(max(lengths) + padding) < torch.tensor(lengths)[:, None]).long()
        ids = mask.flatten().cumsum(0).reshape(mask.shape) * mask
        items = items or len(lengths)
        labels = torch.zeros(items, dtype=torch.long if task.classes else torch.float64)
        tokens = Tokens(ids, mask, 0 * mask, Layout.of(mask.bool().numpy()))
        self.batch = Batch(task=task.name, items=torch.arange(items), tokens=tokens, labels=labels)
        self.table = grid(1 + sum(lengths), HIDDEN).requires_grad_()
        self.weight = (2 * grid(HIDDEN, outputs, pace=2.3)).requires_grad_()
        self.network: Any = None
        self.words = self.table[ids]  # [rows, length, hidden]
        self.requests: list[dict[str, Any]] = []
        self.logits = self.answer(self.words, mask)
        self.loss = self.objective.loss(self.logits, labels, task)

    def answer(self, inputs: Tensor, mask: Tensor) -> Tensor:
        mean = (inputs * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        rows = (mean if self.straight else torch.tanh(mean)) @ self.weight
        answers: Tensor = rows.unflatten(0, (-1, len(self.batch.items))).sum(0)
        return answers

    def embedded(self, level: str) -> Tensor:
        return self.words

    def again(self, **request: Any) -> Tensor:
        self.requests.append(request)
        mask = self.batch.tokens.mask if request.get("mask") is None else request["mask"]
        return self.answer(request.get("inputs", self.words), mask)

    def seed(self, *names: str | int) -> int:
        return key(7, *names)

    @property
    def delta(self) -> Tensor:
        """How far the last pass's inputs were from the clean ones."""
        moved: Tensor = self.requests[-1]["inputs"]
        return (moved - self.words).detach()


def lively(network: Network) -> Network:
    """The network with larger weight matrices: its answers react to what it reads, as those of a trained one do."""
    with torch.no_grad():
        for parameter in network.encoder.parameters():
            parameter.mul_(8 if parameter.dim() > 1 else 1)
    return network


def passes(network: Network) -> list[bool]:
    """Grows by an entry with every pass through the encoder from now on: whether the pass can be differentiated."""
    seen: list[bool] = []
    network.encoder.get_submodule("pooler").register_forward_hook(lambda *_: seen.append(torch.is_grad_enabled()))
    return seen
