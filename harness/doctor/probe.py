"""Asks PyTorch in a process of its own, so that an import that crashes ends that process alone. Prints JSON.

Run as a file, with nothing of the harness: ``python -P probe.py torch``, ``python -P probe.py weights FILE``.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def torch_build() -> dict[str, Any]:
    """PyTorch's build, and what it sees of this machine."""
    import torch

    seen = torch.cuda.is_available()
    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda or torch.version.hip or "",
        "gpus": [torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count())] if seen else [],
        "bf16": bool(seen and torch.cuda.is_bf16_supported()),
        "threads": torch.get_num_threads(),
    }


def unsafe_globals(path: str) -> dict[str, Any]:
    """A .bin's globals besides weights; none is run or loaded. ``old``: in the format before torch 1.6."""
    import zipfile

    if not zipfile.is_zipfile(path):
        return {"old": True, "names": []}
    from torch.serialization import get_unsafe_globals_in_checkpoint

    return {"old": False, "names": get_unsafe_globals_in_checkpoint(path)}


if __name__ == "__main__":
    print(json.dumps(torch_build() if sys.argv[1] == "torch" else unsafe_globals(sys.argv[2])))
