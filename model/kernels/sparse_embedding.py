"""The word table's gradient: some hundred of its thirty thousand rows are not zero, so only they are computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from model.kernels.switch import enabled

LARGE = 1 << 22  # numbers in a table; the gradient of a smaller one is dense


def lookup(table: nn.Embedding, ids: Tensor) -> Tensor:
    """The table's rows [..., width]. A large table's gradient is sparse and coalesced, and has the bits of the dense
    one; joined by a dense one it becomes dense."""
    weight = table.weight
    sparse = enabled() and weight.numel() >= LARGE
    if not (sparse and weight.requires_grad and torch.is_grad_enabled()):
        rows: Tensor = table(ids)
        return rows
    vectors: Tensor = Rows.apply(weight, ids, table.padding_idx)  # type: ignore[no-untyped-call]
    return vectors


class Rows(torch.autograd.Function):
    """Rows of a table, and the gradient of just these."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, ids: Tensor, padding: int | None) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.shape, ctx.padding = weight.shape, padding
        return torch.nn.functional.embedding(ids, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (ids,) = ctx.saved_tensors
        rows, places = ids.unique(return_inverse=True)
        values = torch.ops.aten.embedding_dense_backward(gradient, places, len(rows), -1, False)
        if ctx.padding is not None:
            values = values.masked_fill_((rows == ctx.padding)[:, None], 0)
        sparse = torch.sparse_coo_tensor(rows[None], values, ctx.shape, is_coalesced=True, check_invariants=False)
        return sparse, None, None


class Dense:
    """Dense gradients for the optimizer. Each sparse one has a tensor of its own from update to update, of which only
    the rows that were written are cleared."""

    def __init__(self) -> None:
        self._buffers: dict[nn.Parameter, tuple[Tensor, Tensor]] = {}  # the tensor, and its rows that are not zero

    def fill(self, parameter: nn.Parameter) -> None:
        """Make ``.grad`` dense if it is sparse. The tensor is good until the next call for the same parameter."""
        if parameter.grad is None or not parameter.grad.is_sparse:
            return
        gradient = parameter.grad.coalesce()
        rows, values = gradient.indices()[0], gradient.values()
        if parameter in self._buffers:
            whole, written = self._buffers[parameter]
            whole.index_fill_(0, written, 0)
        else:
            whole = torch.zeros_like(parameter)
        parameter.grad = whole.index_copy_(0, rows, values)
        self._buffers[parameter] = (whole, rows)
