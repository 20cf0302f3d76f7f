"""One file a paper. A module in this folder with ``SUITES`` is in the registry; nothing else has to be told."""

from __future__ import annotations

import importlib
import pkgutil

from experiments.suite import RegistryError, Suite


def found() -> tuple[Suite, ...]:
    suites: dict[str, Suite] = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        for suite in getattr(importlib.import_module(f"{__name__}.{module}"), "SUITES", ()):
            if suite.slug in suites:
                raise RegistryError(f"two suites are called {suite.slug}, one of them in {module}.py; rename one")
            suites[suite.slug] = suite
    return tuple(suites.values())


SUITES = found()
