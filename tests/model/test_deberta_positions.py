"""DeBERTa with the position embeddings moved from the input to the last layer."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from model.encoders.disentangled import from_bert
from tests.model import folders, small
from tests.model.folders import answer, without_relative_positions

HEADS, WIDTH = 4, 4  # of folders.bert()


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    return folders.batch(folders.tokenizer(tmp_path_factory.mktemp("words")))


def test_positions_at_the_output_leave_the_input_without_order(words: dict[str, Tensor]) -> None:
    bert = folders.bert()
    model = from_bert(bert, seed=0, positions="output")
    assert model.embeddings.position_embeddings is None
    assert torch.equal(model.last_positions.weight, bert.embeddings.position_embeddings.weight)
    assert "last_positions.weight" not in model.new_parameters
    turned = {name: rows.flip(1) for name, rows in words.items()}
    ours, flipped = answer(model, words).hidden_states[0], answer(model, turned).hidden_states[0]
    assert torch.equal(flipped.flip(1), ours)


def test_without_relative_attention_only_the_last_layer_knows_the_order(words: dict[str, Tensor]) -> None:
    model = without_relative_positions(from_bert(folders.bert(), seed=0, positions="output"))
    turned = {name: rows[:1, :7].flip(1) for name, rows in words.items()}
    straight = {name: rows[:1, :7] for name, rows in words.items()}
    gaps = [
        float((a.flip(1) - b).abs().max())
        for a, b in zip(answer(model, turned).hidden_states, answer(model, straight).hidden_states, strict=True)
    ]
    assert max(gaps[:2]) < 1e-5
    assert gaps[2] > 0.1


def test_the_last_layer_takes_queries_and_residual_from_states_plus_positions(words: dict[str, Tensor]) -> None:
    bert = folders.bert()
    model = without_relative_positions(from_bert(bert, seed=0, positions="output", scale="bert"))
    real = words["attention_mask"].bool()
    output = answer(model, words)
    keys = output.hidden_states[1]  # H
    queries = keys + bert.embeddings.position_embeddings.weight[: keys.shape[1]]  # H + P
    layer, heads = bert.encoder.layer[1], (*keys.shape[:2], HEADS, WIDTH)
    attention = layer.attention.self
    query, key, value = (
        part(source).view(heads).transpose(1, 2)
        for part, source in ((attention.query, queries), (attention.key, keys), (attention.value, keys))
    )
    scores = (query @ key.transpose(-1, -2) / WIDTH**0.5).masked_fill(~real[:, None, None], -torch.inf)
    mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
    expected = layer.feed_forward_chunk(layer.attention.output(mixed, queries))
    assert (output.last_hidden_state - expected)[real].abs().max() < 1e-5


def test_a_copy_of_the_model_reads_its_own_positions(words: dict[str, Tensor]) -> None:
    model = from_bert(folders.bert(), seed=0, positions="output")
    before, twin = answer(model, words).last_hidden_state, copy.deepcopy(model)
    twin.last_positions.weight.data.add_(1.0 + small.draws(16))
    assert torch.equal(answer(model, words).last_hidden_state, before)
    assert not torch.equal(answer(twin, words).last_hidden_state, before)
