"""What was meant for another program: a file with the name of one of our packages, and variables of a notebook that
started this one. Standard library alone, for it is asked before anything else is imported."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

PACKAGES = ("model", "experiments", "reports")  # names that a user's own file may well have
BACKEND = "MPLBACKEND"
given: dict[str, str] = {}  # variables that a command goes without, as they were


class InTheWay(ImportError):
    """A file that Python finds where one of our packages is meant. The message says which, and how to mend it."""


def check(ours: Path) -> None:
    """``InTheWay`` where one of our packages is not in the folder ``ours``. A command then says so and ends with exit
    code 2."""
    for name in PACKAGES:
        try:
            spec = find_spec(name)
        except ValueError:  # a module that somebody made by hand
            continue
        if spec is None or spec.origin is None or ours.samefile(base(spec.origin)):
            continue
        folder = str(Path(spec.origin).parent)
        paths = [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        mend = "or take that folder out of PYTHONPATH" if folder in paths else "or start from another folder"
        sys.excepthook = in_a_sentence
        raise InTheWay(f"{spec.origin} is in the way of the harness's own package {name}: rename it, {mend}")


def base(origin: str) -> Path:
    """The folder that holds a module's file or a package's folder."""
    path = Path(origin)
    return path.parent.parent if path.name == "__init__.py" else path.parent


def in_a_sentence(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For an error that ends the process: without a traceback where it is this one."""
    if not issubclass(kind, InTheWay):
        sys.__excepthook__(kind, error, trace)
        return
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


def without_windows() -> None:
    """A command draws files alone, whatever draws windows, or cells of a notebook, where it was started from. Before
    matplotlib is imported, which refuses a backend that this interpreter does not have."""
    backend = os.environ.get(BACKEND, "")
    if backend and backend.lower() != "agg":
        given[BACKEND] = backend
    os.environ[BACKEND] = "agg"
