"""The one training loop. It is a generator: the caller logs, prunes or stops by how it iterates."""

from __future__ import annotations

import dataclasses
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from model.batching import Order, TokenTable, by_length
from model.data.examples import Split
from model.forward import TaskForward
from model.network import Network
from model.recipe import AdamW, Recipe
from model.scoring import Scored, score
from model.seams import ActiveRegularizer, Batch, History, Sizes, Step
from model.streams import key, seed_global

EvaluatedSplit = Literal["train", "dev", "test"]


class NonFinite(RuntimeError):
    """A loss that is not a finite number; training on it would only waste time."""


@dataclasses.dataclass(frozen=True)
class Tick:
    """After an update: its number (1 first), the epoch (0 first) and how far the epoch is, in 0..1."""

    step: int
    epoch: int
    share: float


@dataclasses.dataclass(frozen=True)
class Epoch:
    """After an epoch (1 first; 0 for an untrained run): scores by (split, task), means of losses and health signals
    over its updates, and seconds spent training and scoring."""

    number: int
    scores: Mapping[tuple[EvaluatedSplit, str], Scored]
    signals: Mapping[str, float]
    training_seconds: float
    scoring_seconds: float
    items: int


@dataclasses.dataclass(frozen=True)
class Run:
    """One training: the network, its seed, training tables by task, and tables to score by (split, task)."""

    network: Network
    recipe: Recipe
    seed: int
    train: Mapping[str, TokenTable]
    score: Mapping[tuple[EvaluatedSplit, str], TokenTable]
    device: str = "cpu"


class Loop:
    """The state that one training carries from update to update."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.step = 0
        self.trained = [parameter for parameter in run.network.parameters() if parameter.requires_grad]
        self.shared = run.network.shared()
        self.optimizers = [adamw(run.recipe.optimizer, self.trained) for _ in range(run.recipe.combiner.optimizers)]
        self.sizes = Sizes({task: len(table) for task, table in run.train.items()}, run.recipe.batch)
        updates = run.recipe.epochs * len(self.steps(0, History()))
        self.regularizers: list[tuple[str, float, ActiveRegularizer]] = [
            (regularizer.slug, regularizer.weight, regularizer.start(run.network, updates))
            for regularizer in run.recipe.regularizers
        ]
        self.orders: dict[str, Order] = {}
        self.signals: dict[str, list[float]] = defaultdict(list)
        self.items = 0

    def steps(self, epoch: int, history: History) -> list[Step]:
        """The updates of one epoch."""
        schedule = self.run.recipe.schedule
        return list(self.run.recipe.combiner.steps(schedule.epoch(epoch, self.sizes, history), schedule.tasks()))

    def losses(self, step: Step) -> Iterator[tuple[str, Tensor]]:
        """Each task's weighted loss with its penalties, computed when asked for."""
        for task in step.tasks:
            forward = TaskForward(self.run.network, self.batch(task, step), self.run.seed, self.step)
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
            weight = self.run.network.branches[task].weight
            yield task, loss if weight == 1.0 else weight * loss

    def batch(self, task: str, step: Step) -> Batch:
        order = self.orders[task]
        items = order.next() if step.batches == "next" else order.last
        self.items += len(items)
        return self.run.train[task].batch(items, self.run.device)

    def update(self, step: Step, factor: float) -> None:
        """One optimizer step."""
        optimizer = self.optimizers[step.optimizer]
        for group in optimizer.param_groups:
            group["lr"] = self.run.recipe.optimizer.rate * factor
        optimizer.zero_grad(set_to_none=True)
        seed = key(self.run.seed, "combiner", self.step)
        for name, value in self.run.recipe.combiner.backward(step, self.losses(step), self.shared, seed).items():
            self.signals[name].append(value)
        optimizer.step()
        for _, _, regularizer in self.regularizers:
            regularizer.after_step(self.run.network)
        self.step += 1

    def weigh(self, name: str, penalty: Tensor, loss: Tensor) -> None:
        """Note |grad penalty| / |grad loss| once an epoch: a regularizer that does nothing shows as about 0."""
        if name not in self.signals:
            whole = gradient_norm(loss, self.trained)
            share = gradient_norm(penalty, self.trained) / whole if whole else math.inf
            self.signals[name].append(share)

    def note(self, name: str, value: Tensor) -> None:
        self.signals[name].append(value.item())

    def means(self) -> dict[str, float]:
        """Means of the epoch's signals; the next epoch starts anew."""
        means = {name: sum(values) / len(values) for name, values in self.signals.items()}
        self.signals.clear()
        return means


def gradient_norm(value: Tensor, parameters: list[torch.nn.Parameter]) -> float:
    """The norm of a scalar's gradient over all parameters; its graph stays alive."""
    if not value.requires_grad:
        return 0.0
    found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
    norms = torch._foreach_norm([gradient for gradient in found if gradient is not None])
    return float(torch.stack(list(norms)).norm()) if norms else 0.0


def adamw(settings: AdamW, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Torch's fused AdamW on these parameters (none is allowed: a run that trains nothing)."""
    if not parameters:
        parameters = [torch.nn.Parameter(torch.zeros(1))]
    return torch.optim.AdamW(
        parameters,
        lr=settings.rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.eps,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def train(run: Run) -> Iterator[Tick | Epoch]:
    """Train and score epoch by epoch; a recipe of 0 epochs is scored once, untrained."""
    recipe = run.recipe
    loop, history = Loop(run), History()
    if recipe.epochs == 0:
        yield scored_epoch(run, 0, {}, 0.0, 0)
    for number in range(recipe.epochs):
        began, loop.items = time.perf_counter(), 0
        run.network.train()
        loop.orders = {task: Order(table, recipe.batch, run.seed, number) for task, table in run.train.items()}
        steps = loop.steps(number, history)
        for done, step in enumerate(steps, start=1):
            loop.update(step, recipe.decay.factor(loop.step, len(steps), recipe.epochs))
            yield Tick(loop.step, number, done / len(steps))
        seconds = time.perf_counter() - began
        epoch = scored_epoch(run, number + 1, loop.means(), seconds, loop.items)
        history = History(training_metrics(epoch))
        yield epoch


def training_metrics(epoch: Epoch) -> dict[str, float]:
    """The metric of each task on its training sample."""
    return {
        task: scored.metric
        for (split, task), scored in epoch.scores.items()
        if split == "train" and scored.metric is not None
    }


def scored_epoch(run: Run, number: int, signals: Mapping[str, float], seconds: float, items: int) -> Epoch:
    began = time.perf_counter()
    scores = {(split, task): answer_all(run, task, table) for (split, task), table in run.score.items()}
    return Epoch(number, scores, signals, seconds, time.perf_counter() - began, items)


def scoring_tokens(run: Run) -> int:
    """Tokens of one scoring batch: on a CPU as many as keep a layer's states in its cache, on a GPU plenty."""
    config: Any = run.network.encoder.config
    numbers = 400_000 if run.device == "cpu" else 50_000_000
    return int(numbers // config.hidden_size)


@torch.no_grad()
def answer_all(run: Run, task: str, table: TokenTable) -> Scored:
    """Score one table in eval mode, in batches of similar length."""
    branch = run.network.branches[task]
    run.network.eval()
    seed_global(key(run.seed, "scoring", task), torch.device(run.device).type)
    answers = np.empty(len(table), dtype=np.int64 if branch.task.classes else np.float32)
    for items in by_length(table, scoring_tokens(run)):
        batch = table.batch(items, run.device)
        prediction = run.network(task, batch.tokens)
        answers[items] = branch.objective.answers(prediction, branch.task).cpu().numpy()
    labelled = len(table) > 0 and bool((table.labels != -1).all())
    return Scored(branch.task, answers, score(branch.task, answers, table.labels) if labelled else None)


__all__ = ["Epoch", "NonFinite", "Run", "Split", "Tick", "train"]
