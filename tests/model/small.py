"""Networks and data small enough to train in a blink: random BERT weights, random tokens, nothing downloaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from transformers import BertConfig, BertModel

from model.batching import TokenTable
from model.interfaces import Batch, Forward, Regularizer
from model.network import Network
from model.objectives.bce import BceWithLogits
from model.objectives.cross_entropy import CrossEntropy
from model.objectives.mse import Mse
from model.pairing.joint import Joint
from model.pairing.separate import Concatenate, Difference
from model.recipe import AdamW, Branch, Recipe
from model.rng import generator, seeded
from model.run import EvaluatedSplit, Run
from model.schedules.joint import Together
from model.task import QUORA, SST, STS
from model.train import Tick, train

torch.set_num_threads(1)
VOCABULARY, ROWS, LONGEST = 60, 12, 9
SENTIMENT = Branch(task=SST, objective=CrossEntropy())
PARAPHRASE = Branch(task=QUORA, pairing=Concatenate(), objective=BceWithLogits())
SIMILARITY = Branch(task=STS, pairing=Difference(), objective=Mse())
JOINT_SIMILARITY = Branch(task=STS, pairing=Joint(), objective=Mse())
RECIPE = Recipe(
    branches=(SENTIMENT, PARAPHRASE, SIMILARITY), schedule=Together(), optimizer=AdamW(rate=1e-3), batch=4, epochs=2
)  # three updates an epoch


def encoder(weights: int = 0, hidden: int = 16, layers: int = 2) -> BertModel:
    """A fresh BERT, the same weights for the same number; dropout .1 as BERT's own."""
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=32,
    )
    with seeded("small encoder", weights):
        return BertModel(config)


def network(recipe: Recipe = RECIPE, seed: int = 0, hidden: int = 16) -> Network:
    """The recipe's network on a small encoder, in train mode."""
    return Network(recipe, encoder(hidden=hidden), seed).train()


def table(branch: Branch, rows: int = ROWS, split: str = "train") -> TokenTable:
    """Random token rows and labels that depend on the task, the split and the number of rows alone."""
    task, random = branch.task, np.random.default_rng([rows, *f"{branch.key} {split}".encode()])
    separate = task.sentences == 2 and not branch.pairing.joint
    lengths = random.integers(3, LONGEST + 1, rows * (2 if separate else 1))
    return TokenTable(
        task=branch.key,
        flat=random.integers(1, VOCABULARY, lengths.sum()).astype(np.int32),
        starts=np.concatenate(([0], lengths.cumsum())),
        second=(lengths // 2 if branch.pairing.joint else lengths).astype(np.int32),
        labels=random.integers(0, task.classes, rows)
        if task.classes
        else random.uniform(task.low, task.high, rows).astype(np.float32),
        separate=separate,
        pad=0,
    )


def run(
    recipe: Recipe = RECIPE,
    seed: int = 0,
    rows: int = ROWS,
    scored: Sequence[EvaluatedSplit] = ("train", "dev"),
    hidden: int = 16,
) -> Run:
    """Everything that ``train`` needs for every branch of the recipe."""
    return Run(
        network=network(recipe, seed, hidden),
        recipe=recipe,
        seed=seed,
        train={branch.key: table(branch, rows) for branch in recipe.branches},
        score={(split, branch.key): table(branch, rows, split) for branch in recipe.branches for split in scored},
    )


def batch(task: str, recipe: Recipe = RECIPE, rows: int = ROWS) -> Batch:
    """The first items of a task's training rows."""
    return table(recipe.branch(task), rows).batch(np.arange(recipe.batch))


def trained(run: Run, updates: int | None = None) -> Network:
    """The network after all updates, or after so many."""
    for event in train(run):
        if isinstance(event, Tick) and event.step == updates:
            break
    return run.network


def weights(of: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A copy of every parameter by name."""
    return {name: parameter.detach().clone() for name, parameter in of.named_parameters()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether both have the same names and, to the last bit, the same numbers."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def draws(*shape: int, name: str = "draws") -> torch.Tensor:
    """Standard normal numbers from the stream of this name."""
    return torch.randn(*shape, generator=generator(name))


def only(*tasks: str, recipe: Recipe = RECIPE) -> Recipe:
    """The recipe with these branches alone, all trained together."""
    branches = tuple(branch for branch in recipe.branches if branch.key in tasks)
    return dataclasses.replace(recipe, branches=branches, schedule=Together(order=tasks))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Nosy(Regularizer):
    """Runs everything that a regularizer may ask for."""

    slug: ClassVar[str] = "nosy for tests"

    def penalty(self, forward: Forward) -> torch.Tensor:
        torch.manual_seed(forward.seed("nosy"))
        moved = forward.embedded("word") + 0.1 * torch.randn_like(forward.embedded("word"))
        others = [
            forward.again(inputs=moved),
            forward.again(dropout="fresh", draw=3),
            forward.again(dropout="off"),
            forward.again(mask=torch.ones_like(forward.batch.tokens.mask)),
        ]
        return torch.stack([(forward.logits - other).square().mean() for other in others]).sum()
