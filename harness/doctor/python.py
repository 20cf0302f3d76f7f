"""Checks Python and its packages against the harness's own metadata."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import TYPE_CHECKING

from harness.doctor.finding import Context, Finding, error, ok, warning
from harness.execution.provenance import revision

if TYPE_CHECKING:
    from packaging.requirements import Requirement

NAME = "ablation-harness"
DEVELOPMENT = "dev"  # the extra that no user lacks
SHOWN = ("torch", "transformers", "mlflow", "optuna")
INSTALL = "pip install -c constraints.txt -e ."


def python(context: Context) -> Finding:
    """Python's version, and whether it runs in a virtual environment."""
    from packaging.specifiers import SpecifierSet

    running, supported = platform.python_version(), SpecifierSet(metadata(NAME)["Requires-Python"] or "")
    if not supported.contains(running, prereleases=True):
        says = f"Python {running}, but the harness needs {supported}"
        return error(says, "install it in an environment of such a Python")
    if not environment():
        return warning(
            f"Python {running}, in no virtual environment: other projects may change its packages",
            "make one (python -m venv .venv) and install the harness there",
        )
    return ok(f"Python {running} in the environment {environment()}")


def environment() -> str:
    """The virtual environment's folder, if this is one."""
    return sys.prefix if sys.prefix != sys.base_prefix else os.environ.get("CONDA_PREFIX", "")


def packages(context: Context) -> Finding:
    """Versions of the packages that the harness requires."""
    faults = version_faults("")
    if faults:
        return error("; ".join(faults), f"{INSTALL}, in the harness's folder, installs what fits")
    return ok(f"all fit: {', '.join(f'{name} {version(name)}' for name in SHOWN)}")


def extras(context: Context) -> Finding:
    """Packages that some rows and options need besides."""
    faults_by_extra = {name: version_faults(name) for name in extra_names()}
    wrong = [fault for faults in faults_by_extra.values() for fault in faults if "is not installed" not in fault]
    missing = [name for name, faults in faults_by_extra.items() if faults]
    command = f"pip install '{NAME}[{','.join(missing)}]'"
    if wrong:
        return warning("; ".join(dict.fromkeys(wrong)), f"{command} installs what fits")
    if missing:
        return ok(f"not installed: {', '.join(missing)} ({command}; what needs them says so)")
    return ok(f"installed: {', '.join(faults_by_extra)}")


def harness(context: Context) -> Finding:
    """The harness's version and commit."""
    tags = revision()
    commit = f", commit {tags['revision'][:12]}" if "revision" in tags else ""
    return ok(f"{tags['version']}{commit}{' and changes' if tags.get('dirty') == 'true' else ''}")


def requirements(extra: str) -> Iterator[Requirement]:
    """The harness's requirements, or those that an extra adds."""
    from packaging.requirements import Requirement

    for each in map(Requirement, requires(NAME) or ()):
        always = each.marker is None or each.marker.evaluate({"extra": ""})
        if always != bool(extra) and (always or (each.marker and each.marker.evaluate({"extra": extra}))):
            yield each


def extra_names() -> list[str]:
    """The extras that a user may want."""
    return [name for name in metadata(NAME).get_all("Provides-Extra") or () if name != DEVELOPMENT]


def version_faults(extra: str) -> list[str]:
    """What is wrong with the installed versions of the harness's requirements, or of those that an extra adds."""
    faults = []
    for each in requirements(extra):
        try:
            installed = version(each.name)
        except PackageNotFoundError:
            faults.append(f"{each.name} is not installed")
        else:
            if not each.specifier.contains(installed, prereleases=True):
                faults.append(f"{each.name} {installed} is not {each.specifier}")
    return faults
