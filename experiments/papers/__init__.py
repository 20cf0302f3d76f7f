"""One file a paper. A module in this folder with ``SUITES`` is in the registry; nothing else is to be edited."""

from __future__ import annotations

import importlib
import pkgutil

from experiments.suite import RegistryError, Suite


def load_suites() -> tuple[Suite, ...]:
    suites: dict[str, Suite] = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        for suite in getattr(importlib.import_module(f"{__name__}.{module}"), "SUITES", ()):
            if suite.slug in suites:
                raise RegistryError(f"two suites are called {suite.slug}, one of them in {module}.py; rename one")
            suites[suite.slug] = suite
    return tuple(suites.values())


SUITES = load_suites()
