"""Linear layers in bf16 on a CPU, for many tokens. Torch's own way rounds the weights inside each product, and beyond
256 tokens once for every thread; here they are rounded once for the pass and its gradient. This needs avx512_bf16, not
AMX; products that are left to torch are rounded with AMX alone (``model.precision``)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from model.kernels.switch import enabled

MANY = 256  # tokens; with fewer torch's way is as fast


def linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """The layer's output [tokens, width] of [tokens, width]. Where products are of bf16 (``model.precision``) and the
    tokens many, it is rounded, too, as is the gradient of ``x``; as with torch's autocast. The weight's gradient is a
    product of torch's own, in fp32."""
    if not enabled() or x.device.type != "cpu" or torch.get_float32_matmul_precision() != "medium":
        own: Tensor = layer(x)
        return own
    if len(x) <= MANY or not torch.cpu._is_avx512_bf16_supported():
        return (x @ layer.weight.t()).add_(layer.bias)  # quicker by a tenth than torch's own order
    output: Tensor = Rounded.apply(x, layer.weight, layer.bias)  # type: ignore[no-untyped-call]
    return output


class Rounded(torch.autograd.Function):
    """Rounded inputs times rounded weights, and the bias."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        rounded = weight.bfloat16()
        ctx.save_for_backward(x, rounded)
        return torch.nn.functional.linear(x.bfloat16(), rounded).float().add_(bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, rounded = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        return (
            (gradient.bfloat16() @ rounded).float() if of_x else None,
            gradient.t() @ x if of_weight else None,
            gradient.sum(0) if of_bias else None,
        )
