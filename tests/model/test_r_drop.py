"""R-Drop: its formula, the authors' code, and what it costs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model.objectives.cross_entropy import CrossEntropy
from model.regularizers.r_drop import RDrop
from model.settings import edit
from model.task import SST
from model.task_forward import TaskForward
from model.train import Epoch, train
from tests.model import small
from tests.model.toy import grid, lively, passes


class Twice:
    """A ``Forward`` whose two passes gave these predictions."""

    task, objective = SST, CrossEntropy()

    def __init__(self, first: Tensor, second: Tensor, labels: Tensor) -> None:
        self.logits, self.second = first, second
        self.batch: Any = type("Labels", (), {"labels": labels})
        self.loss = functional.cross_entropy(first, labels)

    def again(self, dropout: str) -> Tensor:
        assert dropout == "fresh"
        return self.second


FIRST, SECOND, LABELS = 2 * grid(6, 3), 2 * grid(6, 3, pace=1.1), torch.arange(6) % 3


def total(weight: float, both: bool, forward: Any) -> float:
    """What the loop minimises."""
    penalty = RDrop(weight=weight, both=both).penalty(forward)
    assert penalty is not None
    return float(forward.loss + weight * penalty)


def test_value_by_hand() -> None:
    half, quarter = (torch.tensor([[p, 1 - p]], dtype=torch.float64).log() for p in (0.5, 0.25))
    value = RDrop(both=False).penalty(Twice(half, quarter, torch.tensor([0])))  # type: ignore[arg-type]
    assert value is not None
    assert value.item() == pytest.approx(torch.tensor(3.0).log().item() / 8)
    # and the losses log 2 and log 4 are averaged
    assert total(2.0, True, Twice(half, quarter, torch.tensor([0]))) == pytest.approx(
        1.5 * torch.tensor(2.0).log().item() + 2 * torch.tensor(3.0).log().item() / 8
    )


@pytest.mark.parametrize("weight", [0.5, 5.0])
def test_agrees_with_the_authors_code(weight: float) -> None:
    """Golden numbers: R-Drop at 9dcc830, bert_kl on the logits above: the two losses together 3.92..., and half the
    two divergences 8.13... It SUMS the divergence over the batch of 6 where the losses are means, so that alpha means
    more in a larger batch; the paper's equation is per item."""
    losses, summed = 3.9274381337938085, 8.130251579155559
    assert total(weight, True, Twice(FIRST, SECOND, LABELS)) == pytest.approx(
        losses / 2 + weight * summed / 6, rel=1e-13
    )
    doubled = Twice(FIRST.repeat(2, 1), SECOND.repeat(2, 1), LABELS.repeat(2))
    assert total(weight, True, doubled) == pytest.approx(total(weight, True, Twice(FIRST, SECOND, LABELS)), rel=1e-13)


@pytest.mark.parametrize("task", ["sst", "quora", "sts"])
def test_one_more_pass_and_zero_without_dropout(task: str) -> None:
    network = lively(small.network())
    seen = passes(network)
    penalty = RDrop(both=False).penalty(TaskForward(network, small.batch(task), 0, 0))
    assert penalty is not None
    assert penalty.item() > 1e-4
    assert seen == [True, True]
    penalty = RDrop().penalty(TaskForward(network.eval(), small.batch(task), 0, 0))
    assert penalty is not None
    assert penalty.item() == 0.0


def test_both_passes_are_trained() -> None:
    first, second = (part.clone().requires_grad_() for part in (FIRST, SECOND))
    forward: Any = Twice(first, second, LABELS)
    penalty = RDrop(weight=1e-9).penalty(forward)
    assert penalty is not None
    (forward.loss + 1e-9 * penalty).backward()
    one_hot = functional.one_hot(LABELS, 3)
    for part in (first, second):  # the gradient of a mean cross-entropy, halved
        torch.testing.assert_close(
            part.grad, (functional.softmax(part, dim=-1) - one_hot).detach() / 12, atol=1e-8, rtol=0
        )


@pytest.mark.parametrize("both", [True, False])
def test_weight_zero_is_the_baseline_to_the_last_bit(both: bool) -> None:
    plain = small.weights(small.trained(small.run()))
    for weight, equal in ((0.0, True), (2.0, False)):
        regularized = dataclasses.replace(small.RECIPE, regularizers=(RDrop(weight=weight, both=both),))
        assert small.same(plain, small.weights(small.trained(small.run(regularized)))) is equal


def test_a_row_can_have_it_without_a_line_elsewhere() -> None:
    """A recipe takes the declaration under its slug, its settings included, and trains with it."""
    recipe = edit(edit(small.RECIPE, "r_drop", RDrop()), "r_drop.weight", "3", typed=True)
    assert recipe.regularizers == (RDrop(weight=3.0),)
    assert recipe.ready
    epochs = [event for event in train(small.run(recipe)) if isinstance(event, Epoch)]
    assert {"r_drop/sst", "r_drop/quora", "r_drop/sts"} <= epochs[-1].signals.keys()


def test_a_task_left_out_has_no_penalty() -> None:
    forward = TaskForward(small.network(), small.batch("sst"), 0, 0)
    assert RDrop(tasks=("sts",)).penalty(forward) is None


def test_does_not_move_the_masks_of_others() -> None:
    """The clean pass replayed after R-Drop's is the clean pass."""
    forward = TaskForward(small.network(), small.batch("sst"), 0, 0)
    RDrop().penalty(forward)
    assert torch.equal(forward.again(dropout="same"), forward.logits)
