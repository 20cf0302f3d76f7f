"""The pass over real tokens alone, against transformers' own over padded rows."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import BertModel
from transformers.models.bert.modeling_bert import BertSelfAttention

from model.encoders.disentangled import from_bert
from model.kernels import packed_bert
from model.kernels.padding_layout import Layout
from model.network import Network
from model.recipe import Recipe
from model.regularizers.smart import Smart
from tests.model import small

MASK = np.arange(5) < np.array([[3], [5], [1]])


def test_layout_by_hand() -> None:
    layout = Layout.of(MASK)
    assert layout.places.tolist() == [0, 1, 2, 5, 6, 7, 8, 9, 10]
    assert layout.firsts.tolist() == [0, 3, 8]
    rows = torch.arange(30.0).reshape(3, 5, 2)
    assert layout.pack(rows)[:, 0].tolist() == [0, 2, 4, 10, 12, 14, 16, 18, 20]
    assert torch.equal(layout.pad(layout.pack(rows)), rows * torch.from_numpy(MASK)[:, :, None])


def test_rows_without_padding_are_left_as_they_are() -> None:
    layout = Layout.of(np.ones((2, 3), dtype=bool))
    rows = torch.arange(12.0).reshape(2, 3, 2)
    assert layout.bias is None
    assert layout.pack(rows).data_ptr() == rows.data_ptr()
    assert torch.equal(layout.pad(layout.pack(rows)), rows)


def quiet(bert: BertModel) -> BertModel:
    """Without dropout, in train mode."""
    for part in bert.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return bert.train()


def both(bert: BertModel, task: str, every_state: bool) -> tuple[Any, Tensor, list[Tensor]]:
    """transformers' output on padded rows, ours on real tokens (states padded)."""
    tokens = small.batch(task).tokens
    words = bert.get_input_embeddings()(tokens.ids)  # type: ignore[operator]
    theirs = bert(
        inputs_embeds=words, attention_mask=tokens.mask, token_type_ids=tokens.types, output_hidden_states=True
    )
    words = bert.get_input_embeddings()(tokens.ids)  # type: ignore[operator]
    embedded = packed_bert.embed(bert, words, tokens.types, tokens.layout)
    pooled, states = packed_bert.encode(bert, embedded, tokens.layout, every_state)
    return theirs, pooled, [tokens.layout.pad(state) * tokens.mask[:, :, None] for state in states]


@pytest.mark.parametrize("task", ["sst", "quora"])
def test_answers_and_every_state_are_those_of_transformers(task: str) -> None:
    bert = small.encoder().eval()
    theirs, pooled, states = both(bert, task, every_state=True)
    real = small.batch(task).tokens.mask[:, :, None]
    assert torch.allclose(pooled, theirs.pooler_output, atol=1e-6)
    assert len(states) == len(theirs.hidden_states) == 3
    for ours, other in zip(states, theirs.hidden_states, strict=True):
        assert torch.allclose(ours, other * real, atol=2e-6)


@pytest.mark.parametrize("every_state", [True, False])
def test_every_gradient_is_that_of_transformers(every_state: bool) -> None:
    bert = quiet(small.encoder())
    theirs, pooled, _ = both(bert, "quora", every_state)
    direction = small.draws(*pooled.shape)
    names, parameters = zip(*bert.named_parameters(), strict=True)
    expected = torch.autograd.grad((theirs.pooler_output * direction).sum(), parameters)
    gradients = torch.autograd.grad((pooled * direction).sum(), parameters)
    for name, ours, other in zip(names, gradients, expected, strict=True):
        assert torch.allclose(ours, other, atol=1e-6), name
    assert max(float(gradient.abs().max()) for gradient in expected) > 0.01


def test_linear_layers_see_real_tokens_and_the_last_ones_first_tokens() -> None:
    bert, layout = small.encoder(), small.batch("sst").tokens.layout
    seen: dict[str, int] = {}
    for name, part in bert.named_modules():
        if isinstance(part, nn.Linear):
            part.register_forward_hook(lambda _, args, __, name=name: seen.update({name: len(args[0])}))
    both(bert, "sst", every_state=False)
    tokens, rows = len(layout.places), layout.rows
    assert rows < tokens < rows * layout.length
    late = ("query", "attention.output.dense", "intermediate.dense", "output.dense")
    for name, rows_seen in seen.items():
        first_only = name == "pooler.dense" or (name.startswith("encoder.layer.1") and name.endswith(late))
        assert rows_seen == (rows if first_only else tokens), name
    assert len(seen) == 2 * 6 + 1


@pytest.mark.parametrize("part", ["hidden", "attention"])
def test_each_dropout_of_bert_is_there(part: str) -> None:
    bert = quiet(small.encoder())
    theirs, still, _ = both(bert, "sst", every_state=False)
    assert torch.allclose(still, theirs.pooler_output, atol=1e-6)
    for name, module in bert.named_modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.4 if ("attention.self" in name) == (part == "attention") else 0.0
    torch.manual_seed(0)
    draws = torch.stack([both(bert, "sst", every_state=False)[1] for _ in range(300)])
    assert draws.std(dim=0).min() > 1e-5
    stock = torch.stack([both(bert, "sst", every_state=False)[0].pooler_output for _ in range(300)])
    error = (draws.var(dim=0) / 300 + stock.var(dim=0) / 300).sqrt()
    assert ((draws.mean(dim=0) - stock.mean(dim=0)) / error).abs().max() < 5  # 64 normal numbers
    assert torch.allclose(draws.std(dim=0).mean(), stock.std(dim=0).mean(), rtol=0.05)


def test_a_row_does_not_depend_on_its_batch() -> None:
    table = small.table(small.SENTIMENT)
    network = small.network().eval()
    items = np.arange(small.ROWS)
    whole = network("sst", table.batch(items).tokens)
    for item in items:
        assert torch.allclose(whole[item], network("sst", table.batch(items[item : item + 1]).tokens)[0], atol=1e-6)


def test_padding_is_computed_only_where_something_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert axes_seen(small.RECIPE, monkeypatch) == {2}
    padded = dataclasses.replace(small.RECIPE, regularizers=(Smart(mask_of_ones=True),))
    assert axes_seen(padded, monkeypatch) == {3}
    assert axes_seen(dataclasses.replace(small.RECIPE, regularizers=(Smart(),)), monkeypatch) == {2}


def axes_seen(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """How many axes the states have that enter the encoder's linear layers: 2 without padding, 3 with it."""
    network, seen, linear = small.network(recipe), set(), torch.nn.functional.linear
    weight = network.encoder.get_submodule("encoder.layer.0.intermediate.dense").get_parameter("weight")

    def watched(x: Tensor, by: Tensor, bias: Tensor | None = None) -> Tensor:
        if by is weight:
            seen.add(x.dim())
        return linear(x, by, bias)

    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.functional, "linear", watched)
        network("sst", small.batch("sst").tokens)
    return seen


def test_only_bert_itself_is_packed() -> None:
    class Other(BertModel):
        """Might compute anything."""

    bert = small.encoder()
    assert packed_bert.packs(bert)
    assert not packed_bert.packs(Other(bert.config))
    assert not packed_bert.packs(from_bert(bert, 0))
    network = Network(small.RECIPE, from_bert(bert, 0), 0)
    assert network("sst", small.batch("sst").tokens).shape == (4, 5)


class First(nn.Module):
    """A pooler of one's own: the first state as it is."""

    def forward(self, states: Tensor) -> Tensor:
        return states[:, 0]


class Louder(BertSelfAttention):
    """Attention of one's own."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        attended, *rest = super().forward(*args, **kwargs)
        return 100 * attended + 1, *rest


def with_pooler(bert: BertModel) -> None:
    bert.pooler = First()


def with_attention(bert: BertModel) -> None:
    bert.encoder.layer[0].attention.self.__class__ = Louder


def with_method(bert: BertModel) -> None:
    own = bert.pooler.forward
    bert.pooler.forward = lambda states: -own(states)  # type: ignore[method-assign,union-attr]


def with_hook(bert: BertModel) -> None:
    bert.encoder.layer[1].register_forward_hook(lambda _, args, output: 3 * output)


def with_pre_hook(bert: BertModel) -> None:
    bert.encoder.layer[1].register_forward_pre_hook(lambda _, args: (args[0].flip(-1), *args[1:]))


def with_hook_on_the_whole(bert: BertModel) -> None:
    def negated(_: nn.Module, args: Any, output: Any) -> Any:
        output.pooler_output = -output.pooler_output
        return output

    bert.register_forward_hook(negated)


def with_hook_on_embeddings(bert: BertModel) -> None:
    bert.embeddings.register_forward_hook(lambda _, args, output: output.flip(-1))


CHANGES = [with_pooler, with_attention, with_method, with_hook, with_pre_hook]
CHANGES += [with_hook_on_the_whole, with_hook_on_embeddings]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_bert_that_was_changed_computes_what_it_says(change: Callable[[BertModel], None], when: str) -> None:
    bert, tokens = small.encoder().eval(), small.batch("sst").tokens
    if when == "before":
        change(bert)
    network = Network(small.RECIPE, bert, 0).eval()
    if when == "after":
        change(bert)
        network.survey()
    pooled = network.encode(tokens, network.embed(tokens)).pooled
    theirs = bert(input_ids=tokens.ids, attention_mask=tokens.mask, token_type_ids=tokens.types).pooler_output
    assert torch.equal(pooled, theirs)
    plain = small.network().eval()
    assert (pooled - plain.encode(tokens, plain.embed(tokens)).pooled).abs().max() > 1e-3


def test_a_hook_that_came_later_is_called_and_one_that_went_costs_nothing() -> None:
    network, tokens, calls = small.network(), small.batch("sst").tokens, []
    plain = network.eval()("sst", tokens)
    hook = network.encoder.register_forward_hook(lambda *_: calls.append(1))
    hooked = network("sst", tokens)
    assert len(calls) == 1 and torch.allclose(hooked, plain, atol=1e-6)
    hook.remove()
    assert torch.equal(network("sst", tokens), plain) and len(calls) == 1


def test_a_copy_of_a_network_is_packed_as_it_was() -> None:
    network, tokens = small.network().eval(), small.batch("sst").tokens
    assert copy.deepcopy(network)._packs
    assert torch.equal(copy.deepcopy(network)("sst", tokens), network("sst", tokens))
