"""Command-line values as a set-up and a machine; whatever is wrong with them is one sentence."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from experiments.profiles import PROFILES
from harness.catalogue import named_changes
from harness.execute.news import Machine
from harness.plan import Setup
from model.errors import InputError


def near(name: str, known: list[str]) -> str:
    """The names closest to a wrong one."""
    return ", ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)[:12])


def setup_of(
    profile: str,
    data: str | None,
    encoder: str | None,
    seeds: int | None,
    settings: tuple[str, ...],
    changes: tuple[str, ...],
) -> Setup:
    """Profile defaults with the command's choices over them."""
    if profile not in PROFILES:
        raise InputError(f"there is no profile {profile!r}; choose one of {', '.join(PROFILES)}")
    scale = PROFILES[profile]
    if seeds is not None and seeds < 1:
        raise InputError(f"--seeds is {seeds}; it must be at least 1")
    pairs = []
    for text in settings:
        path, equals, value = text.partition("=")
        if not equals or not path or not value:
            raise InputError(f"--set {text!r} is not FIELD=VALUE, e.g. --set smart.radius=1e-3")
        pairs.append((path, value))
    known = named_changes()
    for name in changes:
        if name not in known:
            raise InputError(f"there is no change {name!r}; near names: {near(name, list(known))}")
    return Setup(
        profile=scale,
        data=str(Path(data).expanduser()) if data and Path(data).expanduser().is_dir() else data or scale.data,
        encoder=encoder or scale.encoder,
        seeds=seeds or scale.seeds,
        changes=tuple(known[name] for name in changes),
        settings=tuple(pairs),
    )


def machine_of(home: Path, jobs: int | None, threads: int, device: str) -> Machine:
    """How many cells at a time, on what."""
    for name, number in (("--jobs", jobs), ("--threads", threads)):
        if number is not None and number < 1:
            raise InputError(f"{name} is {number}; it must be at least 1")
    device = chosen_device(device)
    if jobs is None:
        jobs = 1 if device == "cuda" else max(1, cores() // threads)
    return Machine(home=home, jobs=jobs, threads=threads, device=device)


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chosen_device(device: str) -> str:
    """``auto`` as cuda where torch sees a GPU."""
    if device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise InputError("--device cuda: PyTorch sees no GPU here; use --device cpu or install a CUDA build of PyTorch")
    return "cpu"


def writable(home: str) -> Path:
    """The home folder, made if need be; ``InputError`` where it cannot be written."""
    folder = Path(home).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"the home folder {folder} cannot be written ({error.strerror}); choose another with --home"
        ) from None
    return folder
