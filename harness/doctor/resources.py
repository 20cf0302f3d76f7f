"""Memory and disk, against what a cell of the profile takes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from harness.cells.atomic import is_full, write_atomic
from harness.doctor import devices
from harness.doctor.finding import Asked, Told, broken, gigabytes, mind, sound
from harness.execution.config import cores

GROUP = Path("/sys/fs/cgroup")
MEMORY = Path("/proc/meminfo")
LEAST = 50e6  # bytes of disk without which nothing can be kept
SAMPLE = 65_536  # bytes written to see that they can be: a share of the disk may be full, too


class Need(NamedTuple):
    """Bytes that a cell takes. Memory: the libraries take half a gigabyte; weights, gradients, Adam's two moments and
    a batch the rest. Disk: a checkpoint holds weights and moments, and is written beside the last one."""

    memory: float
    disk: float


NEEDS = {"demo": Need(1e9, 0.1e9), "small": Need(2e9, 0.5e9), "paper": Need(8e9, 3e9)}


def memory(asked: Asked) -> Told:
    """Free memory, for as many cells as are trained at a time by default."""
    free, need, jobs = free_memory(), need_of(asked).memory, at_a_time(asked)
    if free is None:
        return sound("the system does not tell how much is free")
    told = room(free, need, jobs, asked)
    if free >= jobs * need:
        return sound(told)
    few = int(free // need)
    return mind(told, f"train with --jobs {few}" if few else "end other programs, or train on a larger machine")


def disk(asked: Asked) -> Told:
    """Free disk where the home is, or will be."""
    place, need, jobs = nearest(asked.home), need_of(asked).disk, at_a_time(asked)
    free = shutil.disk_usage(place).free
    told = room(free, need, jobs, asked)
    if free < LEAST or is_out_of_room(asked.home):
        return broken(f"the disk of {place} is full", "free some space, or choose another disk with --home")
    if free < jobs * need:
        return mind(told, "free some space, choose another disk with --home, or train with fewer --jobs")
    return sound(told)


def need_of(asked: Asked) -> Need:
    return NEEDS.get(asked.profile.name, NEEDS["paper"])


def at_a_time(asked: Asked) -> int:
    """As many cells as ``harness run`` trains without ``--jobs``."""
    try:
        card = asked.device != "cpu" and bool(devices.facts().gpus)
    except devices.NoTorch:
        card = False
    return 1 if card else max(1, cores() // asked.profile.threads)


def room(free: float, need: float, jobs: int, asked: Asked) -> str:
    several = f"; by default {jobs} are trained at a time" if jobs > 1 else ""
    return f"{gigabytes(free)} free; a cell of {asked.profile.name} takes about {gigabytes(need)}{several}"


def free_memory() -> float | None:
    """Bytes that a new process can have: the machine's, or the container's share of it; None where unknown."""
    try:
        lines = dict(line.split(":", 1) for line in MEMORY.read_text(encoding="utf-8").splitlines())
        free = 1024.0 * int(lines["MemAvailable"].split()[0])
    except (OSError, ValueError, KeyError):
        return None
    try:
        most = (GROUP / "memory.max").read_text().strip()
        used = int((GROUP / "memory.current").read_text())
        caches = dict(line.split() for line in (GROUP / "memory.stat").read_text().splitlines())
        return free if most == "max" else min(free, int(most) - used + int(caches.get("inactive_file", 0)))
    except (OSError, ValueError):
        return free


def nearest(folder: Path) -> Path:
    """The folder, or the first above it that is there."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(place))


def is_out_of_room(home: Path) -> bool:
    """Whether the home cannot take a small file, for want of room."""
    probe = home / f".room-{os.getpid()}"
    try:
        if home.is_dir():
            write_atomic(probe, b"\0" * SAMPLE)
            probe.unlink()
    except OSError as error:
        return is_full(error)
    return False
