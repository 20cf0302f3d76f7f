"""What one task computes in one step, and the same again under other conditions."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from model.interfaces import Batch, DropoutPolicy, Encoded, SharedNetwork
from model.network import Network
from model.rng import key, seed_global

Level = Literal["word", "embedding_output"]


class TaskForward:
    """One task's clean pass, on its batch or the ``piece``-th part of it. Dropout masks come from the stream (seed,
    task, step), so replaying them is seeding again, and a second pass of one technique never moves the masks of
    another. ``encoded`` is what a frozen encoder is known to give for the batch: such a pass has no embeddings."""

    def __init__(
        self, network: Network, batch: Batch, seed: int, step: int, piece: int = 0, encoded: Encoded | None = None
    ) -> None:
        branch = network.branches[batch.task]
        self.network, self.batch, self.step = network, batch, step
        self.task, self.objective = branch.task, branch.objective
        self._seed, self._device = seed, batch.tokens.ids.device.type
        self._names = (batch.task, step, piece) if piece else (batch.task, step)
        seed_global(self.seed("dropout", 0), self._device)
        self._words = self._output = None
        if encoded is None:
            self._words = network.embed(batch.tokens)
            encoded = network.encode(batch.tokens, self._words)
            self._output = network.embedding_output
        self.logits: Tensor = network.answer(batch.task, encoded)
        self.loss: Tensor = branch.objective.loss(self.logits, batch.labels, branch.task)

    def seed(self, *names: str | int) -> int:
        """A stream of this run, step and task."""
        return key(self._seed, *names, *self._names)

    def embedded(self, level: Level) -> Tensor:
        """The clean pass's embeddings, [rows, length, hidden]."""
        embeddings = self._words if level == "word" else self._output
        assert embeddings is not None
        return embeddings

    def again(
        self,
        *,
        inputs: Tensor | None = None,
        level: Level = "word",
        mask: Tensor | None = None,
        network: SharedNetwork | None = None,
        dropout: DropoutPolicy = "same",
        draw: int = 0,
    ) -> Tensor:
        """See ``model.interfaces.Forward.again``."""
        network = self.network if network is None else network
        training = network.training
        if dropout == "off":
            network.eval()
        seed_global(self.seed("dropout", 0 if dropout == "same" else 1 + draw), self._device)
        if inputs is None:
            inputs, level = network.embed(self.batch.tokens), "word"
        logits = network.answer(self.batch.task, network.encode(self.batch.tokens, inputs, level, mask))
        network.train(training)
        return logits
