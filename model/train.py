"""The one training loop. It is a generator: the caller logs, checkpoints, prunes or stops by how it iterates."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch

from model.batching import TokenTable, by_length
from model.interfaces import History
from model.metrics import Scored, score
from model.precision import passes, products
from model.rng import key, seed_global
from model.run import EvaluatedSplit, Run
from model.snapshot import Snapshot
from model.trainer import Loop
from model.update_cost import is_encoded_once

Take = Callable[[], Snapshot]


@dataclasses.dataclass(frozen=True)
class Tick:
    """After an update: its number (1 first), the epoch (0 first) and how far the epoch is, in 0..1. ``take`` gives the
    state to go on from; it is of this moment until training goes on."""

    step: int
    epoch: int
    share: float
    take: Take = dataclasses.field(compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Epoch:
    """After an epoch (1 first; 0 for an untrained run): scores by (split, task), means of losses and health signals
    over its updates, and seconds spent training and scoring. ``take`` as a tick's."""

    number: int
    scores: Mapping[tuple[EvaluatedSplit, str], Scored]
    signals: Mapping[str, float]
    training_seconds: float
    scoring_seconds: float
    items: int
    take: Take = dataclasses.field(compare=False, repr=False)


def train(run: Run, start: Snapshot | None = None) -> Iterator[Tick | Epoch]:
    """Train and score epoch by epoch; a recipe of 0 epochs is scored once, untrained. From ``start``, a snapshot of the
    same run, what follows is to the last bit what followed it there."""
    recipe, loop = run.recipe, Loop(run)
    if start is not None:
        loop.restore(start)
    if recipe.epochs == 0:
        yield scored_epoch(loop, 0)
    while loop.epoch < recipe.epochs:
        loop.open()
        steps = loop.steps()
        for step in steps[loop.done :]:
            loop.update(step, recipe.decay.factor(loop.step, len(steps), recipe.epochs))
            yield Tick(loop.step, loop.epoch, loop.done / len(steps), loop.snapshot)
        epoch = scored_epoch(loop, loop.epoch + 1)
        loop.close(History(training_metrics(epoch)))
        yield epoch


def training_metrics(epoch: Epoch) -> dict[str, float]:
    """The metric of each task on its training sample."""
    return {
        task: scored.metric
        for (split, task), scored in epoch.scores.items()
        if split == "train" and scored.metric is not None
    }


def scored_epoch(loop: Loop, number: int) -> Epoch:
    began, run = time.perf_counter(), loop.run
    scores = {(split, task): answer_all(run, task, table) for (split, task), table in run.score.items()}
    spent = time.perf_counter() - began
    return Epoch(number, scores, loop.means(), loop.seconds, spent, loop.items, loop.snapshot)


@torch.no_grad()
def answer_all(run: Run, task: str, table: TokenTable) -> Scored:
    """Score one table in eval mode, in batches of similar length."""
    network, branch = run.network, run.network.branches[task]
    network.eval()
    seed_global(key(run.seed, "scoring", task), torch.device(run.device).type)
    answers = np.empty(len(table), dtype=np.int64 if branch.task.classes else np.float32)
    kept = is_encoded_once(run.recipe, task, False)
    with products(run.recipe.precision), passes(run.recipe.precision, run.device):
        for items in by_length(table, run.scoring_tokens):
            batch = table.batch(items, run.device)
            tokens = batch.tokens
            encoded = run.frozen.encoded(table, batch) if kept else network.encode(tokens, network.embed(tokens))
            logits = network.answer(task, encoded)
            answers[items] = branch.objective.answers(logits, branch.task).cpu().numpy()
    labelled = len(table) > 0 and bool((table.labels != -1).all())
    return Scored(branch.task, answers, score(branch.task, answers, table.labels) if labelled else None)
