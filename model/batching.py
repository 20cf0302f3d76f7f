"""Tokens once, batches many times: flat token arrays, seeded orders, padding to the longest row of a batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from model.data.examples import Examples
from model.interfaces import Batch, Tokens
from model.kernels.padding_layout import Layout
from model.lazy_torch import torch
from model.rng import permutation


@dataclasses.dataclass(frozen=True)
class TokenTable:
    """The tokenised rows of one task and split. Row ``item`` is the item's only or first sentence; separately
    encoded pairs have their second sentence in row ``item + len(labels)``."""

    task: str
    flat: np.ndarray  # int32 [all tokens]
    starts: np.ndarray  # int64 [rows + 1]
    second: np.ndarray  # int32 [rows]: where token type 1 begins in the row
    labels: np.ndarray  # int64 or float32 [items]
    separate: bool
    pad: int

    def __len__(self) -> int:
        return len(self.labels)

    def lengths(self) -> np.ndarray:
        """Tokens of each item's longest row, int64 [items]."""
        rows = np.diff(self.starts)
        return np.maximum(rows[: len(self)], rows[len(self) :]) if self.separate else rows

    def take(self, items: np.ndarray, labels: np.ndarray) -> TokenTable:
        """These items, in this order, under these labels."""
        rows = np.concatenate((items, items + len(self))) if self.separate else items
        flat, starts = gather_rows(self.flat, self.starts, rows)
        labels = labels.astype(self.labels.dtype)
        return dataclasses.replace(self, flat=flat, starts=starts, second=self.second[rows], labels=labels)

    def joined(self, other: TokenTable) -> TokenTable:
        """These items, then the other table's."""
        starts = np.concatenate((self.starts, self.starts[-1] + other.starts[1:]))
        both = dataclasses.replace(
            self,
            flat=np.concatenate((self.flat, other.flat)),
            starts=starts,
            second=np.concatenate((self.second, other.second)),
            labels=np.concatenate((self.labels, other.labels)),
        )
        if not self.separate:
            return both
        halves = np.split(np.arange(len(starts) - 1), [len(self), 2 * len(self), 2 * len(self) + len(other)])
        rows = np.concatenate((halves[0], halves[2], halves[1], halves[3]))  # all first sentences, then all second ones
        flat, starts = gather_rows(both.flat, both.starts, rows)
        return dataclasses.replace(both, flat=flat, starts=starts, second=both.second[rows])

    def batch(self, items: np.ndarray, device: str = "cpu") -> Batch:
        """These items, padded to their longest row."""
        rows = np.concatenate((items, items + len(self))) if self.separate else items
        lengths = self.starts[rows + 1] - self.starts[rows]
        place = np.arange(lengths.max())
        mask = place < lengths[:, None]  # [rows, length]
        ids = np.full(mask.shape, self.pad, dtype=np.int64)
        ids[mask] = self.flat[(self.starts[rows][:, None] + place)[mask]]
        types = (mask & (place >= self.second[rows][:, None])).astype(np.int64)
        parts = (ids, mask.astype(np.int64), types, self.labels[items])
        padded, real, kinds, labels = (torch.from_numpy(part).to(device) for part in parts)
        tokens = Tokens(padded, real, kinds, Layout.of(mask, device))
        return Batch(task=self.task, items=torch.from_numpy(items), tokens=tokens, labels=labels)


def gather_rows(flat: np.ndarray, starts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tokens of these rows one after another, and where each begins; a run of neighbours is not copied."""
    lengths = starts[rows + 1] - starts[rows]
    begins = np.concatenate(([0], lengths.cumsum()))
    if len(rows) and (np.diff(rows) == 1).all():
        return flat[starts[rows[0]] : starts[rows[-1] + 1]], begins
    return flat[np.repeat(starts[rows] - begins[:-1], lengths) + np.arange(begins[-1])], begins


def tokenise(examples: Examples, tokenizer: Any, *, joint: bool, max_tokens: int) -> TokenTable:
    """All rows in one call of the tokenizer. Pairs go into one row (``joint``) or into two."""
    firsts = [text[0] for text in examples.texts]
    seconds = [text[1] for text in examples.texts] if examples.task.sentences == 2 else []
    options = {"truncation": True, "max_length": max_tokens, "return_attention_mask": False}
    if joint:
        encoded = tokenizer(firsts, seconds, return_token_type_ids=True, **options)
        kinds = encoded["token_type_ids"]
    else:
        encoded = tokenizer(firsts + seconds, return_token_type_ids=False, **options)
        kinds = None
    rows = encoded["input_ids"]
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    ones = lengths if kinds is None else lengths - np.fromiter(map(sum, kinds), dtype=np.int64, count=len(rows))
    return TokenTable(
        task=examples.task.name,
        flat=np.concatenate([np.asarray(row, dtype=np.int32) for row in rows]),
        starts=np.concatenate(([0], lengths.cumsum())),
        second=ones.astype(np.int32),
        labels=examples.labels.astype(np.int64 if examples.task.classes else np.float32),
        separate=not joint and examples.task.sentences == 2,
        pad=tokenizer.pad_token_id,
    )


class Order:
    """The batches of one task in one epoch: a permutation from the stream (seed, task, epoch), and a fresh one each
    time the task starts over within the epoch."""

    def __init__(self, table: TokenTable, batch: int, seed: int, epoch: int) -> None:
        self._table, self._batch, self._names = table, batch, (seed, "order", table.task, epoch)
        self._batches = self._forever()
        self.last = np.empty(0, dtype=np.int64)

    def _forever(self) -> Iterator[np.ndarray]:
        turn = 0
        while True:
            order = permutation(len(self._table), *self._names, turn)
            yield from (order[at : at + self._batch] for at in range(0, len(order), self._batch))
            turn += 1

    def next(self) -> np.ndarray:
        """The items of the next batch."""
        self.last = next(self._batches)
        return self.last


def by_length(table: TokenTable, tokens: int) -> Iterator[np.ndarray]:
    """All items in batches of similar length, longest first, of about ``tokens`` tokens padding included: for scoring,
    where order does not matter."""
    lengths = table.lengths()
    order = np.argsort(-lengths, kind="stable")
    rows = 2 if table.separate else 1
    at = 0
    while at < len(order):
        items = max(1, tokens // (rows * int(lengths[order[at]])))
        yield order[at : at + items]
        at += items
