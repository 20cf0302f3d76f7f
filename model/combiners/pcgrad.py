"""PCGrad: project each task's gradient off the ones it conflicts with."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from model.seams import Combiner


@dataclasses.dataclass(frozen=True, kw_only=True)
class PcGrad(Combiner):
    """Gradient surgery at every update (Yu et al. 2020, arXiv 2001.06782, algorithm 1)."""

    slug: ClassVar[str] = "pcgrad"
    built: ClassVar[bool] = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class PcGradAtEpochEnd(Combiner):
    """bertram's form: ordinary updates, then once an epoch a second Adam steps on the surgery of each task's last
    batch, recomputed at the current weights (the retained graphs the paper speaks of are stale by then)."""

    slug: ClassVar[str] = "pcgrad_at_epoch_end"
    built: ClassVar[bool] = False
    optimizers: ClassVar[int] = 2
