"""Variables that were set for another interpreter, such as a notebook's, and reach this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from harness.console.environment import BACKEND, given
from harness.doctor.finding import Asked, Told, mind, sound
from harness.doctor.python import wishes


def variables(asked: Asked) -> Told | None:
    """What MPLBACKEND and PYTHONPATH do here; None where neither does anything."""
    hidden = list(shadowed())
    if hidden:
        return mind(
            f"PYTHONPATH has Python take {', '.join(hidden)} in place of what is installed",
            "start the harness without it: env -u PYTHONPATH harness ...",
        )
    says = []
    if BACKEND in given:
        says.append(f"{BACKEND} is {given[BACKEND]}: the harness draws no windows and goes without it")
    if os.environ.get("PYTHONPATH"):
        says.append(f"PYTHONPATH is {os.environ['PYTHONPATH']}: nothing there stands in place of what is installed")
    return sound("; ".join(says)) if says else None


def shadowed() -> Iterator[str]:
    """Files of PYTHONPATH's folders with the name of a module of Python's or of a package that the harness needs."""
    needed = {wish.name.lower().replace("-", "_") for wish in wishes("")} | set(sys.stdlib_module_names)
    for path in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        folder = Path(path).absolute()
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            name = entry.name.removesuffix(".py")
            if name not in needed or not (entry.suffix == ".py" or (entry / "__init__.py").exists()):
                continue
            spec = find_spec(name)
            if spec is not None and spec.origin and Path(spec.origin).is_relative_to(folder):
                yield str(entry)
