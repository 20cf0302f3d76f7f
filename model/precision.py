"""How exactly a run multiplies its matrices. ``bf16`` rounds what it multiplies and adds up in fp32: on a CPU inside
each product (torch.set_float32_matmul_precision; for many tokens see ``model.kernels.bf16_linear``), on a GPU through
torch's autocast. To torch's CPU library, oneDNN, that setting is leave to round, no order: among x86 processors it
rounds with AMX alone. Any other multiplies fp32 as it is, avx512_bf16 or not, and is the more exact for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

from model.lazy_torch import torch

Precision = Literal["fp32", "bf16"]
TILE = 32  # tokens: a bf16 kernel is compiled for every number of them that comes


@contextmanager
def products(precision: Precision) -> Iterator[None]:
    """What a CPU multiplies inside may be of this precision, gradients included; never of a lower one."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if precision == "bf16" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def passes(precision: Precision, device: str) -> AbstractContextManager[object]:
    """The passes forward inside, and their gradients wherever they are taken, are of this precision on a GPU."""
    if device == "cpu" or precision == "fp32":
        return nullcontext()
    autocast: AbstractContextManager[object] = torch.autocast(device, torch.bfloat16)
    return autocast


def settle(threads: int) -> None:
    """How this process computes on a CPU, before it computes anything: with so many threads, and with 0 for numbers
    nearer to it than 1.2e-38, which a processor would otherwise take many steps for. A network that has collapsed is
    full of them: its updates took twice as long."""
    torch.set_flush_denormal(True)  # False where a processor cannot: then they only take long
    torch.set_num_threads(threads)
