"""Divergences in float32 against float64 of the same logits, from differences of 1 down to 1e-12."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor

from model.divergences import Form, Kind, divergence
from tests.model.small import draws

APART = [10.0**-power for power in range(13)]
KINDS: dict[Kind, int] = {"symmetric_kl": 5, "bernoulli_symmetric_kl": 1}  # and outputs
FORMS: tuple[Form, ...] = ("auto", "kl", "reverse_kl", "stopped")
EXACT: tuple[Form, ...] = FORMS[1:]


def nearby(kind: Kind, apart: float) -> tuple[Tensor, Tensor]:
    """Logits [256, outputs] that far apart; small enough for float32 to hold both."""
    scale = min(1.0, apart * 1e4)
    q = scale * draws(256, KINDS[kind])
    return q + apart * draws(256, KINDS[kind], name="apart"), q


def computed(p: Tensor, q: Tensor, kind: Kind, form: Form) -> tuple[Tensor, Tensor]:
    """Values [batch], and both gradients beside each other [batch, 2 outputs], in float64."""
    p, q = p.detach().requires_grad_(), q.detach().requires_grad_()
    values = divergence(p, q, kind, form)
    gradients = torch.autograd.grad(values.sum(), (p, q))
    return values.detach().double(), torch.cat(gradients, dim=-1).double()


def errors(p: Tensor, q: Tensor, kind: Kind, form: Form) -> list[float]:
    """The worst relative errors of an item's value and of its gradient."""
    ours, exact = computed(p, q, kind, form), computed(p.double(), q.double(), kind, form)
    gradient = (ours[1] - exact[1]).norm(dim=-1) / exact[1].norm(dim=-1)
    return [((ours[0] - exact[0]).abs() / exact[0]).max().item(), gradient.max().item()]


@pytest.mark.parametrize("apart", APART)
@pytest.mark.parametrize("form", EXACT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_one_sided_form_has_the_precision_of_float32_however_near_the_two_are(
    kind: Kind, form: Form, apart: float
) -> None:
    assert max(errors(*nearby(kind, apart), kind, form)) < 5e-6


@pytest.mark.parametrize("apart", APART)
@pytest.mark.parametrize("kind", KINDS)
def test_auto_has_the_precision_of_the_logarithms_that_it_subtracts(kind: Kind, apart: float) -> None:
    p, q = nearby(kind, apart)
    ours, exact = computed(p, q, kind, "auto"), computed(p.double(), q.double(), kind, "auto")
    rounding = 4 * torch.finfo(torch.float32).eps  # of two logarithms and two probabilities
    size = (p - q).abs().amax(dim=-1).double()
    assert ((ours[0] - exact[0]).abs() <= rounding * (size + rounding)).all()
    assert ((ours[1] - exact[1]).norm(dim=-1) <= 2 * rounding).all()


@pytest.mark.parametrize("apart", APART)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_divergence_is_negative(kind: Kind, form: Form, apart: float) -> None:
    p, q = draws(4096, KINDS[kind]), draws(4096, KINDS[kind]) + apart * draws(4096, KINDS[kind], name="apart")
    assert (divergence(p, q, kind, form) >= 0).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_value_and_gradient_of_equal_predictions_are_0_to_the_last_bit(kind: Kind, form: Form) -> None:
    p = 30 * draws(256, KINDS[kind])
    values, gradients = computed(p, p.clone(), kind, form)
    assert torch.equal(values, torch.zeros_like(values))
    assert torch.equal(gradients, torch.zeros_like(gradients))


@pytest.mark.parametrize("form", EXACT)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("far", [10.0, 79.0, 81.0, 89.0, 500.0, 1e6])
def test_far_predictions_have_finite_values_and_gradients(kind: Kind, form: Form, far: float) -> None:
    p, q = far * draws(256, KINDS[kind]), far * draws(256, KINDS[kind], name="apart")
    values, gradients = computed(p, q, kind, form)
    exact, slopes = computed(p.double(), q.double(), kind, form)
    torch.testing.assert_close(values, exact, rtol=1e-5, atol=1e-30)
    torch.testing.assert_close(gradients, slopes, rtol=1e-4, atol=1e-6 * far)


@pytest.mark.parametrize("side", ["p", "q", "both"])
def test_a_class_without_probability(side: Literal["p", "q", "both"]) -> None:
    least = torch.tensor([[0.0, 1.0, -torch.inf]])
    p, q = (least if side in (name, "both") else torch.tensor([[0.5, 0.2, 0.1]]) for name in ("p", "q"))
    value, gradient = computed(p, q, "symmetric_kl", "kl")
    if side == "q":
        assert value.item() == torch.inf
    else:
        expected = torch.distributions.kl_divergence(*(torch.distributions.Categorical(logits=t) for t in (p, q)))
        assert value.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-12)
        assert gradient.isfinite().all()
