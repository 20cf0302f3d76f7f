"""Token tables against the tokenizer's own padding, and orders that depend on nothing but their names."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertTokenizerFast

from model.batching import Order, TokenTable, by_length, tokenise
from model.data.examples import Examples
from model.recipe import Branch
from model.task import SST, STS, Task
from tests.model import small

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "bad", "film", "is", "not", "one", "two", "##ly"]
ONES = [("a good film",), ("bad",), ("this is not a very good film is it",), ("unknown word",)]
TWOS = [("a good film", "bad"), ("one", "one two a long long film"), ("is this", "not this"), ("two", "two")]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> BertTokenizerFast:
    path: Path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return BertTokenizerFast(vocab=str(path))


def examples(task: Task, texts: list[tuple[str, ...]]) -> Examples:
    labels = np.arange(len(texts)) if task.classes else np.arange(len(texts)) / 2
    return Examples(task=task, split="train", ids=tuple(map(str, labels)), texts=tuple(texts), labels=labels)


def fields(table: TokenTable, items: list[int]) -> tuple[list[list[int]], ...]:
    tokens = table.batch(np.array(items)).tokens
    return tokens.ids.tolist(), tokens.mask.tolist(), tokens.types.tolist()


@pytest.mark.parametrize("items", [[0], [1, 0], [3, 2, 1, 0]])
def test_single_sentences_are_padded_as_the_tokenizer_pads(tokenizer: BertTokenizerFast, items: list[int]) -> None:
    table = tokenise(examples(SST, ONES), tokenizer, joint=False, max_tokens=128)
    expected = tokenizer([ONES[item][0] for item in items], padding=True)
    assert fields(table, items) == (expected["input_ids"], expected["attention_mask"], expected["token_type_ids"])


@pytest.mark.parametrize("items", [[0], [1, 0], [3, 2, 1, 0]])
def test_joint_pairs_are_padded_as_the_tokenizer_pads(tokenizer: BertTokenizerFast, items: list[int]) -> None:
    table = tokenise(examples(STS, TWOS), tokenizer, joint=True, max_tokens=128)
    firsts, seconds = zip(*(TWOS[item] for item in items), strict=True)
    expected = tokenizer(list(firsts), list(seconds), padding=True)
    assert fields(table, items) == (expected["input_ids"], expected["attention_mask"], expected["token_type_ids"])


@pytest.mark.parametrize("items", [[0], [1, 0], [3, 2, 1, 0]])
def test_separate_pairs_stack_second_sentences_below_first_ones(tokenizer: BertTokenizerFast, items: list[int]) -> None:
    table = tokenise(examples(STS, TWOS), tokenizer, joint=False, max_tokens=128)
    expected = tokenizer([TWOS[item][0] for item in items] + [TWOS[item][1] for item in items], padding=True)
    assert fields(table, items) == (expected["input_ids"], expected["attention_mask"], expected["token_type_ids"])


@pytest.mark.parametrize("joint", [True, False])
def test_longer_rows_are_cut_as_the_tokenizer_cuts(tokenizer: BertTokenizerFast, joint: bool) -> None:
    table = tokenise(examples(STS, TWOS), tokenizer, joint=joint, max_tokens=8)
    firsts, seconds = (list(side) for side in zip(*TWOS, strict=True))
    options = {"padding": True, "truncation": True, "max_length": 8}
    expected = tokenizer(firsts, seconds, **options) if joint else tokenizer(firsts + seconds, **options)
    assert fields(table, [0, 1, 2, 3]) == tuple(
        expected[name] for name in ("input_ids", "attention_mask", "token_type_ids")
    )
    assert np.diff(table.starts).max() <= 8


def test_labels_are_whole_numbers_for_classes_and_float32_for_scores(tokenizer: BertTokenizerFast) -> None:
    classes = tokenise(examples(SST, ONES), tokenizer, joint=False, max_tokens=128).batch(np.array([2, 0]))
    scores = tokenise(examples(STS, TWOS), tokenizer, joint=False, max_tokens=128).batch(np.array([3, 1]))
    assert (classes.labels.dtype, classes.labels.tolist()) == (torch.int64, [2, 0])
    assert (scores.labels.dtype, scores.labels.tolist()) == (torch.float32, [1.5, 0.5])
    assert (scores.task, scores.items.tolist()) == ("sts", [3, 1])


BRANCHES = [small.SENTIMENT, small.SIMILARITY, small.JOINT_SIMILARITY]


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_rows_real_tokens_do_not_depend_on_its_batch(branch: Branch) -> None:
    table = small.table(branch)
    whole = table.batch(np.arange(len(table))).tokens
    for item in range(len(table)):
        lone = table.batch(np.array([item])).tokens
        length = lone.ids.shape[1]
        assert torch.equal(whole.ids[item, :length] * whole.mask[item, :length], lone.ids[0] * lone.mask[0])
        assert torch.equal(whole.types[item, :length] * whole.mask[item, :length], lone.types[0])


@pytest.mark.parametrize("branch", BRANCHES)
def test_padding_is_masked_has_the_pad_id_and_reaches_the_longest_row_only(branch: Branch) -> None:
    table = dataclasses.replace(small.table(branch), pad=59)
    tokens = table.batch(np.arange(len(table))).tokens
    assert (tokens.ids[tokens.mask == 0] == 59).all()
    assert not tokens.types[tokens.mask == 0].any()
    assert tokens.mask.sum(dim=1).tolist() == np.diff(table.starts).tolist()
    assert tokens.ids.shape[1] == np.diff(table.starts).max() == table.lengths().max()


@pytest.mark.parametrize("branch", BRANCHES)
def test_lengths_are_those_of_an_items_longest_row(branch: Branch) -> None:
    table = small.table(branch)
    widths = [table.batch(np.array([item])).tokens.ids.shape[1] for item in range(len(table))]
    assert table.lengths().tolist() == widths


# --- orders -----------------------------------------------------------------------------------------------------------


def batches(order: Order, count: int) -> list[list[int]]:
    return [order.next().tolist() for _ in range(count)]


@given(st.integers(1, 40), st.integers(1, 12))
def test_every_turn_serves_every_row_once_and_only_its_last_batch_is_short(rows: int, batch: int) -> None:
    order, a_turn = Order(small.table(small.SENTIMENT, rows), batch, 0, 0), -(-rows // batch)
    for _ in range(3):
        served = batches(order, a_turn)
        assert sorted(itertools.chain(*served)) == list(range(rows))
        assert [len(part) for part in served[:-1]] == [batch] * (a_turn - 1)


def test_a_task_that_starts_over_in_an_epoch_takes_a_new_order() -> None:
    order = Order(small.table(small.SENTIMENT, 30), 30, 0, 0)
    turns = batches(order, 3)
    assert turns[0] != turns[1] != turns[2] != turns[0]


@pytest.mark.parametrize("other", [{"seed": 1}, {"epoch": 1}, {"task": "sts"}])
def test_seed_epoch_and_task_have_orders_of_their_own(other: dict[str, int | str]) -> None:
    def first(seed: int = 0, epoch: int = 0, task: str = "sst") -> list[int]:
        table = dataclasses.replace(small.table(small.SENTIMENT, 30), task=task)
        return Order(table, 30, seed, epoch).next().tolist()

    assert first() == first() != first(**other)  # type: ignore[arg-type]


def test_the_order_is_the_same_for_every_batch_size_and_content() -> None:
    table, text = small.table(small.SENTIMENT, 24), small.table(small.JOINT_SIMILARITY, 24)
    expected = list(itertools.chain(*batches(Order(table, 8, 0, 0), 3)))
    assert list(itertools.chain(*batches(Order(table, 5, 0, 0), 5))) == expected
    assert Order(dataclasses.replace(text, task="sst"), 24, 0, 0).next().tolist() == expected


def test_the_last_batch_is_remembered_and_nothing_before_the_first() -> None:
    order = Order(small.table(small.SENTIMENT), 5, 0, 0)
    assert order.last.tolist() == []
    for _ in range(4):
        assert order.next().tolist() == order.last.tolist()


@given(st.integers(1, 40), st.integers(1, 400))
def test_scoring_batches_cover_all_items_from_long_to_short(rows: int, tokens: int) -> None:
    table = small.table(small.SIMILARITY, rows)
    parts = list(by_length(table, tokens))
    items = np.concatenate(parts)
    assert sorted(items.tolist()) == list(range(rows))
    assert (np.diff(table.lengths()[items]) <= 0).all()
    for part in parts:
        width = (2 if table.separate else 1) * int(table.lengths()[part].max())
        assert len(part) == 1 or len(part) * width <= tokens


# --- subsets ----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_smaller_subset_is_a_prefix_of_a_larger_one(few: int, many: int) -> None:
    few, many = sorted((few, many))
    whole = examples(SST, [(f"row {n}",) for n in range(61)])
    assert whole.first(few).ids == whole.first(many).ids[:few]


def test_a_subset_is_sampled_from_everywhere_and_keeps_rows_whole() -> None:
    whole = examples(SST, [(f"row {n}",) for n in range(1000)])
    part = whole.first(100)
    assert all(whole.texts[int(i)] == text for i, text in zip(part.ids, part.texts, strict=True))
    assert [int(i) for i in part.ids] == part.labels.tolist()
    assert 400 < np.mean([int(i) for i in part.ids]) < 600
    assert len(set(part.ids)) == 100


@pytest.mark.parametrize("rows", [None, 5, 6])
def test_all_rows_stay_in_file_order(rows: int | None) -> None:
    whole = examples(SST, [(f"row {n}",) for n in range(5)])
    assert whole.first(rows) is whole


def test_tasks_and_splits_are_sampled_independently() -> None:
    texts = [(f"row {n}",) for n in range(100)]
    parts = [examples(SST, texts), dataclasses.replace(examples(SST, texts), split="dev")]
    assert parts[0].first(50).texts != parts[1].first(50).texts
