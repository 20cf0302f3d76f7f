"""Dropout on a CPU at a fraction of torch's price."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model.kernels.switch import enabled

LANES = 1 << 16  # a 64-bit draw decides for four numbers


def drop(x: Tensor, rate: float) -> Tensor:
    """``x`` with each number 0 with probability ``rate``, else divided by 1 - rate (Srivastava et al. 2014), from the
    device's global generator. On a CPU the rate is rounded to a 65,536th."""
    return x * factors(x, rate) if on_cpu(x, rate) else functional.dropout(x, rate)


def drop_and_add(x: Tensor, rate: float, other: Tensor) -> Tensor:
    """``drop(x, rate) + other``."""
    return torch.addcmul(other, x, factors(x, rate)) if on_cpu(x, rate) else functional.dropout(x, rate) + other


def on_cpu(x: Tensor, rate: float) -> bool:
    """Whether there is something to drop, and on a CPU."""
    return enabled() and x.device.type == "cpu" and 0 < rate < 1 - 1 / LANES


def factors(x: Tensor, rate: float) -> Tensor:
    """What ``drop`` multiplies ``x`` by: 0 or 1 / (1 - rate), from numpy's SFC64 seeded by a draw of torch's generator,
    which would take twice as long for all of them."""
    dropped = round(rate * LANES)
    seed = int(torch.empty((), dtype=torch.int64).random_())
    draws = np.random.SFC64(seed).random_raw(-(-x.numel() // 4)).view(np.int16)
    lanes = torch.from_numpy(draws)[: x.numel()].view(x.shape).to(torch.float32)
    kept = lanes.sub_(dropped - (LANES >> 1) - 1).clamp_(0, 1)  # of whole numbers, so 0 or 1
    return kept.mul_(LANES / (LANES - dropped)).to(x.dtype)
