"""The state of a training between two updates."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All that a training needs to go on from between two updates. Every random stream is keyed by name and position
    (``model.rng``), so the position holds them.

    ``tensors`` are the live ones, by name: whoever keeps them copies them before training goes on. ``position`` is
    plain data.
    """

    tensors: Mapping[str, Tensor]
    position: Mapping[str, Any]


def by_prefix(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """``optimizer/0/3/step`` as {"optimizer/0": {"3/step": ...}}; the others have no number."""
    groups: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, value in tensors.items():
        kind, _, rest = name.partition("/")
        if kind in ("optimizer", "regularizer"):
            number, _, rest = rest.partition("/")
            kind = f"{kind}/{number}"
        groups[kind][rest] = value
    return groups


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimizer the state that a snapshot has of it, its names being ``NUMBER/FIELD``."""
    state: dict[int, dict[str, Tensor]] = defaultdict(dict)
    for name, value in tensors.items():
        at, _, field = name.partition("/")
        state[int(at)][field] = value
    optimizer.load_state_dict({"state": dict(state), "param_groups": optimizer.state_dict()["param_groups"]})


def buffers(network: nn.Module) -> dict[str, Tensor]:
    """The numbers of a network's state beside its parameters, such as running means, by name."""
    parameters = dict(network.named_parameters())
    state = network.state_dict(keep_vars=True)
    return {name: part.detach() for name, part in state.items() if name not in parameters}
