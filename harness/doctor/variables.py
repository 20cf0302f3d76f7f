"""Checks variables that were set for another interpreter, such as a notebook's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from harness.console.environment import BACKEND, ignored_variables
from harness.doctor.finding import Context, Finding, ok, warning
from harness.doctor.python import requirements


def variables(context: Context) -> Finding | None:
    """What MPLBACKEND and PYTHONPATH do here; None where neither does anything."""
    shadowing = list(shadowing_files())
    if shadowing:
        return warning(
            f"PYTHONPATH has Python take {', '.join(shadowing)} in place of what is installed",
            "start the harness without it: env -u PYTHONPATH harness ...",
        )
    lines = []
    if BACKEND in ignored_variables:
        lines.append(f"{BACKEND} is {ignored_variables[BACKEND]}: the harness draws no windows and goes without it")
    if os.environ.get("PYTHONPATH"):
        lines.append(f"PYTHONPATH is {os.environ['PYTHONPATH']}: nothing there stands in place of what is installed")
    return ok("; ".join(lines)) if lines else None


def shadowing_files() -> Iterator[str]:
    """Files of PYTHONPATH's folders with the name of a module of Python's or of a package that the harness needs."""
    packages = {each.name.lower().replace("-", "_") for each in requirements("")}
    for path in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        folder = Path(path).absolute()
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            name = entry.name.removesuffix(".py")
            if name not in packages | sys.stdlib_module_names or not (
                entry.suffix == ".py" or (entry / "__init__.py").exists()
            ):
                continue
            spec = find_spec(name)
            if spec is not None and spec.origin and Path(spec.origin).is_relative_to(folder):
                yield str(entry)
