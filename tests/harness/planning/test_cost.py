"""What a cell is expected to take, in plain updates of one token."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from experiments.profiles import PROFILES
from harness.cells.cell import Cell
from harness.planning.cost import cost, item_tokens, padded_tokens
from harness.planning.data import data_of
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.registry.selectors import find
from model.encoders.deberta import EFFORT, DebertaFromBert
from model.encoders.tiny import Tiny
from model.heads.routing import Routing
from model.recipe import Recipe
from model.regularizers.smart import Smart

SETUP = Setup(profile=PROFILES["demo"], data="embedded", encoder="tiny", seeds=1)


def cell(name: str, **changes: object) -> Cell:
    (row,) = plan([find(name)], SETUP)
    first = row.cells[0]
    return dataclasses.replace(first, recipe=dataclasses.replace(first.recipe, **changes))  # type: ignore[arg-type]


def tokens(recipe: Recipe, task: str) -> float:
    return item_tokens(recipe, recipe.branch(task), data_of(recipe, "embedded"))


@pytest.mark.parametrize(("rows", "batch"), [(1, 1), (1, 8), (2, 8), (2, 64)])
def test_the_longest_of_a_batch_is_what_draws_give(rows: int, batch: int) -> None:
    random = np.random.default_rng(1)
    first = [tuple(int(each) for each in random.integers(3, 40, size=rows)) for _ in range(300)]
    drawn = random.choice(np.array(first).ravel(), size=(20_000, rows * batch)).max(axis=1)
    assert padded_tokens(first, batch) == pytest.approx(rows * drawn.mean(), rel=0.01)


def test_an_item_that_is_alone_is_padded_to_itself() -> None:
    assert padded_tokens([(7,), (7,)], 8) == 7
    assert padded_tokens([(3,), (9,)], 1) == 6


def test_a_pair_counts_both_sentences() -> None:
    """Words, with two marks around each sentence apart, and three around both together."""
    recipe = cell("smart-vs-deberta/table1/bert-v1").recipe
    apart = tokens(recipe, "quora")
    joint = tokens(cell("smart-vs-deberta/table1/new-predict").recipe, "quora")
    assert apart == pytest.approx(joint + 1)


def test_padding_costs_where_it_is_computed() -> None:
    plain = cell("smartbert/table1/baseline").recipe
    padded = cell("smartbert/table1/sentiment-smart").recipe
    assert padded.regularizers[0].needs_padding and not plain.regularizers
    assert tokens(padded, "sst") > 1.2 * tokens(plain, "sst")


def test_a_penalty_costs_its_passes() -> None:
    """SMART takes 8/3 of a plain update; scoring and setting up stay as they are."""
    plain = cell("smart-vs-deberta/table1/bce-logits", epochs=4)
    smart = cell("smart-vs-deberta/table1/bce-logits", epochs=4, regularizers=(Smart(),))
    double = cell("smart-vs-deberta/table1/bce-logits", epochs=4, regularizers=(Smart(steps=2),))
    assert 1.8 < cost(smart) / cost(plain) < 8 / 3
    assert cost(double) - cost(smart) == pytest.approx((cost(smart) - cost(plain)) * 2 / 5)


def test_routing_and_disentangled_attention_cost_more() -> None:
    name = "smart-vs-deberta/table1/bce-logits"
    plain = cell(name)
    branches = tuple(dataclasses.replace(branch, head=Routing(vectors=24)) for branch in plain.recipe.branches)
    routed = cell(name, branches=branches)
    assert tokens(routed.recipe, "sst") == pytest.approx(3 * tokens(plain.recipe, "sst"))
    derived = DebertaFromBert(start=plain.recipe.encoder)
    assert derived.overhead == plain.recipe.encoder.overhead > 0
    assert cost(cell(name, encoder=derived)) > EFFORT * cost(plain)


def test_a_frozen_encoder_is_asked_once() -> None:
    """Twice the epochs add updates of the heads alone, which take what a pass takes beyond its tokens."""
    name = "bertram/table1/02-pretrained"
    frozen = {"trainable": "heads", "encoder_dropout_when_frozen": False}
    few, many = (cost(cell(name, epochs=epochs, **frozen)) for epochs in (4, 8))
    tuned = [cost(cell(name, epochs=epochs)) for epochs in (4, 8)]
    assert few < tuned[0]
    assert 0 < many - few < (tuned[1] - tuned[0])


def test_a_wide_encoder_has_no_overhead_to_speak_of() -> None:
    assert Tiny(hidden=128).overhead == Tiny().overhead / 4
    assert Tiny().making() > 0
