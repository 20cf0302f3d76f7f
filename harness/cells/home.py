"""The results folder (``--home``): what lies where in it, and whether it can be used."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.console.checks import check_text, check_user
from model.digest import digest
from model.errors import InputError

# of a results folder, where they are there
FOLDERS = ("artifacts", "cells", "encoders", "predictions", "readers", "reports", "studies")
TABLES = (".csv", ".json", ".md")  # in its reports
FILES = ("claims.lock", "harness.log", "identity", "mlflow.db", "writer.lock")


def cells_folder(home: Path) -> Path:
    """The folder of all cells."""
    return home / "cells"


def cell_folder(home: Path, cell: str) -> Path:
    """The folder of the cell with this id."""
    return cells_folder(home) / cell


def readers_folder(home: Path) -> Path:
    """The folder of manifests: which rows and trials read which cells."""
    return home / "readers"


def reports_folder(home: Path) -> Path:
    return home / "reports"


def encoders_folder(home: Path) -> Path:
    """The folder of pre-trained encoders, which cells start from."""
    return home / "encoders"


def database_file(home: Path) -> Path:
    """The results folder's own tracking store."""
    return home / "mlflow.db"


def writer_lock(home: Path) -> Path:
    """The lock of the process that writes to the tracking store."""
    return home / "writer.lock"


def writable(home: str) -> Path:
    """The results folder, made if need be; ``InputError`` where it cannot be written or is not laid out as one."""
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
            f"the results folder {folder} cannot be written ({error.strerror}); choose another with --home"
        ) from None
    check_layout(folder)
    return folder


def existing(home: str) -> Path:
    """A results folder that was trained in; ``InputError`` for any other name."""
    check_text("--home", home)
    check_user("--home", home)
    folder = Path(os.path.expanduser(home))
    if not os.path.isdir(cells_folder(folder)):
        raise InputError(f"{home} is no results folder of trained cells; name one with --home")
    check_layout(folder)
    return folder


def check_layout(home: Path) -> None:
    """``InputError`` for a file in the place of one of its folders, or a folder in that of a file."""
    wrong = [(path, "not a folder") for path in map(home.joinpath, FOLDERS) if not os.path.isdir(path)]
    wrong += [(path, "not a file") for path in map(home.joinpath, FILES) if not os.path.isfile(path)]
    wrong += [(path, "a folder") for path in home.glob("reports/*") if path.suffix in TABLES and path.is_dir()]
    for path, kind in wrong:
        if os.path.lexists(path):
            raise InputError(f"{path} is {kind}; move it away or choose another folder with --home")


def file_name(parts: Sequence[str], variant: str) -> str:
    """The parts and what the variant changes, as a name that every file system takes; long ones are cut and end with
    a hash."""
    changes = "".join(c if c.isascii() and (c.isalnum() or c in ".-=") else "_" for c in variant.strip("[]"))
    name = "-".join(filter(None, [*parts, changes]))
    return name if len(name) <= 150 and changes == variant.strip("[]") else f"{name[:140]}-{digest([variant], 8)}"
