"""One training from update to update, and its state between two of them."""

from __future__ import annotations

import math
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.batching import Order
from model.coverage import Coverage
from model.descent import adamw, gradient_norm
from model.interfaces import ActiveRegularizer, Batch, History, Objective, Regularizer, Sizes, Step
from model.kernels.fused_adamw import Early
from model.kernels.sparse_embedding import Dense
from model.microbatches import none_if_empty, split
from model.precision import passes, products
from model.recipe import Recipe
from model.rng import key
from model.run import Run
from model.snapshot import Snapshot, buffers, by_prefix, restore_optimizer
from model.task_forward import TaskForward
from model.update_cost import is_encoded_once


class NonFinite(RuntimeError):
    """A loss that is not a finite number; training on it would only waste time."""


class Loop:
    """The state that one training carries from update to update."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.step = 0  # updates done
        self.epoch = 0  # epochs done
        self.done = 0  # updates done in this epoch
        self.history = History()
        self.sizes = Sizes({task: len(table) for task, table in run.train.items()}, run.recipe.batch)
        updates = run.recipe.epochs * len(self.steps())
        self.regularizers: list[tuple[str, float, ActiveRegularizer]] = [
            (regularizer.slug, regularizer.weight, regularizer.start(run.network, updates))
            for regularizer in run.recipe.regularizers
        ]
        run.network.survey()
        # only now, so that what a regularizer gave the network is trained and kept as the rest is
        self.trained = {name: part for name, part in run.network.named_parameters() if part.requires_grad}
        self.shared = run.network.shared()
        self.coverage = Coverage(run, self.trained, [active for _, _, active in self.regularizers])
        self.optimizers = [
            adamw(run.recipe.optimizer, list(self.trained.values())) for _ in range(run.recipe.combiner.optimizers)
        ]
        self.idle: set[str] = set()  # tasks whose updates are passed over
        self.orders: dict[str, Order] = {}
        self.dense = Dense()
        self.early = Early(self.trained.values(), self.dense)
        self.clear()

    def clear(self) -> None:
        """Before an epoch's first update."""
        self.signals: dict[str, list[float]] = defaultdict(list)
        self.looked: set[str] = set()  # tasks whose loss has been seen to train what is held
        self.batches_drawn: Counter[str] = Counter()  # batches by task
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
            for _ in range(self.batches_drawn[task]):
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
        """Each task's weighted loss with its penalties, computed when asked for; piece by piece, if so asked. A loss
        that trains nothing is passed over."""
        for place, task in enumerate(step.tasks, 1):
            weight = self.run.network.branches[task].weight
            items = self.batch(task, step)
            parts = split(items, self.run.pieces)
            for number, part in enumerate(parts):
                batch = self.run.train[task].batch(part, self.run.device)
                with passes(self.run.recipe.precision, self.run.device):
                    loss = self.penalised(task, batch, number)
                if not loss.requires_grad:
                    self.pass_over(task)
                    continue
                if (
                    self.run.recipe.combiner.completes_grad_last
                    and place == len(step.tasks)
                    and number == len(parts) - 1
                ):
                    self.early.arm(self.optimizers[step.optimizer])
                share = weight if len(part) == len(items) else weight * len(part) / len(items)
                yield task, loss if share == 1.0 else share * loss

    def pass_over(self, task: str) -> None:
        """Say once that the task trains nothing."""
        if task not in self.idle:
            self.idle.add(task)
            warnings.warn(f"{task} trains nothing, since no trained weight takes part in its loss", stacklevel=2)

    def penalised(self, task: str, batch: Batch, piece: int) -> Tensor:
        """The task's loss with its penalties on these items, before the task's weight."""
        once = is_encoded_once(self.run.recipe, task, True)
        encoded = self.run.frozen.encoded(self.run.train[task], batch) if once else None
        forward = TaskForward(self.run.network, batch, self.run.seed, self.step, piece, encoded)
        loss = forward.loss
        self.note(f"loss/{task}", loss)
        for name, weight, regularizer in self.regularizers:
            penalty = regularizer.penalty(forward)
            if penalty is not None:
                if forward.loss.requires_grad:
                    self.weigh(f"{name}_gradient/{task}", weight * penalty, forward.loss)
                self.note(f"{name}/{task}", penalty)
                loss = loss + weight * penalty
        if not torch.isfinite(loss):
            raise NonFinite(f"the loss of {task} is {loss.item()} at update {self.step + 1}")
        if task not in self.looked:
            self.looked.add(task)
            self.coverage.check(loss)
        return loss

    def batch(self, task: str, step: Step) -> np.ndarray:
        """The items that the update trains the task on."""
        order = self.orders[task]
        if step.batches == "next":
            self.batches_drawn[task] += 1
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
            losses = none_if_empty(self.losses(step))
            figures = {} if losses is None else self.run.recipe.combiner.backward(step, losses, self.shared, seed)
        self.coverage.check_gradients()
        for name, value in figures.items():
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
        return Snapshot(self.tensors(), self.position())

    def tensors(self) -> dict[str, Tensor]:
        """Its numbers, the live ones, by name."""
        tensors: dict[str, Tensor] = {f"weights/{name}": part.detach() for name, part in self.trained.items()}
        tensors |= {f"buffers/{name}": part for name, part in buffers(self.run.network).items()}
        for number, optimizer in enumerate(self.optimizers):
            for at, state in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer/{number}/{at}/{name}": value for name, value in state.items()}
        for number, (_, _, regularizer) in enumerate(self.regularizers):
            tensors |= {f"regularizer/{number}/{name}": value for name, value in regularizer.state().items()}
        for name, values in self.signals.items():
            tensors[f"signal/{name}"] = torch.tensor(values, dtype=torch.float64)
        return tensors

    def position(self) -> dict[str, Any]:
        """Where it stands, as plain data."""
        return {
            "step": self.step,
            "epoch": self.epoch,
            "done": self.done,
            "taken": dict(self.batches_drawn),
            "items": self.items,
            "seconds": self.seconds,
            "history": dict(self.history.train),
            "signals": list(self.signals),  # their order
            "idle": sorted(self.idle),
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Take up a snapshot of the same run. ``KeyError`` or ``ValueError`` where it does not fit."""
        groups, where = by_prefix(snapshot.tensors), snapshot.position
        with torch.no_grad():
            for name, part in self.trained.items():
                part.copy_(groups["weights"][name])
            for name, numbers in buffers(self.run.network).items():
                numbers.copy_(groups["buffers"].get(name, numbers))
        for number, optimizer in enumerate(self.optimizers):
            restore_optimizer(optimizer, groups[f"optimizer/{number}"])
        for number, (_, _, regularizer) in enumerate(self.regularizers):
            regularizer.load(groups[f"regularizer/{number}"])
        self.clear()
        self.signals.update({name: groups["signal"][name].tolist() for name in where["signals"]})
        self.step, self.epoch, self.done = where["step"], where["epoch"], where["done"]
        self.batches_drawn, self.items, self.seconds = Counter(where["taken"]), where["items"], where["seconds"]
        self.history = History(where["history"])
        for task in where.get("idle", ()):
            self.pass_over(task)


def indivisible(recipe: Recipe) -> list[str]:
    """The techniques of a recipe whose value on a batch is not the mean of their values on its parts."""
    parts: list[Regularizer | Objective] = [*recipe.regularizers, *(branch.objective for branch in recipe.branches)]
    return sorted({part.slug for part in parts if not part.is_item_mean})
