"""``Recipe``: everything that defines a run except the seed and the data. Its fields are the axes of an ablation."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from model.combiners.sum import Sum
from model.declaration import SettingError, Technique, hints
from model.digest import digest
from model.encoders.placeholders import Base
from model.heads.linear import Linear
from model.interfaces import Combiner, Encoder, ExtraData, Head, LrSchedule, Objective, Pairing, Regularizer, Schedule
from model.lr_schedules import Constant
from model.pairing.single import Single
from model.precision import Precision
from model.settings import describe, parts
from model.task import Task

RESERVED = ("overall", "reviews", "text")  # beside the tasks in scores and in a cell's data


@dataclasses.dataclass(frozen=True, kw_only=True)
class Branch(Technique):
    """One task's part of the network and of the data."""

    slug: ClassVar[str] = "branch"
    closed: ClassVar[bool] = True
    task: Task
    pairing: Pairing = Single()
    head: Head = Linear()
    objective: Objective
    rows: int | None = None  # training rows used, a prefix of one fixed permutation; None: all
    weight: float = 1.0  # on this task's loss
    extra: tuple[ExtraData, ...] = ()

    @property
    def key(self) -> str:
        return self.task.name

    def check(self) -> None:
        self.require(self.rows is None or self.rows > 0, "rows", "at least 1")
        if self.pairing.sentences != self.task.sentences:
            raise SettingError(
                f"{self.key}.pairing {self.pairing.slug!r} does not fit {self.task.sentences} sentence(s)"
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdamW(Technique):
    """Adam with decoupled weight decay; defaults as the course's starter code."""

    slug: ClassVar[str] = "adamw"
    closed: ClassVar[bool] = True
    rate: float = 1e-5  # lr
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-6

    def check(self) -> None:
        self.require(self.rate > 0, "rate", "above 0")
        self.require(self.weight_decay >= 0, "weight_decay", "0 or more")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(Technique):
    """All choices of a run. Rows of a table are recipes that differ in a few of these fields."""

    slug: ClassVar[str] = "recipe"
    closed: ClassVar[bool] = True
    encoder: Encoder = Base()
    trainable: Literal["all", "heads"] = "all"
    encoder_dropout_when_frozen: bool = True  # the starter trains heads with the encoder in train mode
    branches: tuple[Branch, ...]
    schedule: Schedule
    combiner: Combiner = Sum()
    regularizers: tuple[Regularizer, ...] = ()
    optimizer: AdamW = AdamW()
    decay: LrSchedule = Constant()
    dropout: float = 0.3  # of the heads; the encoder keeps its own
    batch: int = 8
    epochs: int = 10
    max_tokens: int = 128  # longer rows are cut
    precision: Precision = "fp32"  # of matrix products

    def check(self) -> None:
        self.require(0 <= self.dropout < 1, "dropout", "in [0, 1)")
        self.require(self.batch > 0, "batch", "at least 1")
        self.require(self.epochs >= 0, "epochs", "0 or more")
        self.require(self.max_tokens >= 8, "max_tokens", "at least 8")
        fine = [part.slug for part in self.regularizers if part.needs_fp32]
        if self.precision == "bf16" and fine:
            raise SettingError(
                f"precision 'bf16' rounds away the small differences that {fine[0]} works with; set precision to 'fp32'"
            )
        names = [branch.key for branch in self.branches]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SettingError(f"the recipe has two branches for {', '.join(twice)}; keep one of each")
        if clashes := sorted({*names} & {*hints(Recipe), *RESERVED}):
            raise SettingError(f"a task cannot be called {clashes[0]!r}, which names something else; rename it")
        missing = set(self.schedule.tasks()) - set(names)
        if missing:
            raise SettingError(f"the schedule trains {', '.join(sorted(missing))}, which the recipe has no branch for")

    def branch(self, task: str) -> Branch:
        return next(branch for branch in self.branches if branch.key == task)

    @property
    def needs_padding(self) -> bool:
        """Whether padding may change a loss. A regularizer of weight 0, or of other tasks, changes none: the recipe is
        trained to the same bits as without it."""
        tasks = [branch.key for branch in self.branches]
        acting = (part for part in self.regularizers if part.weight and any(map(part.applies, tasks)))
        return any(part.needs_padding for part in acting)

    @property
    def ready(self) -> bool:
        """Whether every technique in the recipe exists as code."""
        return all(part.built for part in parts(self) if part is not self)


LOOP_VERSION = 6  # up when the loop, batching, forward or network compute another result


def versions(recipe: Recipe) -> dict[str, int]:
    """The version of the loop and of every technique in the recipe: cells trained by other code are stale."""
    return {"loop": LOOP_VERSION} | {part.slug: part.version for part in parts(recipe)}


def recipe_digest(recipe: Recipe) -> str:
    """The recipe's identity: its settings without those at their default."""
    return digest(describe(recipe))
