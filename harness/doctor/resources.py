"""Checks memory and disk against what a cell of the profile takes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from harness.cells.atomic import is_full, write_atomic
from harness.doctor import devices
from harness.doctor.finding import Context, Finding, error, gigabytes, ok, warning
from harness.execution.config import cores

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
MIN_DISK = 50e6  # bytes of disk without which nothing can be written
SAMPLE = 65_536  # bytes written to see that they can be: a share of the disk may be full, too


class Need(NamedTuple):
    """Bytes that a cell takes. Memory: the libraries take half a gigabyte; weights, gradients, Adam's two moments and
    a batch the rest. Disk: a checkpoint holds weights and moments, and is written beside the last one."""

    memory: float
    disk: float


NEEDS = {"demo": Need(1e9, 0.1e9), "small": Need(2e9, 0.5e9), "paper": Need(8e9, 3e9)}


def memory(context: Context) -> Finding:
    """Free memory, for as many cells as are trained at a time by default."""
    free, bytes_each, jobs = free_memory(), needs(context).memory, default_jobs(context)
    if free is None:
        return ok("the system does not tell how much is free")
    text = format_free(free, bytes_each, jobs, context)
    if free >= jobs * bytes_each:
        return ok(text)
    fitting = int(free // bytes_each)
    fix = f"train with --jobs {fitting}" if fitting else "end other programs, or train on a larger machine"
    return warning(text, fix)


def disk(context: Context) -> Finding:
    """Free disk where the results folder is, or will be."""
    folder, bytes_each, jobs = existing_parent(context.home), needs(context).disk, default_jobs(context)
    free = shutil.disk_usage(folder).free
    text = format_free(free, bytes_each, jobs, context)
    if free < MIN_DISK or is_out_of_room(context.home):
        return error(f"the disk of {folder} is full", "free some space, or choose another disk with --home")
    if free < jobs * bytes_each:
        return warning(text, "free some space, choose another disk with --home, or train with fewer --jobs")
    return ok(text)


def needs(context: Context) -> Need:
    return NEEDS.get(context.profile.name, NEEDS["paper"])


def default_jobs(context: Context) -> int:
    """The number of cells that ``harness run`` trains at a time without ``--jobs``."""
    try:
        card = context.device != "cpu" and bool(devices.torch_build().gpus)
    except devices.NoTorch:
        card = False
    return 1 if card else max(1, cores() // context.profile.threads)


def format_free(free: float, need: float, jobs: int, context: Context) -> str:
    parallel = f"; by default {jobs} are trained at a time" if jobs > 1 else ""
    return f"{gigabytes(free)} free; a cell of {context.profile.name} takes about {gigabytes(need)}{parallel}"


def free_memory() -> float | None:
    """Bytes that a new process can have: the machine's, or the container's share of it; None where unknown."""
    try:
        lines = dict(line.split(":", 1) for line in MEMINFO.read_text(encoding="utf-8").splitlines())
        free = 1024.0 * int(lines["MemAvailable"].split()[0])
    except (OSError, ValueError, KeyError):
        return None
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        used = int((CGROUP / "memory.current").read_text())
        caches = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        return free if limit == "max" else min(free, int(limit) - used + int(caches.get("inactive_file", 0)))
    except (OSError, ValueError):
        return free


def existing_parent(folder: Path) -> Path:
    """The folder, or the first above it that is there."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))


def is_out_of_room(home: Path) -> bool:
    """Whether the results folder cannot take a small file, for want of room."""
    probe = home / f".room-{os.getpid()}"
    try:
        if home.is_dir():
            write_atomic(probe, b"\0" * SAMPLE)
            probe.unlink()
    except OSError as exc:
        return is_full(exc)
    return False
