"""The optimizer, and the norm of a gradient."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.recipe import AdamW


def gradient_norm(value: Tensor, parameters: list[nn.Parameter]) -> float:
    """The norm of a scalar's gradient over all parameters; its graph stays alive."""
    if not value.requires_grad:
        return 0.0
    gradients = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
    parts = [part.coalesce().values() if part.is_sparse else part for part in gradients if part is not None]
    norms = torch._foreach_norm(parts)
    return float(torch.stack(list(norms)).norm()) if norms else 0.0


def adamw(settings: AdamW, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Torch's fused AdamW on these parameters (none is allowed: a run that trains nothing)."""
    if not parameters:
        parameters = [nn.Parameter(torch.zeros(1))]
    return torch.optim.AdamW(
        parameters,
        lr=settings.rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.eps,
        weight_decay=settings.weight_decay,
        fused=True,
    )
