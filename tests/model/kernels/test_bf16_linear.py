"""Linear layers that round once a pass, against the definition and torch's own way."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model.kernels import bf16_linear
from model.kernels.bf16_linear import linear
from model.precision import products
from tests.model import small
from tests.model.processor import FLAGS, ROUNDS

fast = pytest.mark.skipif("avx512_bf16" not in FLAGS, reason="this processor has no bf16 products")


def layer() -> nn.Linear:
    linear_layer = nn.Linear(128, 96)
    with torch.no_grad():
        linear_layer.weight.copy_(small.draws(96, 128, name="weight"))
        linear_layer.bias.copy_(small.draws(96, name="bias"))
    return linear_layer


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bf16_linear, "MANY", 4)


@fast
def test_by_hand() -> None:
    """1.00390625 = 1 + 2^-8 lies between two bf16 numbers and goes to the even one, 1; so does its square's sum."""
    by_hand = nn.Linear(2, 1)
    with torch.no_grad():
        by_hand.weight.copy_(torch.tensor([[1.00390625, 3.0]]))
        by_hand.bias.fill_(0.001)
    x = torch.tensor([[1.00390625, 1.0]]).repeat(5, 1)
    with products("bf16"):
        assert linear(by_hand, x).flatten().tolist() == [pytest.approx(4.001, rel=1e-7)] * 5
    assert linear(by_hand, x)[0].item() == pytest.approx(1.00390625**2 + 3.001, rel=1e-7)


@fast
def test_values_and_gradients_against_rounded_operands() -> None:
    """In fp64: the inputs' gradient sees rounded weights, the weights' gradient what torch multiplies: inputs that are
    rounded with AMX, and as they are without."""
    part_, x = layer(), small.draws(64, 128, name="x").requires_grad_()
    direction = small.draws(64, 96, name="direction")
    with products("bf16"):
        output = linear(part_, x)
        gradients = torch.autograd.grad((output * direction).sum(), (x, part_.weight, part_.bias))
    inputs, weight, outputs = (part.detach().bfloat16().double() for part in (x, part_.weight, direction))
    torch.testing.assert_close((output - part_.bias).double(), inputs @ weight.t(), rtol=2**-8, atol=1e-4)
    torch.testing.assert_close(gradients[0].double(), outputs @ weight, rtol=2**-8, atol=1e-4)
    left, right = (outputs, inputs) if ROUNDS else (direction.double(), x.detach().double())
    torch.testing.assert_close(gradients[1].double(), left.t() @ right, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(gradients[2], direction.sum(0))


def test_fp32_has_the_layers_own_bits() -> None:
    part, x = layer(), small.draws(64, 128, name="x")
    assert torch.equal(linear(part, x), part(x))


def test_few_tokens_are_rounded_within_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bf16_linear, "MANY", 64)
    part, x = layer(), small.draws(64, 128, name="x")
    with products("bf16"):
        torch.testing.assert_close(linear(part, x), part(x), rtol=1e-6, atol=1e-5)


@fast
def test_a_frozen_layer_gets_no_gradient() -> None:
    part, x = layer().requires_grad_(False), small.draws(64, 128, name="x").requires_grad_()
    with products("bf16"):
        linear(part, x).sum().backward()
    assert x.grad is not None and part.weight.grad is None and part.bias.grad is None
