"""Networks, techniques and the training loop. Imports no other package of the project.

A file of one's own imports from here: ``from model import Recipe, Smart``. ``model.public`` lists the names and is
loaded with the first of them, so that ``harness --help`` is quick. Files of this package import from each other.
"""

import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model.public import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        private = name.startswith("_") and name != "__all__"
        if private or importlib.util.find_spec(f"{__name__}.{name}"):  # Python imports modules by itself
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module("model.public"), name)
