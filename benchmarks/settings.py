"""The settings of one call, for all its measures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.shapes import SMALL, Shape


@dataclasses.dataclass(frozen=True)
class Settings:
    """``data`` as ``harness run --data`` takes it; ``quick`` shrinks every shape and count, so that a run shows that
    the code works and no more; ``scratch`` is a folder for encoders, rows and results that is deleted at the end."""

    data: str
    quick: bool
    scratch: Path
    threads: int = 2

    def shape(self, full: Shape) -> Shape:
        return SMALL if self.quick else full

    def count(self, full: int, quick: int = 2) -> int:
        return quick if self.quick else full

    def job(self) -> dict[str, Any]:
        """These settings as JSON, for a process of its own."""
        return {"data": self.data, "quick": self.quick, "scratch": str(self.scratch), "threads": self.threads}

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> Settings:
        """The settings that a job carries."""
        return cls(job["data"], job["quick"], Path(job["scratch"]), job["threads"])

    def report(self, line: str) -> None:
        """Progress, for the one who waits."""
        print(f"  {line}", flush=True)
