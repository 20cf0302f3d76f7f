"""One file a study. A module in this folder with ``STUDY`` is one; nothing else is to be edited."""

from __future__ import annotations

import importlib
import pkgutil

from experiments.study import Study
from experiments.suite import RegistryError


def load_studies() -> dict[str, Study]:
    """The studies by name."""
    studies: dict[str, Study] = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        study = getattr(importlib.import_module(f"{__name__}.{module}"), "STUDY", None)
        if study is None:
            continue
        if study.name in studies:
            raise RegistryError(f"two studies are called {study.name}, one of them in {module}.py; rename one")
        studies[study.name] = study
    return studies


STUDIES = load_studies()
