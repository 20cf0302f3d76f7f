"""Pair features against their formulas, and that separate and joint encoding read what they say."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.declaration import SettingError
from model.interfaces import Encoded, Pairing, Tokens
from model.kernels.padding_layout import Layout
from model.objectives.bce import BceWithLogits
from model.pairing.joint import Joint
from model.pairing.separate import Concatenate, Cosine, Difference
from model.pairing.single import Single
from model.recipe import Branch, Recipe
from model.task import QUORA, STS
from tests.model import small

U, V = small.draws(4, 6, name="u"), small.draws(4, 6, name="v")
SEPARATE = [Concatenate(), Difference(), Cosine()]


def encoded(*pooled: Tensor) -> Encoded:
    rows = torch.cat(pooled)
    return Encoded(pooled=rows, mask=torch.ones(len(rows), 1))


def features(pairing: Pairing, *pooled: Tensor, dropout: nn.Module | None = None) -> Tensor:
    return pairing.features(encoded(*pooled), dropout or nn.Identity())


def test_formulas() -> None:
    assert torch.equal(features(Single(), U), U)
    assert torch.equal(features(Joint(), U), U)
    assert torch.equal(features(Concatenate(), U, V), torch.hstack((U, V)))
    assert torch.equal(features(Difference(), U, V), (U - V).abs())
    normalised = (functional.normalize(U) * functional.normalize(V)).sum(dim=1, keepdim=True)
    assert torch.allclose(features(Cosine(), U, V), normalised, atol=1e-7)


def test_closed_forms() -> None:
    u, v = torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]])
    assert features(Cosine(), u, v).item() == pytest.approx(24 / 25)
    assert features(Difference(), u, v).tolist() == [[1.0, 1.0]]
    assert features(Concatenate(), u, v).tolist() == [[3.0, 4.0, 4.0, 3.0]]


@pytest.mark.parametrize("pairing", [*SEPARATE, Single(), Joint()])
def test_width_is_what_a_head_receives(pairing: Pairing) -> None:
    rows = (U, V) if pairing in SEPARATE else (U,)
    assert features(pairing, *rows).shape == (4, pairing.width(6))


@pytest.mark.parametrize("pairing", [Difference(), Cosine()])
def test_the_order_of_the_sentences_does_not_matter(pairing: Pairing) -> None:
    assert torch.equal(features(pairing, U, V), features(pairing, V, U))
    assert not torch.equal(features(Concatenate(), U, V), features(Concatenate(), V, U))


def test_equal_sentences_have_no_difference_and_cosine_1() -> None:
    assert not features(Difference(), U, U).any()
    assert torch.allclose(features(Cosine(), U, U), torch.ones(4, 1))


def test_the_cosine_does_not_see_lengths_and_stays_within_1() -> None:
    assert torch.allclose(features(Cosine(), 9 * U, 0.1 * V), features(Cosine(), U, V), atol=1e-6)
    assert features(Cosine(), small.draws(500, 3), small.draws(500, 3, name="w")).abs().max().item() <= 1 + 1e-6


@pytest.mark.parametrize("pairing", [*SEPARATE, Single(), Joint()])
def test_dropout_falls_once_on_the_pooled_states(pairing: Pairing) -> None:
    seen: list[tuple[int, ...]] = []

    class Watched(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(tuple(x.shape))
            return 2 * x

    rows = (U, V) if pairing in SEPARATE else (U,)
    pair = features(pairing, *rows, dropout=Watched())
    assert seen == [(4 * len(rows), 6)]
    assert torch.allclose(pair, features(pairing, *(2 * row for row in rows)))


@pytest.mark.parametrize("pairing", SEPARATE)
def test_separate_sentences_never_see_each_other(pairing: Pairing) -> None:
    recipe = with_sts(pairing)
    network, batch = small.network(recipe).eval(), small.batch("sts", recipe)
    rows = network.encode(batch.tokens, network.embed(batch.tokens)).pooled
    tokens = batch.tokens
    alone = Tokens(tokens.ids[:4], tokens.mask[:4], tokens.types[:4], Layout.of(tokens.mask[:4].bool().numpy()))
    assert torch.allclose(rows[:4], network.encode(alone, network.embed(alone)).pooled, atol=1e-6)
    assert not batch.tokens.types.any()


def test_joint_sentences_do_and_are_told_apart_by_token_type() -> None:
    recipe = with_sts(Joint())
    batch = small.batch("sts", recipe)
    assert len(batch.tokens.ids) == 4
    assert batch.tokens.types.any()
    network = small.network(recipe).eval()
    other = dataclasses.replace(batch.tokens, ids=torch.where(batch.tokens.types == 1, 1, batch.tokens.ids))
    assert not torch.allclose(network("sts", batch.tokens), network("sts", other), atol=1e-4)


def with_sts(pairing: Pairing) -> Recipe:
    branch = Branch(task=STS, pairing=pairing, objective=BceWithLogits())
    return dataclasses.replace(small.only("sts"), branches=(branch,))


@pytest.mark.parametrize("pairing", SEPARATE)
def test_row_i_of_a_separate_batch_pairs_with_row_i_plus_batch(pairing: Pairing) -> None:
    recipe = with_sts(pairing)
    network, table = small.network(recipe).eval(), small.table(recipe.branches[0])
    whole = network("sts", small.batch("sts", recipe).tokens)
    for item in range(4):
        lone = network("sts", table.batch(torch.tensor([item]).numpy()).tokens)
        assert torch.allclose(whole[item], lone[0], atol=1e-5)


def test_a_pairing_of_the_wrong_number_of_sentences_is_refused() -> None:
    with pytest.raises(SettingError, match=r"quora\.pairing 'single' does not fit 2 sentence"):
        Branch(task=QUORA, objective=BceWithLogits())
