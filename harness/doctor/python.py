"""Python, and the packages that run in it, against what the harness's own metadata asks."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import TYPE_CHECKING

from harness.doctor.finding import Asked, Told, broken, mind, sound
from harness.execution.provenance import revision

if TYPE_CHECKING:
    from packaging.requirements import Requirement

NAME = "ablation-harness"
DEVELOPMENT = "dev"  # the extra that no user lacks
NAMED = ("torch", "transformers", "mlflow", "optuna")
INSTALL = "pip install -c constraints.txt -e ."


def python(asked: Asked) -> Told:
    """Its version, and whether what is installed stays in an environment of its own."""
    from packaging.specifiers import SpecifierSet

    mine, wanted = platform.python_version(), SpecifierSet(metadata(NAME)["Requires-Python"] or "")
    if not wanted.contains(mine, prereleases=True):
        return broken(f"Python {mine}, but the harness needs {wanted}", "install it in an environment of such a Python")
    if not environment():
        return mind(
            f"Python {mine}, in no virtual environment: other projects may change its packages",
            "make one (python -m venv .venv) and install the harness there",
        )
    return sound(f"Python {mine} in the environment {environment()}")


def environment() -> str:
    """The virtual environment's folder, if this is one."""
    return sys.prefix if sys.prefix != sys.base_prefix else os.environ.get("CONDA_PREFIX", "")


def packages(asked: Asked) -> Told:
    """Versions of what the harness cannot do without."""
    wrong = [fault for wish in wishes("") if (fault := unfit(wish))]
    if wrong:
        return broken("; ".join(wrong), f"{INSTALL}, in the harness's folder, installs what fits")
    return sound(f"all fit: {', '.join(f'{name} {version(name)}' for name in NAMED)}")


def extras(asked: Asked) -> Told:
    """What some rows and options need besides."""
    found = {name: [fault for wish in wishes(name) if (fault := unfit(wish))] for name in extra_names()}
    wrong = [fault for faults in found.values() for fault in faults if "is not installed" not in fault]
    lacking = [name for name, faults in found.items() if faults]
    line = f"pip install '{NAME}[{','.join(lacking)}]'"
    if wrong:
        return mind("; ".join(dict.fromkeys(wrong)), f"{line} installs what fits")
    if lacking:
        return sound(f"not installed: {', '.join(lacking)} ({line}; what needs them says so)")
    return sound(f"installed: {', '.join(found)}")


def harness(asked: Asked) -> Told:
    """Which code this is."""
    known = revision()
    where = f", commit {known['revision'][:12]}" if "revision" in known else ""
    return sound(f"{known['version']}{where}{' and changes' if known.get('dirty') == 'true' else ''}")


def wishes(extra: str) -> Iterator[Requirement]:
    """What the harness needs, or one of its extras needs more."""
    from packaging.requirements import Requirement

    for wish in map(Requirement, requires(NAME) or ()):
        always = wish.marker is None or wish.marker.evaluate({"extra": ""})
        if always != bool(extra) and (always or (wish.marker and wish.marker.evaluate({"extra": extra}))):
            yield wish


def extra_names() -> list[str]:
    """Those that a user may want."""
    return [name for name in metadata(NAME).get_all("Provides-Extra") or () if name != DEVELOPMENT]


def unfit(wish: Requirement) -> str:
    """What is wrong with the version that is there, if anything."""
    try:
        there = version(wish.name)
    except PackageNotFoundError:
        return f"{wish.name} is not installed"
    return "" if wish.specifier.contains(there, prereleases=True) else f"{wish.name} {there} is not {wish.specifier}"
