"""Divergences: closed forms, what makes them divergences, and where two public implementations fail."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch.nn import functional

from model.divergences import Form, Kind, divergence
from tests.model.small import draws
from tests.model.toy import grid

P, Q = 2 * grid(6, 3), 2 * grid(6, 3, pace=1.1)  # logits
HALF = torch.tensor([[0.5, 0.5]], dtype=torch.float64).log()
QUARTER = torch.tensor([[0.25, 0.75]], dtype=torch.float64).log()
KINDS: dict[Kind, int] = {"symmetric_kl": 4, "bernoulli_symmetric_kl": 1, "squared": 1}  # and outputs


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("auto", math.log(3) / 4),
        ("stopped", math.log(3) / 4),
        ("kl", math.log(4 / 3) / 2),  # 1/2 log 2 + 1/2 log 2/3
        ("reverse_kl", math.log(1 / 2) / 4 + 3 * math.log(3 / 2) / 4),
    ],
)
def test_values_by_hand(form: Form, value: float) -> None:
    assert divergence(HALF, QUARTER, "symmetric_kl", form).item() == pytest.approx(value, abs=1e-15)
    odds = torch.zeros(1, 1, dtype=torch.float64), torch.tensor([[math.log(1 / 3)]], dtype=torch.float64)
    assert divergence(*odds, "bernoulli_symmetric_kl", form).item() == pytest.approx(value, abs=1e-15)


def test_bernoulli_form_is_difference_of_probabilities_times_difference_of_logits() -> None:
    a, b = 3 * grid(50, 1), 3 * grid(50, 1, pace=0.7)
    closed = ((a.sigmoid() - b.sigmoid()) * (a - b))[:, 0]
    torch.testing.assert_close(divergence(a, b, "bernoulli_symmetric_kl"), closed, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("form", ["auto", "kl", "reverse_kl", "stopped", "log_odds"])
def test_scores_have_one_form(form: Form) -> None:
    a, b = torch.tensor([[1.0], [4.0]]), torch.tensor([[1.5], [1.0]])
    assert divergence(a, b, "squared", form).tolist() == [0.25, 9.0]


@pytest.mark.parametrize("kind", KINDS)
def test_zero_for_equal_predictions_positive_and_symmetric_otherwise(kind: Kind) -> None:
    a, b = draws(64, KINDS[kind]), draws(64, KINDS[kind], name="others")
    assert torch.equal(divergence(a, a.clone(), kind), torch.zeros(64))
    assert (divergence(a, b, kind) > 0).all()
    assert torch.equal(divergence(a, b, kind), divergence(b, a, kind))
    assert divergence(a, b, kind).shape == (64,)


@pytest.mark.parametrize("form", ["kl", "reverse_kl", "stopped"])
def test_gradient_is_zero_at_equal_predictions(form: Form) -> None:
    a = P.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(divergence(a, P, "symmetric_kl", form).sum(), a)
    assert gradient.abs().max() < 1e-15


def test_a_constant_added_to_all_logits_changes_nothing() -> None:
    for form in ("auto", "kl", "reverse_kl"):
        shifted = divergence(P + 5, Q - 3, "symmetric_kl", form)
        torch.testing.assert_close(shifted, divergence(P, Q, "symmetric_kl", form))


def test_certain_predictions_stay_finite() -> None:
    far = torch.tensor([[200.0, -200.0]], requires_grad=True)
    cases: tuple[tuple[torch.Tensor, Kind, float], ...] = (
        (far, "symmetric_kl", 800.0),
        (far[:, :1], "bernoulli_symmetric_kl", 400.0),
    )
    for prediction, kind, expected in cases:
        value = divergence(prediction, -prediction.detach(), kind).sum()
        assert value.item() == pytest.approx(expected)
        assert torch.autograd.grad(value, far, retain_graph=True)[0].isfinite().all()


def test_stopped_form_has_the_value_of_auto_and_half_its_gradient_nearby() -> None:
    near = P + 1e-4 * Q
    gradients = {}
    for form in ("auto", "stopped"):
        a, b = near.clone().requires_grad_(), P.clone().requires_grad_()
        value = divergence(a, b, "symmetric_kl", form).sum()
        gradients[form] = torch.cat(torch.autograd.grad(value, (a, b)))
    assert torch.equal(divergence(near, P, "symmetric_kl"), divergence(near, P, "symmetric_kl", "auto"))
    torch.testing.assert_close(gradients["stopped"], gradients["auto"] / 2, rtol=1e-2, atol=1e-9)


def test_agrees_with_smart_pytorch_and_mt_dnn() -> None:
    # smart-pytorch at e96d863: kl_loss(P, Q), sym_kl_loss(P, Q); mt-dnn at 3228e7c: stable_kl(P, Q, reduce=False),
    # which works in float32. All on the logits above.
    assert divergence(P, Q, "symmetric_kl", "reverse_kl").mean().item() == pytest.approx(1.3805223254728676, rel=1e-14)
    assert divergence(P, Q, "symmetric_kl", "stopped").sum().item() == pytest.approx(16.260503158311117, rel=1e-14)
    assert divergence(P, Q, "symmetric_kl", "log_odds").sum().item() == pytest.approx(27.00012969970703, rel=1e-6)
    a, b = P.clone().requires_grad_(), Q.clone().requires_grad_()
    gradients = torch.autograd.grad(divergence(a, b, "symmetric_kl", "stopped").sum(), (a, b))
    probabilities = functional.softmax(P, dim=-1), functional.softmax(Q, dim=-1)
    torch.testing.assert_close(gradients[0], probabilities[0] - probabilities[1])
    assert [part.norm().item() for part in gradients] == pytest.approx([2.0113198954386005] * 2, rel=1e-14)


def test_reference_fault_kl_over_a_single_logit_is_always_zero() -> None:
    a, b = 3 * grid(8, 1), grid(8, 1, pace=0.7)
    theirs = functional.kl_div(
        functional.log_softmax(a, dim=-1), functional.softmax(b, dim=-1), reduction="sum"
    )  # what smart-pytorch, mt-dnn and smooth-valleys' code all compute
    assert theirs.item() == 0.0
    assert divergence(a, b, "bernoulli_symmetric_kl").min() > 1e-3
    with pytest.raises(ValueError, match="always 0"):
        divergence(a, b, "symmetric_kl")


def test_reference_fault_a_vector_against_a_column_compares_every_pair() -> None:
    scores = grid(4, 1)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        theirs = functional.mse_loss(scores.squeeze(), scores)  # mt-dnn's MseCriterion on equal predictions
    assert theirs.item() > 0.1
    assert "broadcasting" in str(heard[0].message)
    assert divergence(scores, scores, "squared").sum().item() == 0.0
    with pytest.raises(ValueError, match=r"shapes \(4,\) and \(4, 1\)"):
        divergence(scores[:, 0], scores, "squared")
