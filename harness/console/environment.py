"""Guards against what is meant for another program: files that shadow our packages, and variables of a notebook.
Standard library alone, for this runs before anything else is imported."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

PACKAGES = ("model", "experiments", "reports")  # names that a user's own file may well have
BACKEND = "MPLBACKEND"
ignored_variables: dict[str, str] = {}  # variables that a command goes without, as they were


class ShadowedPackage(ImportError):
    """A file shadows one of our packages. The message says which, and how to fix it."""


def check_packages(root: Path) -> None:
    """``ShadowedPackage`` where one of our packages is not in the folder ``root``. A command then says so and ends with
    exit code 2."""
    for name in PACKAGES:
        try:
            spec = find_spec(name)
        except ValueError:  # a module that somebody made by hand
            continue
        if spec is None or spec.origin is None or root.samefile(import_folder(spec.origin)):
            continue
        folder = str(Path(spec.origin).parent)
        paths = [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        fix = "or take that folder out of PYTHONPATH" if folder in paths else "or start from another folder"
        sys.excepthook = print_shadowed_package
        raise ShadowedPackage(f"{spec.origin} is in the way of the harness's own package {name}: rename it, {fix}")


def import_folder(origin: str) -> Path:
    """The folder that holds a module's file or a package's folder."""
    path = Path(origin)
    return path.parent.parent if path.name == "__init__.py" else path.parent


def print_shadowed_package(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The hook for uncaught exceptions: no traceback for a shadowed package."""
    if not issubclass(kind, ShadowedPackage):
        sys.__excepthook__(kind, error, trace)
        return
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


def use_file_backend() -> None:
    """Have matplotlib draw to files alone, not to windows or a notebook. Before it is imported: it refuses a backend
    that this interpreter does not have."""
    backend = os.environ.get(BACKEND, "")
    if backend and backend.lower() != "agg":
        ignored_variables[BACKEND] = backend
    os.environ[BACKEND] = "agg"
