"""A frozen encoder's answers are computed once, and are the answers."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from model.heads.routing import Routing
from model.recipe import Branch, Recipe
from model.regularizers.smart import Smart
from model.run import Run
from model.task import SST
from model.train import Epoch, Tick, train
from model.update_cost import is_encoded_once
from tests.model import small
from tests.model.toy import passes

FROZEN = dataclasses.replace(small.RECIPE, trainable="heads", encoder_dropout_when_frozen=False, epochs=3)
DROPPING = dataclasses.replace(FROZEN, encoder_dropout_when_frozen=True)
ROUTED = dataclasses.replace(small.SENTIMENT, head=Routing(vectors=4))


def passes_by_epoch(recipe: Recipe) -> list[int]:
    """Encoder passes of each epoch, scoring included."""
    run = small.run(recipe)
    seen, counts = passes(run.network), [0]
    counts += [len(seen) for event in train(run) if isinstance(event, Epoch)]
    return [later - sooner for sooner, later in itertools.pairwise(counts)]


def test_passes_through_the_encoder() -> None:
    """Three tasks: three tables to train on, six to score; each fits one scoring batch. Nine updates of three tasks."""
    assert passes_by_epoch(FROZEN) == [9, 0, 0]
    assert passes_by_epoch(DROPPING) == [9 + 6, 9, 9]
    regular = dataclasses.replace(FROZEN, regularizers=(Smart(),))
    assert passes_by_epoch(regular) == [27 + 6, 27, 27]
    assert passes_by_epoch(dataclasses.replace(FROZEN, trainable="all")) == [15, 15, 15]


@pytest.mark.parametrize(
    ("recipe", "training", "scoring"),
    [
        (FROZEN, True, True),
        (DROPPING, False, True),
        (dataclasses.replace(FROZEN, regularizers=(Smart(),)), False, True),
        (dataclasses.replace(FROZEN, trainable="all"), False, False),
        (dataclasses.replace(FROZEN, branches=(ROUTED, *FROZEN.branches[1:])), False, False),
    ],
)
def test_answers_are_kept_only_where_they_cannot_change(recipe: Recipe, training: bool, scoring: bool) -> None:
    assert is_encoded_once(recipe, SST.name, training=True) == training
    assert is_encoded_once(recipe, SST.name, training=False) == scoring


@pytest.mark.parametrize("recipe", [FROZEN, DROPPING])
def test_a_kept_answer_changes_nothing(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to rounding, which differs with the size of a batch."""
    once = results(small.run(recipe))
    monkeypatch.setattr("model.trainer.is_encoded_once", lambda *_: False)
    monkeypatch.setattr("model.train.is_encoded_once", lambda *_: False)
    expected = results(small.run(recipe))
    assert once.keys() == expected.keys()
    for name in once:
        assert torch.allclose(once[name], expected[name], atol=1e-5), name


def results(run: Run) -> dict[str, torch.Tensor]:
    """Losses and metrics of every epoch, and the weights at the end."""
    figures: dict[str, torch.Tensor] = {}
    for event in train(run):
        if isinstance(event, Epoch):
            figures |= {f"{event.number} {name}": torch.tensor(value) for name, value in event.signals.items()}
            metrics = {name: x.metric for name, x in event.scores.items() if x.metric}
            figures |= {f"{event.number} {name}": torch.tensor(metric) for name, metric in metrics.items()}
    return figures | small.weights(run.network)


def test_a_resumed_training_computes_them_again_to_the_same_bit() -> None:
    whole = small.run(FROZEN)
    expected = results(whole)
    first = small.run(FROZEN)
    for event in train(first):
        if isinstance(event, Tick) and event.step == 4:
            state = event.take()
            break
    states = {name: tensor.clone() for name, tensor in state.tensors.items()}
    second = small.run(FROZEN)
    for _ in train(second, dataclasses.replace(state, tensors=states)):
        pass
    assert small.same(small.weights(second.network), small.weights(whole.network))
    assert expected


def test_both_sentences_of_a_pair_are_found_again() -> None:
    """Every kept row is the encoder's answer for that row."""
    branch: Branch = small.PARAPHRASE
    run, table = small.run(FROZEN), small.table(branch)
    network = run.network.eval()
    items = torch.tensor([7, 2, 9])
    batch = table.batch(items.numpy())
    fresh = network.encode(batch.tokens, network.embed(batch.tokens)).pooled
    assert torch.allclose(run.frozen.encoded(table, batch).pooled, fresh, atol=1e-6)


def test_a_table_that_is_let_go_leaves_its_answers_to_no_other() -> None:
    """Memory, and with it an id, is used again."""
    run = small.run(FROZEN)
    for rows in range(5, 40):
        table = small.table(small.SENTIMENT, rows)
        batch = table.batch(torch.arange(4).numpy())
        fresh = run.network.eval().encode(batch.tokens, run.network.embed(batch.tokens)).pooled
        assert torch.allclose(run.frozen.encoded(table, batch).pooled, fresh, atol=1e-6)
