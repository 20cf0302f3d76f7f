"""Rows of tokens without their padding."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from model.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the real tokens of padded rows [rows, length] are."""

    rows: int
    length: int
    places: Tensor  # [tokens]: places in the flattened rows, row by row
    firsts: Tensor  # [rows]: each row's first token, counted among the real ones
    bias: Tensor | None  # [rows, 1, 1, length], 0 for real tokens and -inf for padding; None where there is none
    fill: int = 0  # how many of ``places`` are there to fill a tile and go nowhere

    @classmethod
    def of(cls, mask: np.ndarray, device: str = "cpu") -> Layout:
        """The layout of a boolean mask [rows, length] whose rows each begin with a real token."""
        rows, length = mask.shape
        ends = np.cumsum(mask.sum(axis=1))
        parts = (np.flatnonzero(mask), np.append(0, ends[:-1]), np.where(mask, 0, -np.inf).astype(np.float32))
        places, firsts, bias = (torch.from_numpy(part).to(device) for part in parts)
        return cls(rows, length, places, firsts, None if mask.all() else bias[:, None, None, :])

    def in_tiles(self, tile: int) -> Layout:
        """With copies of the first token at the end, to a whole number of tiles: fewer shapes for kernels that are
        compiled for each. Nothing reads what becomes of them."""
        if self.bias is None:
            return self
        fill = -len(self.places) % tile
        return dataclasses.replace(self, places=torch.nn.functional.pad(self.places, (0, fill)), fill=fill)

    def pack(self, padded: Tensor) -> Tensor:
        """[rows, length, ...] to [tokens, ...]."""
        flat = padded.flatten(0, 1)
        return flat if self.bias is None else flat.index_select(0, self.places)

    def pad(self, packed: Tensor) -> Tensor:
        """[tokens, width] to [rows, length, width], 0 at padding."""
        if self.bias is not None:
            real = len(self.places) - self.fill
            empty = packed.new_zeros(self.rows * self.length, packed.shape[-1])
            packed = empty.index_copy(0, self.places[:real], packed[:real])
        padded: Tensor = packed.unflatten(0, (self.rows, self.length))
        return padded
