"""Rows tokenised once, for all cells that train on the same text."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from model.batching import TokenTable, tokenise
from model.data.examples import Examples


class TokenCache:
    """The rows of one task that a tokenizer has seen, found again by their text. ``joint`` and ``longest`` as in
    ``tokenise``."""

    def __init__(self, joint: bool, longest: int) -> None:
        self.joint, self.longest = joint, longest
        self._table: TokenTable | None = None
        self._positions: dict[tuple[str, ...], int] = {}

    def add(self, sets: Iterable[Examples], tokenizer: Any) -> None:
        """Tokenise what is new in these sets of one task, in one call; no call where nothing is."""
        sets = list(sets)
        texts = dict.fromkeys(text for examples in sets for text in examples.texts if text not in self._positions)
        if not texts:
            return
        new = tuple(texts)
        blank = dataclasses.replace(sets[0], ids=("",) * len(new), texts=new, labels=np.zeros(len(new)), dropped=())
        table = tokenise(blank, tokenizer, joint=self.joint, max_tokens=self.longest)
        self._positions |= {text: len(self._positions) + at for at, text in enumerate(new)}
        self._table = table if self._table is None else self._table.joined(table)

    def table(self, examples: Examples) -> TokenTable:
        """The table of rows that were added. Warns of those that fill ``longest`` tokens."""
        assert self._table is not None, "nothing was added"
        positions = np.fromiter((self._positions[text] for text in examples.texts), dtype=np.int64, count=len(examples))
        table = self._table.take(positions, examples.labels)
        cut = int((table.lengths() >= self.longest).sum())
        if cut:
            where = f"{cut:,} of {len(examples):,} rows of {examples.task.title} {examples.split}"
            warnings.warn(f"{where} fill {self.longest} tokens or are cut there", stacklevel=2)
        return table
