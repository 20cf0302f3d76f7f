"""Turns command-line values into a set-up and an execution config; each error is one sentence."""

from __future__ import annotations

import os
from pathlib import Path

from experiments.profiles import PROFILES
from harness.cells.home import writable
from harness.cli.options import ExecutionOptions
from harness.console.checks import MOST, check_number, check_text, check_user, closest_names
from harness.execution.config import Cluster, ExecutionConfig, choose_device, cores
from harness.planning.setup import Setup
from harness.registry.selectors import named_changes
from model.errors import InputError, shown

DIGITS = 15  # of a whole number
MAX_SEEDS = 30  # with --until-decided


def setup_of(
    profile: str,
    data: str | None,
    encoder: str | None,
    seeds: int | None,
    settings: tuple[str, ...],
    changes: tuple[str, ...],
) -> Setup:
    """The profile's defaults, overridden by the command's options."""
    for option, text in (("--data", data), ("--encoder", encoder), *(("--set", text) for text in settings)):
        if text is not None:
            check_text(option, text)
            check_user(option, text.rpartition("=")[2] if option == "--set" else text.removeprefix("hub:"))
    if profile not in PROFILES:
        raise InputError(f"there is no profile {shown(profile)}; choose one of {', '.join(PROFILES)}")
    scale = PROFILES[profile]
    check_number("--seeds", seeds)
    changes_by_name = named_changes()
    for name in changes:
        if name not in changes_by_name:
            raise InputError(
                f"there is no change {shown(name, 80)}; near names: {closest_names(name, list(changes_by_name))}"
            )
    return Setup(
        profile=scale,
        data=scale.data if data is None else expand_user(data),
        encoder=scale.encoder if encoder is None else encoder,
        seeds=scale.seeds if seeds is None else seeds,
        changes=tuple(changes_by_name[name] for name in changes),
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


def expand_user(data: str) -> str:
    """A folder's name with its ``~`` written out; any other name as it is."""
    folder = os.path.expanduser(data)
    return str(Path(folder)) if os.path.isdir(folder) else data


def machine_of(execution: ExecutionOptions, threads: int) -> ExecutionConfig:
    """The execution config; ``threads`` are the profile's. A cluster's machines have a GPU if cells ask
    for one, whatever this has. ``InputError``."""
    jobs, threads = execution.jobs, threads if execution.threads is None else execution.threads
    check_number("--jobs", jobs)
    check_number("--threads", threads)
    cluster, home = cluster_of(execution, threads), writable(execution.home)
    if cluster is not None:
        device = ("cuda" if cluster.gpus else "cpu") if execution.device == "auto" else execution.device
        return ExecutionConfig(home=home.resolve(), jobs=jobs or MOST, threads=threads, device=device, cluster=cluster)
    device = choose_device(execution.device)
    if jobs is None:
        jobs = 1 if device == "cuda" else max(1, cores() // threads)
    return ExecutionConfig(home=home, jobs=jobs, threads=threads, device=device)


def cluster_of(execution: ExecutionOptions, threads: int) -> Cluster | None:
    """The cluster that a command is told to use; None for this machine. ``InputError``."""
    cpus, gpus = execution.cpus, execution.gpus
    if execution.on == "local":
        options = {"--address": execution.address, "--cpus-per-cell": cpus, "--gpus-per-cell": gpus}
        options["--shared-home"] = execution.shared or None
        for option, value in options.items():
            if value is not None:
                raise InputError(f"{option} is for --on ray; add it, or leave {option} out")
        return None
    if execution.address is not None:
        check_text("--address", execution.address)
    check_number("--cpus-per-cell", cpus)
    if gpus is not None and not 0 <= gpus <= MOST:
        raise InputError(f"--gpus-per-cell is {gpus:g}; it must be a number from 0 to {MOST:,}, as 0.5 for two a GPU")
    if gpus and gpus > 1 and gpus != int(gpus):
        raise InputError(f"--gpus-per-cell is {gpus:g}; above 1 it must be a whole number")
    return Cluster(
        address=execution.address, cpus=threads if cpus is None else cpus, gpus=gpus or 0.0, shared=execution.shared
    )


def most_seeds(seeds: int | None, until_decided: bool, most: int | None) -> int | None:
    """How many seeds to plan for, None for the profile's. ``InputError`` for options that exclude each other."""
    check_number("--max-seeds", most)
    if not until_decided:
        if most is not None:
            raise InputError("--max-seeds bounds what --until-decided may add; add that, or give --seeds instead")
        return seeds
    if seeds is not None:
        raise InputError(
            "--seeds fixes a number of seeds beforehand and --until-decided adds seeds until something is decided; "
            "give one of the two (--max-seeds bounds the other)"
        )
    return MAX_SEEDS if most is None else most
