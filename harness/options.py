"""Command-line values as a set-up and a machine; whatever is wrong with them is one sentence."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from experiments.profiles import PROFILES
from harness.catalogue import named_changes
from harness.execute.cluster import Cluster
from harness.execute.news import Machine
from harness.place import Place
from harness.plan import Setup
from model.data.course import shown
from model.errors import InputError
from model.names import unprintable

LONGEST = 1000  # characters of an option
DIGITS = 15  # of a whole number
MOST = 1000  # seeds, jobs or threads
# of a home, where they are there
FOLDERS = ("artifacts", "cells", "encoders", "predictions", "readers", "reports", "studies")
TABLES = (".csv", ".json", ".md")  # in its reports
FILES = ("claims.lock", "harness.log", "identity", "mlflow.db", "writer.lock")


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
    for option, text in (("--data", data), ("--encoder", encoder), *(("--set", text) for text in settings)):
        if text is not None:
            check_text(option, text)
            check_user(option, text.rpartition("=")[2] if option == "--set" else text.removeprefix("hub:"))
    if profile not in PROFILES:
        raise InputError(f"there is no profile {shown(profile)}; choose one of {', '.join(PROFILES)}")
    scale = PROFILES[profile]
    check_number("--seeds", seeds)
    known = named_changes()
    for name in changes:
        if name not in known:
            raise InputError(f"there is no change {shown(name, 80)}; near names: {near(name, list(known))}")
    return Setup(
        profile=scale,
        data=scale.data if data is None else expanded(data),
        encoder=scale.encoder if encoder is None else encoder,
        seeds=scale.seeds if seeds is None else seeds,
        changes=tuple(known[name] for name in changes),
        settings=tuple(map(setting, settings)),
    )


def setting(text: str) -> tuple[str, str]:
    """A field's path and the value typed for it."""
    path, equals, value = text.partition("=")
    if not equals or not path or not value:
        raise InputError(f"--set {shown(text)} is not FIELD=VALUE, e.g. --set smart.radius=1e-3")
    digits = value.strip().lstrip("+-").replace("_", "")
    if digits.isdecimal() and len(digits) > DIGITS:
        raise InputError(f"--set {shown(path)} has a number of {len(digits)} digits; use at most {DIGITS}")
    return path, value


def check_text(option: str, text: str) -> None:
    """``InputError`` unless the text can stand in a message, a file and the tracking store."""
    if not text:
        raise InputError(f"{option} is empty; leave it out or give it a value")
    if len(text) > LONGEST:
        raise InputError(f"{option} {shown(text, 80)} has {len(text):,} characters; use at most {LONGEST:,}")
    odd = unprintable(text)
    if odd is not None:
        raise InputError(f"{option} {shown(text, 80)} holds {odd!r}, which cannot be printed; rename what it names")


def check_user(option: str, name: str) -> None:
    """``InputError`` for a file name that starts with ``~`` and a user who is not there."""
    if name.startswith("~") and os.path.expanduser(name) == name:
        raise InputError(f"{option}: there is no user {shown(name.partition('/')[0][1:])}; write {shown(name, 80)} out")


def check_number(option: str, number: int | None) -> None:
    """``InputError`` for fewer than one or more than a machine could have."""
    if number is not None and number < 1:
        raise InputError(f"{option} is {number}; it must be at least 1")
    if number is not None and number > MOST:
        raise InputError(f"{option} is {number:,}; it must be at most {MOST:,}")


def expanded(data: str) -> str:
    """A folder's name with its ``~`` written out; any other name as it is."""
    folder = os.path.expanduser(data)
    return str(Path(folder)) if os.path.isdir(folder) else data


def machine_of(place: Place, threads: int) -> Machine:
    """How many cells at a time, on what; ``threads`` are the profile's. A cluster's machines have a GPU if cells ask
    for one, whatever this has. ``InputError``."""
    jobs, threads = place.jobs, threads if place.threads is None else place.threads
    check_number("--jobs", jobs)
    check_number("--threads", threads)
    cluster, home = cluster_of(place, threads), writable(place.home)
    if cluster is not None:
        device = ("cuda" if cluster.gpus else "cpu") if place.device == "auto" else place.device
        return Machine(home=home.resolve(), jobs=jobs or MOST, threads=threads, device=device, cluster=cluster)
    device = chosen_device(place.device)
    if jobs is None:
        jobs = 1 if device == "cuda" else max(1, cores() // threads)
    return Machine(home=home, jobs=jobs, threads=threads, device=device)


def cluster_of(place: Place, threads: int) -> Cluster | None:
    """The cluster that a command is told to use; None for this machine. ``InputError``."""
    cpus, gpus = place.cpus, place.gpus
    if place.on == "local":
        given = {"--address": place.address, "--cpus-per-cell": cpus, "--gpus-per-cell": gpus}
        given["--shared-home"] = place.shared or None
        for option, value in given.items():
            if value is not None:
                raise InputError(f"{option} is for --on ray; add it, or leave {option} out")
        return None
    if place.address is not None:
        check_text("--address", place.address)
    check_number("--cpus-per-cell", cpus)
    if gpus is not None and not 0 <= gpus <= MOST:
        raise InputError(f"--gpus-per-cell is {gpus:g}; it must be a number from 0 to {MOST:,}, as 0.5 for two a GPU")
    if gpus and gpus > 1 and gpus != int(gpus):
        raise InputError(f"--gpus-per-cell is {gpus:g}; above 1 it must be a whole number")
    return Cluster(address=place.address, cpus=threads if cpus is None else cpus, gpus=gpus or 0.0, shared=place.shared)


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
    """The home folder, made if need be; ``InputError`` where it cannot be written or is not laid out as one."""
    check_text("--home", home)
    check_user("--home", home)
    folder = Path(os.path.expanduser(home))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"the home folder {folder} cannot be written ({error.strerror}); choose another with --home"
        ) from None
    check_layout(folder)
    return folder


def existing(home: str) -> Path:
    """A home that was trained in; ``InputError`` for any other name."""
    check_text("--home", home)
    check_user("--home", home)
    folder = Path(os.path.expanduser(home))
    if not os.path.isdir(folder / "cells"):
        raise InputError(f"{home} is no home of trained cells; name one with --home")
    check_layout(folder)
    return folder


def check_layout(home: Path) -> None:
    """``InputError`` for a file in the place of one of the home's folders, or a folder in that of a file."""
    wrong = [(path, "not a folder") for path in map(home.joinpath, FOLDERS) if not os.path.isdir(path)]
    wrong += [(path, "not a file") for path in map(home.joinpath, FILES) if not os.path.isfile(path)]
    wrong += [(path, "a folder") for path in home.glob("reports/*") if path.suffix in TABLES and path.is_dir()]
    for path, kind in wrong:
        if os.path.lexists(path):
            raise InputError(f"{path} is {kind}; move it away or choose another folder with --home")
