"""Bregman proximal point optimisation: stay close to where the weights were."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from model.seams import Regularizer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Proximal(Regularizer):
    """D(f(x; theta), f(x; anchor)), the basic form (Jiang et al. 2020, equation 2). ``weight`` is mu. With one step per anchor the
    value and the gradient are zero: a no-op."""

    slug: ClassVar[str] = "proximal"
    built: ClassVar[bool] = False
    steps_per_anchor: int = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class MomentumProximal(Regularizer):
    """The same with a moving anchor: anchor <- (1 - beta) theta + beta anchor after each step (equation 3)."""

    slug: ClassVar[str] = "momentum_proximal"
    built: ClassVar[bool] = False
    beta: float | None = None  # None: .99 for the first tenth of the updates, then .999


@dataclasses.dataclass(frozen=True, kw_only=True)
class ParameterProximal(Regularizer):
    """mu / 2 |theta - anchor|^2 in parameter space, phi = half the squared norm (smart-vs-deberta, section 4)."""

    slug: ClassVar[str] = "parameter_proximal"
    built: ClassVar[bool] = False
    space: Literal["shared", "all"] = "all"
    steps_per_anchor: int = 1
