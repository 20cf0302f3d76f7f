"""One training from update to update, and its state between two of them."""

from __future__ import annotations

import dataclasses
import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from model.batching import Order
from model.early import Early
from model.forward import TaskForward
from model.frozen import keeps
from model.lookup import Dense
from model.precision import passes, products
from model.recipe import AdamW, Recipe
from model.run import Run
from model.seams import ActiveRegularizer, Batch, History, Objective, Regularizer, Sizes, Step
from model.streams import key


class NonFinite(RuntimeError):
    """A loss that is not a finite number; training on it would only waste time."""


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All that a training needs to go on from between two updates. Every random stream is keyed by name and position
    (``model.streams``), so the position holds them.

    ``tensors`` are the live ones, by name: whoever keeps them copies them before training goes on. ``position`` is
    plain data.
    """

    tensors: Mapping[str, Tensor]
    position: Mapping[str, Any]


class Loop:
    """The state that one training carries from update to update."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.step = 0  # updates done
        self.epoch = 0  # epochs done
        self.done = 0  # updates done in this epoch
        self.history = History()
        self.trained = {name: part for name, part in run.network.named_parameters() if part.requires_grad}
        self.shared = run.network.shared()
        self.optimizers = [
            adamw(run.recipe.optimizer, list(self.trained.values())) for _ in range(run.recipe.combiner.optimizers)
        ]
        self.sizes = Sizes({task: len(table) for task, table in run.train.items()}, run.recipe.batch)
        updates = run.recipe.epochs * len(self.steps())
        self.regularizers: list[tuple[str, float, ActiveRegularizer]] = [
            (regularizer.slug, regularizer.weight, regularizer.start(run.network, updates))
            for regularizer in run.recipe.regularizers
        ]
        self.orders: dict[str, Order] = {}
        self.dense = Dense()
        self.early = Early(self.trained.values(), self.dense)
        self.clear()

    def clear(self) -> None:
        """Before an epoch's first update."""
        self.signals: dict[str, list[float]] = defaultdict(list)
        self.taken: Counter[str] = Counter()  # batches by task
        self.items = 0
        self.seconds = 0.0

    def open(self) -> None:
        """Take up the epoch where it stands: the orders of its batches, train mode."""
        self.run.network.train()
        self.orders = {
            task: Order(table, self.run.recipe.batch, self.run.seed, self.epoch)
            for task, table in self.run.train.items()
        }
        for task, order in self.orders.items():
            for _ in range(self.taken[task]):
                order.next()

    def close(self, history: History) -> None:
        """After an epoch and its scores."""
        self.epoch, self.done, self.history = self.epoch + 1, 0, history
        self.clear()

    def steps(self) -> list[Step]:
        """The updates of the epoch."""
        schedule = self.run.recipe.schedule
        planned = schedule.epoch(self.epoch, self.sizes, self.history)
        return list(self.run.recipe.combiner.steps(planned, schedule.tasks()))

    def losses(self, step: Step) -> Iterator[tuple[str, Tensor]]:
        """Each task's weighted loss with its penalties, computed when asked for; piece by piece, if so asked."""
        for place, task in enumerate(step.tasks, 1):
            weight = self.run.network.branches[task].weight
            items = self.batch(task, step)
            parts = split(items, self.run.pieces)
            for number, part in enumerate(parts):
                batch = self.run.train[task].batch(part, self.run.device)
                with passes(self.run.recipe.precision, self.run.device):
                    loss = self.penalised(task, batch, number)
                if self.run.recipe.combiner.accumulates and place == len(step.tasks) and number == len(parts) - 1:
                    self.early.arm(self.optimizers[step.optimizer])
                share = weight if len(part) == len(items) else weight * len(part) / len(items)
                yield task, loss if share == 1.0 else share * loss

    def penalised(self, task: str, batch: Batch, piece: int) -> Tensor:
        """The task's loss with its penalties on these items, before the task's weight."""
        known = self.run.frozen.encoded(self.run.train[task], batch) if keeps(self.run.recipe, task, True) else None
        forward = TaskForward(self.run.network, batch, self.run.seed, self.step, piece, known)
        loss = forward.loss
        self.note(f"loss/{task}", loss)
        for name, weight, regularizer in self.regularizers:
            penalty = regularizer.penalty(forward)
            if penalty is not None:
                self.weigh(f"{name}_gradient/{task}", weight * penalty, forward.loss)
                self.note(f"{name}/{task}", penalty)
                loss = loss + weight * penalty
        if not torch.isfinite(loss):
            raise NonFinite(f"the loss of {task} is {loss.item()} at update {self.step + 1}")
        return loss

    def batch(self, task: str, step: Step) -> np.ndarray:
        """The items that the update trains the task on."""
        order = self.orders[task]
        if step.batches == "next":
            self.taken[task] += 1
        items = order.next() if step.batches == "next" else order.last
        self.items += len(items)
        return items

    def update(self, step: Step, factor: float) -> None:
        """One optimizer step."""
        with products(self.run.recipe.precision):
            self._update(step, factor)

    def _update(self, step: Step, factor: float) -> None:
        began = time.perf_counter()
        optimizer = self.optimizers[step.optimizer]
        for group in optimizer.param_groups:
            group["lr"] = self.run.recipe.optimizer.rate * factor
        optimizer.zero_grad(set_to_none=True)
        seed = key(self.run.seed, "combiner", self.step)
        with self.early.within():
            told = self.run.recipe.combiner.backward(step, self.losses(step), self.shared, seed)
        for name, value in told.items():
            self.signals[name].append(value)
        for parameter in self.shared:
            self.dense.fill(parameter)
        self.early.finish(optimizer)
        for _, _, regularizer in self.regularizers:
            regularizer.after_step(self.run.network)
        self.step += 1
        self.done += 1
        self.seconds += time.perf_counter() - began

    def weigh(self, name: str, penalty: Tensor, loss: Tensor) -> None:
        """Note |grad penalty| / |grad loss| once an epoch: a regularizer that does nothing shows as about 0."""
        if name not in self.signals:
            trained = list(self.trained.values())
            whole = gradient_norm(loss, trained)
            share = gradient_norm(penalty, trained) / whole if whole else math.inf
            self.signals[name].append(share)

    def note(self, name: str, value: Tensor) -> None:
        self.signals[name].append(value.item())

    def means(self) -> dict[str, float]:
        """Means of the epoch's signals."""
        return {name: sum(values) / len(values) for name, values in self.signals.items()}

    def snapshot(self) -> Snapshot:
        """The state between two updates; see ``Snapshot``."""
        tensors: dict[str, Tensor] = {f"weights/{name}": part.detach() for name, part in self.trained.items()}
        for number, optimizer in enumerate(self.optimizers):
            for at, held in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer/{number}/{at}/{name}": value for name, value in held.items()}
        for number, (_, _, regularizer) in enumerate(self.regularizers):
            tensors |= {f"regularizer/{number}/{name}": value for name, value in regularizer.state().items()}
        for name, values in self.signals.items():
            tensors[f"signal/{name}"] = torch.tensor(values, dtype=torch.float64)
        position = {
            "step": self.step,
            "epoch": self.epoch,
            "done": self.done,
            "taken": dict(self.taken),
            "items": self.items,
            "seconds": self.seconds,
            "history": dict(self.history.train),
            "signals": list(self.signals),  # their order
        }
        return Snapshot(tensors, position)

    def restore(self, snapshot: Snapshot) -> None:
        """Take up a snapshot of the same run. ``KeyError`` or ``ValueError`` where it does not fit."""
        held, where = by_prefix(snapshot.tensors), snapshot.position
        with torch.no_grad():
            for name, part in self.trained.items():
                part.copy_(held["weights"][name])
        for number, optimizer in enumerate(self.optimizers):
            state: dict[int, dict[str, Tensor]] = defaultdict(dict)
            for name, value in held[f"optimizer/{number}"].items():
                at, _, field = name.partition("/")
                state[int(at)][field] = value
            optimizer.load_state_dict({"state": dict(state), "param_groups": optimizer.state_dict()["param_groups"]})
        for number, (_, _, regularizer) in enumerate(self.regularizers):
            regularizer.load(held[f"regularizer/{number}"])
        self.clear()
        self.signals.update({name: held["signal"][name].tolist() for name in where["signals"]})
        self.step, self.epoch, self.done = where["step"], where["epoch"], where["done"]
        self.taken, self.items, self.seconds = Counter(where["taken"]), where["items"], where["seconds"]
        self.history = History(where["history"])


def by_prefix(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """``optimizer/0/3/step`` as {"optimizer/0": {"3/step": ...}}; weights and signals have no number."""
    groups: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, value in tensors.items():
        kind, _, rest = name.partition("/")
        if kind in ("optimizer", "regularizer"):
            number, _, rest = rest.partition("/")
            kind = f"{kind}/{number}"
        groups[kind][rest] = value
    return groups


def split(items: np.ndarray, pieces: int) -> list[np.ndarray]:
    """The items in at most so many parts of nearly equal size, none empty."""
    return [items] if pieces == 1 else np.array_split(items, min(pieces, len(items)))


def indivisible(recipe: Recipe) -> list[str]:
    """The techniques of a recipe whose value on a batch is not the mean of their values on its parts."""
    parts: list[Regularizer | Objective] = [*recipe.regularizers, *(branch.objective for branch in recipe.branches)]
    return sorted({part.slug for part in parts if not part.divisible})


def gradient_norm(value: Tensor, parameters: list[nn.Parameter]) -> float:
    """The norm of a scalar's gradient over all parameters; its graph stays alive."""
    if not value.requires_grad:
        return 0.0
    found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
    parts = [part.coalesce().values() if part.is_sparse else part for part in found if part is not None]
    norms = torch._foreach_norm(parts)
    return float(torch.stack(list(norms)).norm()) if norms else 0.0


def adamw(settings: AdamW, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Torch's fused AdamW on these parameters (none is allowed: a run that trains nothing)."""
    if not parameters:
        parameters = [nn.Parameter(torch.zeros(1))]
    return torch.optim.AdamW(
        parameters,
        lr=settings.rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.eps,
        weight_decay=settings.weight_decay,
        fused=True,
    )
