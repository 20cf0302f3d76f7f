"""The harness: which rows, on what data, trained where, kept how. ``harness.results`` reads a results folder."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.console.environment import check_packages as _check

_check(Path(__file__).resolve().parent.parent)

for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}.items():
    os.environ.setdefault(_name, _value)  # a user who sets one of them keeps it

if TYPE_CHECKING:
    from harness.reporting.frame import results as results
else:

    def __getattr__(name: str) -> Any:
        if name == "results":  # pandas only when asked for
            from harness.reporting.frame import results

            return results
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["results"]
