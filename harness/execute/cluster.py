"""Which cluster a command was told to use."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
    """A Ray cluster: its address (None: one of this machine's own, begun and ended with the command), what a cell
    takes of it, and whether the home is a folder that all its machines share."""

    address: str | None = None
    cpus: int = 1
    gpus: float = 0.0
    shared: bool = False

    @property
    def takes(self) -> str:
        """What of it a cell takes, in words."""
        gpus = f" and {self.gpus:g} GPU" if self.gpus else ""
        return f"{self.cpus} CPU{'s' * (self.cpus > 1)}{gpus}"

    @property
    def told(self) -> str:
        """In words."""
        where = "of this machine's own" if self.address is None else f"at {self.address}"
        return f"{where}, {self.takes} a cell"
