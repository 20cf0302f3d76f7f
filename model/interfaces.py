"""The places where a technique plugs in, and what passes through them. One base class per axis of an ablation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from model.declaration import Technique
from model.passes import Passes
from model.task import Task

if TYPE_CHECKING:
    from torch import Tensor, dtype, nn

    from model.kernels.padding_layout import Layout
    from model.network import Network
    from model.recipe import Recipe

DropoutPolicy = Literal["same", "fresh", "off"]


@dataclasses.dataclass(frozen=True)
class Tokens:
    """Padded token rows, each tensor [rows, length]. A separately encoded pair batch stacks its first sentences
    above its second ones, so rows = 2 * batch there and rows = batch otherwise."""

    ids: Tensor
    mask: Tensor  # 1 for real tokens
    types: Tensor
    layout: Layout


@dataclasses.dataclass(frozen=True)
class Batch:
    """Items of one task. ``items`` are positions in the data set; ``labels`` is [batch], long or float."""

    task: str
    items: Tensor
    tokens: Tokens
    labels: Tensor


@dataclasses.dataclass(frozen=True)
class Encoded:
    """What a head may read: ``pooled`` [rows, hidden], the mask, and the states [rows, length, hidden] of all depths
    (embedding output first) when a head asked for them."""

    pooled: Tensor
    mask: Tensor
    states: tuple[Tensor, ...] = ()

    def to(self, dtype: dtype) -> Encoded:
        """The same numbers in another type."""
        return Encoded(self.pooled.to(dtype), self.mask, tuple(state.to(dtype) for state in self.states))


class Forward(Protocol):
    """What one task computed in this step. Regularizers read it and may ask for the same computation again."""

    task: Task
    objective: Objective
    batch: Batch
    network: Network
    step: int  # updates done so far
    prediction: Tensor  # [batch, outputs]
    loss: Tensor  # scalar

    def embedded(self, level: Literal["word", "embedding_output"]) -> Tensor:
        """The clean pass's embeddings [rows, length, hidden], part of its graph."""
        ...

    def again(
        self,
        *,
        inputs: Tensor | None = None,
        level: Literal["word", "embedding_output"] = "word",
        mask: Tensor | None = None,
        network: Network | None = None,
        dropout: DropoutPolicy = "same",
        draw: int = 0,
    ) -> Tensor:
        """The prediction [batch, outputs] for other inputs, mask, network or dropout masks. ``same`` replays the
        clean pass's dropout masks, ``fresh`` takes the ``draw``-th independent ones, ``off`` is eval mode."""
        ...

    def seed(self, *names: str | int) -> int:
        """A stream of this run, step and task for the technique that names it."""
        ...


@dataclasses.dataclass(frozen=True)
class Step:
    """One update: the tasks that share it, on their next batch or again on their last, and which optimizer steps."""

    tasks: tuple[str, ...]
    batches: Literal["next", "last"] = "next"
    optimizer: int = 0


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much training data each task has, in rows, and the batch size."""

    rows: Mapping[str, int]
    batch: int

    def batches(self, task: str) -> int:
        """Batches that cover every row; the last may be short."""
        return -(-self.rows[task] // self.batch)

    def whole(self, task: str) -> int:
        """Full batches, at least one."""
        return max(1, self.rows[task] // self.batch)


@dataclasses.dataclass(frozen=True)
class History:
    """What a schedule may look back on: the training metric of each task after the last epoch (empty before)."""

    train: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule(Technique):
    """Which tasks each update of an epoch serves."""

    def tasks(self) -> tuple[str, ...]:
        """The tasks that get trained."""
        raise NotImplementedError

    def epoch(self, number: int, sizes: Sizes, history: History) -> Iterator[Step]:
        """The updates of epoch ``number`` (0 first)."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Combiner(Technique):
    """How the losses of the tasks in one update become gradients."""

    optimizers: ClassVar[int] = 1
    completes_grad_last: ClassVar[bool] = (
        False  # the last loss's backward pass completes each ``.grad``, which nothing reads
    )

    def __init_subclass__(cls) -> None:
        """A ``backward`` of its own may read or change what was accumulated, unless it says otherwise."""
        super().__init_subclass__()
        if "backward" in vars(cls) and "accumulates" not in vars(cls):
            cls.completes_grad_last = False

    def steps(self, steps: Iterator[Step], tasks: tuple[str, ...]) -> Iterator[Step]:
        """The epoch's updates; a combiner may add its own at the end."""
        return steps

    def backward(
        self, step: Step, losses: Iterable[tuple[str, Tensor]], shared: list[nn.Parameter], seed: int
    ) -> dict[str, float]:
        """Write ``.grad`` (None before) and return signals worth logging. ``losses`` is lazy: each graph is built when
        its turn comes, so only one need live at a time. A task comes once, or once for each part of its batch."""
        raise NotImplementedError


class ActiveRegularizer(Protocol):
    """A regularizer inside one run."""

    def penalty(self, forward: Forward) -> Tensor | None:
        """The unweighted penalty of this task and step, or None where it does not apply."""
        ...

    def after_step(self, network: Network) -> None: ...

    def state(self) -> dict[str, Tensor]: ...

    def load(self, state: Mapping[str, Tensor]) -> None: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Regularizer(Technique):
    """A penalty added to each task's loss, times ``weight``. Stateless ones implement ``penalty`` and are their own
    active form; the others return one from ``start``."""

    slot: ClassVar[str] = "regularizers"
    weight: float = 1.0
    tasks: tuple[str, ...] | None = None  # None: every task

    @property
    def needs_fp32(self) -> bool:
        """Whether the penalty compares numbers that differ by less than bf16 can tell."""
        return False

    @property
    def needs_padding(self) -> bool:
        """Whether padding changes the penalty, so that the encoder must compute it."""
        return False

    @property
    def is_item_mean(self) -> bool:
        """Whether the penalty of a batch is the mean of its items' penalties, so that it may be computed in
        parts."""
        return True

    def applies(self, task: str) -> bool:
        return self.tasks is None or task in self.tasks

    def passes(self, recipe: Recipe) -> Passes:
        """What the penalty adds to an update of each task that it applies to: one pass for each time that it has the
        network answer again. It decides how long a cell is expected to take, and no result."""
        return Passes()

    def start(self, network: Network, updates: int) -> ActiveRegularizer:
        """The active form for one run of ``updates`` updates, before the first."""
        return self

    def penalty(self, forward: Forward) -> Tensor | None:
        raise NotImplementedError

    def after_step(self, network: Network) -> None:
        """Called after every optimizer step."""

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold."""
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take up a checkpoint's state."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objective(Technique):
    """The loss of a task, how its prediction is read as an answer, and the divergence that suits it."""

    divergence: ClassVar[Literal["symmetric_kl", "bernoulli_symmetric_kl", "squared"]]

    @property
    def is_item_mean(self) -> bool:
        """Whether the loss of a batch is the mean of its items' losses, so that a batch may be computed in parts."""
        return True

    def outputs(self, task: Task) -> int:
        """How many numbers a head must give."""
        raise NotImplementedError

    def loss(self, prediction: Tensor, labels: Tensor, task: Task) -> Tensor:
        """Scalar loss of ``prediction`` [batch, outputs] against ``labels`` [batch]."""
        raise NotImplementedError

    def answers(self, prediction: Tensor, task: Task) -> Tensor:
        """Labels or scores [batch] in the task's own range, from ``prediction`` [batch, outputs]."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pairing(Technique):
    """How one or two sentences become the features that a head reads."""

    joint: ClassVar[bool] = False  # both sentences in one token row
    sentences: ClassVar[Literal[1, 2]] = 2

    def width(self, hidden: int) -> int:
        raise NotImplementedError

    def features(self, encoded: Encoded, dropout: nn.Module) -> Tensor:
        """[batch, width]; ``dropout`` is the head dropout, to be applied where the paper applies it."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Head(Technique):
    """From features to ``outputs`` numbers."""

    reads_states: ClassVar[bool] = False

    @property
    def passes(self) -> float:
        """What it takes beside the encoder, in passes of the encoder over the same tokens; most take next to
        nothing. It decides how long a cell is expected to take, and no result."""
        return 0.0

    def build(self, *, width: int, outputs: int, dropout: float, hidden: int, depth: int) -> nn.Module:
        """The head's parameters; ``depth`` counts the encoder's states (embedding output included)."""
        raise NotImplementedError

    def predict(self, module: nn.Module, features: Tensor, encoded: Encoded) -> Tensor:
        """[batch, outputs]."""
        prediction: Tensor = module(features)
        return prediction


@dataclasses.dataclass(frozen=True, kw_only=True)
class Encoder(Technique):
    """Where the shared encoder and its tokenizer come from. Planning replaces what must be prepared first (the run's
    own encoder, ``Tiny``, ``DomainPretrained``) by a folder, so that only the others implement ``load``."""

    padded: ClassVar[bool] = False  # computes padding, too
    effort: ClassVar[float] = 1.0  # of a pass, in a BERT's of the same width and depth

    @property
    def overhead(self) -> float:
        """What a pass of a batch takes beyond its tokens, in tokens; where an encoder is wide, next to nothing."""
        return 0.0

    def making(self) -> float:
        """What it takes to prepare it from its start, once a home, in plain updates of one token."""
        return 0.0

    def identity(self) -> str:
        """What a cell's hash knows of the weights: a hub id, or a hash of a folder's content. Needs no torch."""
        raise NotImplementedError(f"the encoder {self.slug} has no weights until it is prepared")

    def load(self, seed: int) -> tuple[nn.Module, Any]:
        """The encoder and its tokenizer; weights that are new come from streams of their names under ``seed``.

        The encoder answers like transformers' BertModel: called with inputs_embeds, attention_mask, token_type_ids
        and output_hidden_states it gives last_hidden_state, pooler_output and hidden_states, and it has
        ``embeddings``, ``config``, ``get_input_embeddings()`` and ``new_parameters`` (names). ``EncoderError`` (see
        ``model.encoders.loading``) where it cannot be had.
        """
        raise NotImplementedError(f"the encoder {self.slug} must be prepared before it can be loaded")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LrSchedule(Technique):
    """The learning rate over a run, as a factor on the recipe's rate."""

    def factor(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        """The factor for update ``step`` (0 first)."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExtraData(Technique):
    """A second source of training data for one task."""
