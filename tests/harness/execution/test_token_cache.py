"""Rows tokenised once: what they share equals what each would be alone, and the tokenizer is asked once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertTokenizerFast

from experiments.profiles import PROFILES
from harness.cells.lease import take_lease
from harness.execution import token_cache
from harness.execution.jobs import Job
from harness.execution.token_cache import TokenCache
from harness.execution.train_cell import Worker
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.registry.selectors import find
from model.batching import TokenTable, tokenise
from model.data.examples import Examples
from model.data.synthetic import embedded
from model.task import QUORA, SST, STS, Task


class CountingTokenizer:
    """A tokenizer that counts its calls and sentences."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer, self.pad_token_id = tokenizer, tokenizer.pad_token_id
        self.calls = self.rows = 0

    def __call__(self, texts: list[str], *more: Any, **options: Any) -> Any:
        self.calls, self.rows = self.calls + 1, self.rows + len(texts)
        return self.tokenizer(texts, *more, **options)


@pytest.fixture(scope="module")
def tokenizer() -> BertTokenizerFast:
    letters = list("abcdefghijklmnopqrstuvwxyz,.?!'-")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    return BertTokenizerFast(vocab={word: at for at, word in enumerate(words)})


def same(actual: TokenTable, expected: TokenTable) -> None:
    for name in ("flat", "starts", "second", "labels"):
        ours, theirs = getattr(actual, name), getattr(expected, name)
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs), name
    assert (actual.task, actual.separate, actual.pad) == (expected.task, expected.separate, expected.pad)


def sets(task: Task) -> list[Examples]:
    corpus = embedded()
    train, dev = corpus.splits[task.name, "train"], corpus.splits[task.name, "dev"]
    return [train.first(300), train.first(20), dev.first(50), train.first(310), train.take([5, 5, 2])]


@pytest.mark.parametrize(("task", "joint"), [(SST, False), (QUORA, True), (QUORA, False), (STS, False)])
def test_a_table_is_the_same_whatever_was_tokenised_before(
    tokenizer: BertTokenizerFast, task: Task, joint: bool
) -> None:
    rows = TokenCache(joint, 24)
    for examples in sets(task):
        rows.add([examples], tokenizer)
        with pytest.warns(UserWarning, match="fill 24 tokens"):
            actual = rows.table(examples)
        same(actual, tokenise(examples, tokenizer, joint=joint, max_tokens=24))


def test_each_sentence_is_tokenised_once_and_a_task_in_one_call(tokenizer: BertTokenizerFast) -> None:
    counted, rows = CountingTokenizer(tokenizer), TokenCache(False, 512)
    first, *others = sets(SST)
    rows.add([first, *others], counted)
    assert counted.calls == 1
    assert counted.rows == len({text for examples in (first, *others) for text in examples.texts})
    rows.add([others[0]], counted)
    assert counted.calls == 1


ragged = st.lists(st.integers(1, 5), min_size=1, max_size=6)


def table(lengths: list[int], separate: bool, base: int) -> TokenTable:
    lengths = lengths * 2 if separate else lengths
    starts = np.concatenate(([0], np.cumsum(lengths)))
    items = len(lengths) // (2 if separate else 1)
    flat = np.arange(base, base + starts[-1], dtype=np.int32)
    return TokenTable("sts", flat, starts, np.array(lengths, np.int32), np.arange(items, dtype=np.float32), separate, 0)


def read(tokens: TokenTable, item: int) -> list[list[int]]:
    return [row[row > 0].tolist() for row in tokens.batch(np.array([item])).tokens.ids.numpy()]


@given(ragged, ragged, st.booleans(), st.data())
def test_items_keep_their_tokens_when_tables_are_joined_and_taken(
    first: list[int], second: list[int], separate: bool, data: st.DataObject
) -> None:
    one, other = table(first, separate, 1), table(second, separate, 1000)
    both = one.joined(other)
    items = np.array(data.draw(st.lists(st.integers(0, len(both) - 1), min_size=1, max_size=8)))
    subset = both.take(items, both.labels[items])
    for at, item in enumerate(items):
        expected = read(one, item) if item < len(one) else read(other, item - len(one))
        assert read(subset, at) == expected
        assert subset.labels[at] == both.labels[item]


def test_a_worker_asks_the_tokenizer_once_for_a_task_of_its_cells(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[str] = []

    def counted(examples: Examples, *arguments: Any, **more: Any) -> TokenTable:
        tasks.append(examples.task.name)
        return tokenise(examples, *arguments, **more)

    monkeypatch.setattr(token_cache, "tokenise", counted)
    rows = tuple((f"{task}.rows", "20") for task in ("sst", "quora", "sts"))
    setup = Setup(
        profile=PROFILES["demo"], data="embedded", encoder=str(encoder), seeds=2, settings=(*rows, ("epochs", "1"))
    )
    worker = Worker(tmp_path, 1, "cpu", 60.0, lambda: False)
    for planned in plan([find(f"bertram/table1/{row}") for row in ("04-all-three", "08-pcgrad")], setup):
        for cell in planned.cells:
            lease = take_lease(tmp_path, cell.id)
            assert lease is not None
            with lease:
                worker.train(Job(cell), lease, lambda share: None, lambda epochs: True)
    assert sorted(tasks) == ["quora", "sst", "sts"]
