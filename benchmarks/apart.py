"""Measurements in processes of their own: nothing that one side loads, sets or allocates reaches the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.ratio import Failed

ROOT = Path(__file__).parent.parent
MARK = "measured: "


def apart(
    module: str,
    job: Mapping[str, Any],
    environment: Mapping[str, str],
    scratch: Path,
    report: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """The measurement of ``python -m benchmarks.MODULE FILE``, whose file has the job as JSON. ``report`` gets its
    other lines as they come. ``Failed`` with its last words if it ends without an answer."""
    handle, name = tempfile.mkstemp(suffix=".json", dir=scratch)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(job, stream)
    call = [sys.executable, "-m", f"benchmarks.{module}", name]
    measured: dict[str, Any] | None = None
    with tempfile.TemporaryFile("w+", dir=scratch) as errors:
        started = subprocess.Popen(
            call, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        assert started.stdout is not None
        with started:
            for line in started.stdout:
                if line.startswith(MARK):
                    measured = json.loads(line.removeprefix(MARK))
                elif report:
                    report(line.strip())
        errors.seek(0)
        last = (errors.read().strip() or "no word").splitlines()[-1]
    if started.returncode or measured is None:
        raise Failed(f"benchmarks.{module} ended with exit code {started.returncode}: {last[:300]}")
    return measured


def answer(measure: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
    """The other end: do the job named on the command line, and tell."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(MARK + json.dumps(dict(measure(job))), flush=True)


def resident() -> int:
    """Bytes of this process in memory now."""
    return status("VmRSS")


def peak() -> int:
    """The most bytes of this process in memory since ``forget_peak``."""
    return status("VmHWM")


def forget_peak() -> None:
    """Have the kernel count the peak from here (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def status(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
