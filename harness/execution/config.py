"""Configuration of where cells run: folder, processes, threads, device, or a Ray cluster."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from model.errors import InputError


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_device(device: str) -> str:
    """``auto`` as cuda where torch sees a GPU."""
    if device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise InputError("--device cuda: PyTorch sees no GPU here; use --device cpu or install a CUDA build of PyTorch")
    return "cpu"


@dataclasses.dataclass(frozen=True)
class ExecutionConfig:
    """Results folder, processes at a time, threads each, device; seconds between checkpoints."""

    home: Path
    jobs: int
    threads: int
    device: str
    checkpoint_seconds: float = 60.0
    cluster: Cluster | None = None  # None: this machine

    @property
    def description(self) -> str:
        """The configuration in words."""
        threads = f"{self.threads} thread{'s' * (self.threads > 1)} each"
        if self.cluster is None:
            return f"{self.jobs} at a time on {self.device}, {threads}"
        return f"on Ray, {self.cluster.description}, {self.device}, {threads}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
    """A Ray cluster: its address (None: one of this machine's own, started and ended with the command), what a cell
    takes of it, and whether its machines share the results folder."""

    address: str | None = None
    cpus: int = 1
    gpus: float = 0.0
    shared: bool = False

    @property
    def cell_resources(self) -> str:
        """CPUs and GPUs that a cell takes, in words."""
        gpus = f" and {self.gpus:g} GPU" if self.gpus else ""
        return f"{self.cpus} CPU{'s' * (self.cpus > 1)}{gpus}"

    @property
    def description(self) -> str:
        """The configuration in words."""
        where = "of this machine's own" if self.address is None else f"at {self.address}"
        return f"{where}, {self.cell_resources} a cell"
