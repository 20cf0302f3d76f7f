"""DeBERTa: what it copies from BERT, what is new, and the attention it computes."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from model.encoders.bert import Bert
from model.encoders.deberta import Deberta, DebertaFromBert
from model.encoders.disentangled import Disentangled, from_bert
from model.encoders.loading import EncoderError, load
from model.heads.routing import Routing
from model.network import Network
from tests.model import folders, small
from tests.model.folders import answer, largest_difference, without_relative_positions

HEADS, WIDTH = 4, 4  # of folders.bert()
ROOT_3 = 3**0.5


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    return folders.batch(folders.tokenizer(tmp_path_factory.mktemp("words")))


def test_relative_attention_off_reproduces_bert(words: dict[str, Tensor]) -> None:
    bert = folders.bert()
    started = from_bert(bert, seed=0)
    config = copy.deepcopy(started.config)
    config.relative_attention, config.pos_att_type = False, []
    plain = Disentangled(config).eval()
    new = plain.load_state_dict(started.state_dict(), strict=False)
    assert new.missing_keys == []
    assert largest_difference(answer(plain, words), answer(bert, words), words) < 1e-5


def test_zero_tables_reproduce_bert_once_queries_make_up_for_the_scale(words: dict[str, Tensor]) -> None:
    bert = folders.bert()
    started = without_relative_positions(from_bert(bert, seed=0, scale="bert"))
    assert largest_difference(answer(started, words), answer(bert, words), words) < 1e-5


def test_zero_tables_are_otherwise_bert_with_scores_divided_by_root_3(words: dict[str, Tensor]) -> None:
    bert, started = folders.bert(), without_relative_positions(from_bert(folders.bert(), seed=0))
    assert largest_difference(answer(started, words), answer(bert, words), words) > 0.1
    for layer in bert.encoder.layer:
        layer.attention.self.scaling /= ROOT_3
    assert largest_difference(answer(started, words), answer(bert, words), words) < 1e-5


def test_the_keys_bias_never_reached_berts_states(words: dict[str, Tensor]) -> None:
    bert = folders.bert()
    before = answer(bert, words)
    for layer in bert.encoder.layer:
        assert layer.attention.self.key.bias.abs().max() > 0.1
        layer.attention.self.key.bias.data.zero_()
    assert largest_difference(answer(bert, words), before, words) < 1e-5


def test_each_heads_rows_of_the_fused_projection_are_berts() -> None:
    bert, started = folders.bert(), from_bert(folders.bert(), seed=0)
    theirs, ours = bert.encoder.layer[1].attention.self, started.encoder.layer[1].attention.self
    for head in range(HEADS):
        rows = slice(head * WIDTH, (head + 1) * WIDTH)
        for place, part in enumerate((theirs.query, theirs.key, theirs.value)):
            at = (3 * head + place) * WIDTH
            assert torch.equal(ours.in_proj.weight[at : at + WIDTH], part.weight[rows])
    assert torch.equal(ours.q_bias, theirs.query.bias)
    assert torch.equal(ours.v_bias, theirs.value.bias)


def attention_by_loops(bert: Any, model: Disentangled, states: Tensor, *, papers_p2c: bool = False) -> Tensor:
    """Layer 0's self-attention of one row, [length, hidden], from BERT's weights: equation 4 of the paper, position
    by position. The paper's position-to-content term looks up delta(j, i), published code delta(i, j)."""
    theirs, ours = bert.encoder.layer[0].attention.self, model.encoder.layer[0].attention.self
    span = model.config.max_position_embeddings
    heads = (-1, HEADS, WIDTH)
    query, value = (part(states).view(heads) for part in (theirs.query, theirs.value))
    key = (states @ theirs.key.weight.T).view(heads)
    table = model.encoder.rel_embeddings.weight
    position_key, position_query = (part(table).view(heads) for part in (ours.pos_proj, ours.pos_q_proj))

    def delta(i: int, j: int) -> int:
        return min(max(i - j + span, 0), 2 * span - 1)

    rows = []
    for i in range(len(states)):
        scores = [
            (query[i] * key[j]).sum(-1)
            + (query[i] * position_key[delta(i, j)]).sum(-1)
            + (key[j] * position_query[delta(j, i) if papers_p2c else delta(i, j)]).sum(-1)
            for j in range(len(states))
        ]
        shares = (torch.stack(scores) / (3 * WIDTH) ** 0.5).softmax(0)  # [length, heads]
        rows.append((shares[..., None] * value).sum(0).flatten())
    return torch.stack(rows)


def test_attention_is_the_papers_equation_with_the_published_codes_distance() -> None:
    bert, model = folders.bert(), from_bert(folders.bert(), seed=0)
    for parameter in (model.get_parameter(name) for name in model.new_parameters):
        parameter.data = small.draws(*parameter.shape) * 0.5
    states = small.draws(6, 16)
    with torch.no_grad():
        distance = model.encoder.get_rel_pos(states[None])
        table = model.encoder.get_rel_embedding()
        ours, _ = model.encoder.layer[0].attention.self(
            states[None], torch.ones(1, 1, 6, 6), relative_pos=distance, rel_embeddings=table
        )
        assert (ours[0] - attention_by_loops(bert, model, states)).abs().max() < 1e-5
        assert (ours[0] - attention_by_loops(bert, model, states, papers_p2c=True)).abs().max() > 0.1


def test_states_are_transformers_own_to_the_last_bit(words: dict[str, Tensor]) -> None:
    ours = from_bert(folders.bert(), seed=0)
    theirs = transformers.DebertaModel(ours.config).eval()
    theirs.load_state_dict(ours.state_dict(), strict=False)
    a, b = answer(ours, words), answer(theirs, words)
    assert len(a.hidden_states) == 3
    assert all(torch.equal(x, y) for x, y in zip(a.hidden_states, b.hidden_states, strict=True))
    assert torch.equal(a.last_hidden_state, b.last_hidden_state)


def test_exactly_the_relative_parts_are_new() -> None:
    bert, started = folders.bert(), from_bert(folders.bert(), seed=0)
    layers = [f"encoder.layer.{layer}.attention.self." for layer in range(2)]
    parts = ("pos_proj.weight", "pos_q_proj.bias", "pos_q_proj.weight")
    assert started.new_parameters == (*(at + part for at in layers for part in parts), "encoder.rel_embeddings.weight")
    old = dict(bert.named_parameters())
    copied = [name for name, _ in started.named_parameters() if name in old]
    assert all(torch.equal(started.get_parameter(name), old[name]) for name in copied)
    in_attention = {f"{at}{name}" for at in layers for name in ("in_proj.weight", "q_bias", "v_bias")}
    assert {name for name, _ in started.named_parameters()} == {*copied, *in_attention, *started.new_parameters}


def test_new_parameters_come_from_streams_of_their_names() -> None:
    torch.manual_seed(0)
    first = from_bert(folders.bert(), seed=5)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    again, other = from_bert(folders.bert(), seed=5, positions="output"), from_bert(folders.bert(), seed=6)
    assert torch.equal(torch.get_rng_state(), state)
    name = "encoder.rel_embeddings.weight"
    assert torch.equal(first.get_parameter(name), again.get_parameter(name))
    assert not torch.equal(first.get_parameter(name), other.get_parameter(name))
    assert float(first.get_parameter(name).detach().std()) == pytest.approx(first.config.initializer_range, rel=0.1)


@pytest.mark.parametrize("positions", ["input", "output"])
def test_the_network_trains_through_it(tmp_path: Path, positions: Any) -> None:
    bert = Bert(name=str(folders.bert_folder(tmp_path)))
    encoder, _ = DebertaFromBert(start=bert, positions=positions).load(0)
    branches = (dataclasses.replace(small.SENTIMENT, head=Routing(vectors=4)), small.SIMILARITY)
    recipe = dataclasses.replace(small.only("sst"), branches=branches)
    network = Network(recipe, encoder, 0)
    tokens = small.batch("sst").tokens
    tokens = dataclasses.replace(tokens, ids=tokens.ids % 20, types=tokens.types)
    clean = network("sst", tokens)
    assert network.embedding_output is not None
    moved = network.answer("sst", network.encode(tokens, network.embedding_output + 0.1, "embedding_output"))
    assert not torch.equal(clean, moved)
    clean.sum().backward()
    parts = [name for name in encoder.new_parameters if "q_proj.bias" not in name]
    assert all(encoder.get_parameter(name).grad.abs().max() > 0 for name in parts)
    assert network("sts", tokens).shape == (2, 1)


@pytest.mark.parametrize("as_bin", [False, True], ids=["safetensors", "bin"])
def test_a_pretrained_one_keeps_its_weights_and_gets_a_pooler(
    tmp_path: Path, words: dict[str, Tensor], as_bin: bool
) -> None:
    config = from_bert(folders.bert(), seed=0, positions="output").config
    config.type_vocab_size = 0  # as microsoft/deberta-base
    theirs = transformers.DebertaForMaskedLM(config).eval()
    folders.tokenizer(tmp_path).save_pretrained(tmp_path)
    theirs.save_pretrained(tmp_path)
    if as_bin:
        torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
        (tmp_path / "model.safetensors").unlink()
    change_config(tmp_path, "absolute_positions", None)
    encoder, _ = Deberta(name=str(tmp_path)).load(0)
    assert encoder.new_parameters == ("pooler.dense.bias", "pooler.dense.weight")
    ours = answer(encoder, words)
    assert torch.equal(ours.last_hidden_state, answer(theirs.deberta, words).last_hidden_state)
    pooled = torch.tanh(ours.last_hidden_state[:, 0] @ encoder.pooler.dense.weight.T)
    assert (ours.pooler_output - pooled).abs().max() < 1e-6


def change_config(folder: Path, name: str, value: Any) -> None:
    config = transformers.AutoConfig.from_pretrained(folder)
    setattr(config, name, value)
    config.save_pretrained(folder)


def test_only_a_bert_can_be_the_start(tmp_path: Path) -> None:
    folder = folders.bert_folder(tmp_path, from_bert(folders.bert(), seed=0))
    with pytest.raises(EncoderError, match="deberta_from_bert starts from a 'bert' model, but deberta is a 'deberta'"):
        DebertaFromBert(start=Deberta(name=str(folder))).load(0)
    with pytest.raises(EncoderError, match="holds a 'deberta' model; this row needs one of: bert"):
        load(str(folder), 0)


def test_identity_tells_start_and_options_apart(tmp_path: Path) -> None:
    hub, folder = Bert(name="owner/one"), Bert(name=str(folders.bert_folder(tmp_path)))
    encoders = [
        DebertaFromBert(start=hub),
        DebertaFromBert(start=folder),
        DebertaFromBert(start=hub, positions="output"),
        DebertaFromBert(start=hub, scale="bert"),
    ]
    assert len({encoder.identity() for encoder in encoders}) == 4
