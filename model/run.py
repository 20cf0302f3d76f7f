"""What one training is given."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Literal

from model.batching import TokenTable
from model.feature_cache import FeatureCache
from model.network import Network
from model.recipe import Recipe

EvaluatedSplit = Literal["train", "dev", "test"]


@dataclasses.dataclass(frozen=True)
class Run:
    """One training: the network, its seed, training tables by task, and tables to score by (split, task).

    ``pieces`` above 1 computes each task's batch in so many parts, one after another, and adds up their gradients: less
    memory for the same update, apart from rounding and dropout. See ``model.trainer.indivisible``.
    """

    network: Network
    recipe: Recipe
    seed: int
    train: Mapping[str, TokenTable]
    score: Mapping[tuple[EvaluatedSplit, str], TokenTable]
    device: str = "cpu"
    pieces: int = 1

    @property
    def scoring_tokens(self) -> int:
        """Tokens of one scoring batch: on a CPU as many as keep a layer's states in its cache, or enough to make a
        read of its weights worth while; on a GPU plenty; fewer where training had to split its batches."""
        tokens = max(400_000 // self.network.width, 1000) if self.device == "cpu" else 50_000_000 // self.network.width
        return tokens // self.pieces

    @functools.cached_property
    def frozen(self) -> FeatureCache:
        """The answers of an encoder that never changes."""
        return FeatureCache(self.network, self.scoring_tokens, self.device)
