"""The peak memory of one training, in a process that trains one after another."""

from __future__ import annotations

import ctypes
import gc
import re
import resource
from contextlib import suppress
from pathlib import Path

import torch

PROCESS = Path("/proc/self")


def forget_peak(device: str) -> None:
    """Give the memory of earlier trainings back to the system, and reset the peak. Where the system
    cannot do that (it is not Linux), a peak is that of the process so far."""
    gc.collect()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return
    with suppress(OSError, AttributeError):  # glibc's; the worker has it keep what is freed within a training
        ctypes.CDLL(None).malloc_trim(0)
    with suppress(OSError):
        (PROCESS / "clear_refs").write_text("5")


def peak(device: str) -> int:
    """Bytes at the peak: on the GPU, or resident in this process."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    with suppress(OSError):
        match = re.search(r"VmHWM:\s+(\d+) kB", (PROCESS / "status").read_text())
        if match:
            return 1024 * int(match[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
