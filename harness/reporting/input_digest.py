"""A digest of all that a report's bytes depend on: declarations, results, and the code that draws."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import Any

from experiments.profiles import PROFILES
from experiments.suite import Suite
from model.digest import digest
from reports.ablation.results import AblationResults
from reports.results import Runs, SetUp
from reports.tuning.results import StudyResults

PACKAGES = ("harness", "reports", "experiments", "model")
LIBRARIES = ("matplotlib", "numpy", "optuna", "pandas", "scipy", "statsmodels", "typst")


def digest_inputs(
    setups: Sequence[SetUp],
    chosen: Sequence[tuple[Suite, frozenset[str]]],
    suites: Sequence[Suite],
    studies: Sequence[StudyResults],
    ablations: Sequence[AblationResults],
) -> str:
    """The digest. ``chosen`` are the suites in the report with their rows, ``suites`` all that stand in their papers:
    claims speak of these, too."""
    setups = [*setups, *(each.setup for each in ablations)]
    return digest(
        [
            [setup_data(each) for each in setups],
            [[suite.slug, sorted(names)] for suite, names in chosen],
            [to_plain_data(suite) for suite in suites],
            [to_plain_data(PROFILES.get(each.facts["profile"])) for each in setups],
            to_plain_data(studies),
            [to_plain_data(each.ablation) for each in ablations],
            code_versions(),
        ]
    )


def setup_data(setup: SetUp) -> Any:
    """A set-up's results without answers, which a seed's ``content`` covers."""
    fields = {each.name: getattr(setup, each.name) for each in dataclasses.fields(setup) if each.name != "rows"}
    return [to_plain_data(fields), [[slug, row_data(of)] for slug, of in setup.rows.items()]]


def row_data(row: Runs) -> Any:
    """A row's trainings, without the run ids, which differ between stores."""
    return [to_plain_data(dataclasses.replace(seed, run="")) for seed in row.seeds]


def to_plain_data(value: Any) -> Any:
    """A declaration with all that is in it, defaults too, as plain data. ``TypeError`` for what has no plain form."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: to_plain_data(getattr(value, each.name)) for each in dataclasses.fields(value)}
        return [type(value).__name__, fields]
    if isinstance(value, Mapping):
        return {str(name): to_plain_data(each) for name, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [to_plain_data(each) for each in value]
    if isinstance(value, PurePath):
        return value.name
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} has no plain form")


@cache
def code_versions() -> Any:
    """A digest of the program, and the versions of the libraries that compute and draw."""
    root, running = Path(__file__).parent.parent, hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".css", ".js", ".typ"):
                running.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return [running.hexdigest(), {name: library_version(name) for name in LIBRARIES}]


def library_version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
