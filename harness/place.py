"""What a command was told about where to train."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Options as given: None where a default depends on something else."""

    home: str
    device: str = "auto"
    jobs: int | None = None
    threads: int | None = None
    on: str = "local"
    address: str | None = None
    cpus: int | None = None
    gpus: float | None = None
    shared: bool = False
