"""The gradient of a large table's few rows: what it is, and that nothing else becomes of a training."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from model.combiners.pcgrad import PcGrad, PcGradAtEpochEnd, align, gram
from model.combiners.torchjd import TorchJd
from model.kernels.sparse_embedding import Dense, lookup
from model.recipe import Recipe
from model.regularizers.proximal import ParameterProximal
from model.regularizers.r_drop import RDrop
from model.regularizers.smart import Smart
from tests.model import small

IDS = torch.tensor([[3, 1, 3], [4, 0, 1]])


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table is a large one."""
    monkeypatch.setattr("model.kernels.sparse_embedding.LARGE", 0)


def table(padding: int | None = None) -> nn.Embedding:
    words = nn.Embedding(6, 2, padding_idx=padding)
    with torch.no_grad():
        words.weight.copy_(torch.arange(12.0).reshape(6, 2))
    return words


def test_by_hand(large: None) -> None:
    words = table()
    vectors = lookup(words, IDS)
    assert vectors[0, 2].tolist() == [6.0, 7.0]
    (vectors * torch.arange(1.0, 7.0).reshape(2, 3, 1)).sum().backward()
    gradient = words.weight.grad
    assert gradient is not None and gradient.is_sparse
    gradient = gradient.coalesce()
    assert gradient.indices().tolist() == [[0, 1, 3, 4]]
    assert gradient.values()[:, 0].tolist() == [5.0, 2.0 + 6.0, 1.0 + 3.0, 4.0]


@pytest.mark.parametrize("padding", [None, 0])
def test_it_is_the_dense_gradient(large: None, padding: int | None) -> None:
    ours, theirs = table(padding), table(padding)
    direction = small.draws(2, 3, 2)
    (lookup(ours, IDS) * direction).sum().backward()
    (theirs(IDS) * direction).sum().backward()
    assert ours.weight.grad is not None
    assert torch.equal(ours.weight.grad.to_dense(), theirs.weight.grad)  # type: ignore[arg-type]


def test_a_small_or_frozen_table_is_looked_up_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    words = table()
    lookup(words, IDS).sum().backward()
    assert words.weight.grad is not None and not words.weight.grad.is_sparse
    monkeypatch.setattr("model.kernels.sparse_embedding.LARGE", 0)
    words.requires_grad_(False)
    assert not lookup(words, IDS).requires_grad


def test_the_optimizers_gradient_keeps_its_memory_and_no_old_rows(large: None) -> None:
    words, dense = table(), Dense()
    kept = set()
    for ids in ([1, 3], [3, 5], []):
        words.weight.grad = None
        lookup(words, torch.tensor(ids, dtype=torch.long)).sum().backward()
        dense.fill(words.weight)
        gradient = words.weight.grad
        assert gradient is not None
        assert gradient[:, 0].tolist() == [float(row in ids) for row in range(6)]
        kept.add(gradient.data_ptr())
    assert len(kept) == 1
    words.weight.grad = torch.ones(6, 2)
    dense.fill(words.weight)
    assert words.weight.grad.sum() == 12


def test_gradients_are_aligned_on_the_rows_that_some_task_has() -> None:
    def rows(*places: int) -> torch.Tensor:
        return torch.sparse_coo_tensor([list(places)], torch.ones(len(places), 2), (6, 2), check_invariants=True)

    whole, kept = align([[rows(1, 3), None], [rows(3, 5), rows(2)], [None, torch.ones(6, 2)]])
    assert kept[0].tolist() == [1, 3, 5]
    assert [None if task[0] is None else task[0][:, 0].tolist() for task in whole] == [[1, 1, 0], [0, 1, 1], None]
    assert list(kept) == [0]  # the second has a dense one
    assert whole[1][1] is not None and whole[1][1][:, 0].tolist() == [0, 0, 1, 0, 0, 0]
    assert gram(whole).tolist() == [[4, 2, 0], [2, 4 + 2, 2], [0, 2, 12]]


RECIPES: dict[str, dict[str, Any]] = {
    "sum": {},
    "one task": {"branches": small.RECIPE.branches[:1], "schedule": small.only("sst").schedule},
    "pcgrad": {"combiner": PcGrad()},
    "pcgrad at epoch end": {"combiner": PcGradAtEpochEnd()},
    "torchjd": {"combiner": TorchJd(aggregator="Mean")},
    "smart": {"regularizers": (Smart(),)},
    "r-drop": {"regularizers": (RDrop(),)},
    "proximal, whose gradient is dense": {"regularizers": (ParameterProximal(steps_per_anchor=2),)},
    "proximal with pcgrad": {"combiner": PcGrad(), "regularizers": (ParameterProximal(steps_per_anchor=2),)},
}


@pytest.mark.parametrize("changes", RECIPES.values(), ids=RECIPES)
def test_a_training_has_the_same_bits(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> None:
    """But for the sum of three tasks' dot products, which takes the table's numbers in another order."""
    recipe: Recipe = dataclasses.replace(small.RECIPE, **changes)
    expected = small.weights(small.trained(small.run(recipe)))
    monkeypatch.setattr("model.kernels.sparse_embedding.LARGE", 0)
    sparse = small.weights(small.trained(small.run(recipe)))
    if isinstance(recipe.combiner, PcGrad | PcGradAtEpochEnd):
        assert all(torch.allclose(sparse[name], expected[name], rtol=1e-5, atol=1e-7) for name in sparse)
    else:
        assert small.same(sparse, expected)


def test_pieces_of_a_batch_add_up(large: None) -> None:
    for combiner in (small.RECIPE.combiner, PcGrad()):
        recipe = dataclasses.replace(small.RECIPE, dropout=0.0, combiner=combiner)
        parts = dataclasses.replace(small.run(recipe), pieces=2)
        for part in parts.network.encoder.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
        whole = small.run(recipe)
        for part in whole.network.encoder.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
        a, b = small.weights(small.trained(parts, 1)), small.weights(small.trained(whole, 1))
        assert all(torch.allclose(a[name], b[name], atol=2e-4) for name in a)
