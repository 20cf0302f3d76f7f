"""Checks PyTorch's build, graphics cards, and the processor's matrix hardware."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.doctor.finding import Context, Finding, error, ok, warning
from harness.execution.config import cores

TIMEOUT = 120.0  # seconds for an import of PyTorch from a slow disk
DRIVER = Path("/proc/driver/nvidia/gpus")
CPUINFO = Path("/proc/cpuinfo")
REINSTALL = "pip install -c constraints.txt --force-reinstall torch"


class NoTorch(Exception):
    """PyTorch cannot be imported; the message says why."""


@dataclasses.dataclass(frozen=True)
class TorchBuild:
    """PyTorch's build, and what it sees: ``cuda`` is empty for a CPU build."""

    version: str
    cuda: str
    gpus: tuple[str, ...]
    bf16: bool  # on the GPU
    threads: int  # of its own default


def torch(context: Context) -> Finding:
    """Whether PyTorch can be imported."""
    try:
        build = torch_build()
    except NoTorch as exc:
        return error(f"PyTorch cannot be imported: {exc}", f"{REINSTALL} installs it anew")
    variant = f"built for CUDA {build.cuda}" if build.cuda else "built for CPUs alone"
    threads = "1 thread" if build.threads == 1 else f"{build.threads} threads"
    return ok(f"PyTorch {build.version}, {variant}; {cores()} cores, {threads} by default")


def gpu(context: Context) -> Finding:
    """Whether PyTorch sees the graphics cards that the system has."""
    try:
        build = torch_build()
    except NoTorch:
        return warning("what PyTorch sees is unknown", "fix torch first")
    cards = graphics_cards()
    if build.gpus:
        return ok(f"PyTorch sees {', '.join(build.gpus)}")
    if context.device == "cpu":
        return ok("not asked for (--device cpu)")
    report = error if context.device == "cuda" else warning
    if cards and not build.cuda:
        return report(
            f"the system has {', '.join(cards)}, but this PyTorch is built for CPUs alone",
            f"unset PIP_EXTRA_INDEX_URL and {REINSTALL}, or accept the CPU with --device cpu",
        )
    if cards:
        return report(
            f"the system has {', '.join(cards)}, but PyTorch for CUDA {build.cuda} sees none",
            "see that nvidia-smi lists it, that CUDA_VISIBLE_DEVICES is unset, and that the driver is new enough",
        )
    if context.device == "cuda":
        return error("--device cuda, but this system shows no graphics card", "use --device cpu, or install a driver")
    return ok("none here; cells are trained on the CPU")


def bf16(context: Context) -> Finding:
    """Whether ``--set precision=bf16`` is faster here."""
    if "amx_bf16" in processor_flags():
        return ok("the processor multiplies it (amx_bf16): --set precision=bf16 is faster")
    if "avx512_bf16" in processor_flags():
        return ok(
            "the processor multiplies it, but without AMX (avx512_bf16 alone): --set precision=bf16 is faster in "
            "passes of more than 256 tokens; smaller ones, and gradients of weights, stay in fp32"
        )
    try:
        if torch_build().bf16:
            return ok("the graphics card multiplies it: --set precision=bf16 is faster there")
    except NoTorch:
        pass
    return ok("the processor does not multiply it: --set precision=bf16 gains nothing here")


@lru_cache(maxsize=1)
def torch_build() -> TorchBuild:
    """What PyTorch says of itself. Raises ``NoTorch``."""
    answers = run_probe("torch")
    return TorchBuild(**(answers | {"gpus": tuple(answers["gpus"])}))


def run_probe(*words: str) -> dict[str, Any]:
    """The answer of ``probe``. Raises ``NoTorch`` with the last line of its process where that fails."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("probe.py")), *words]
    try:
        process = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise NoTorch(f"it takes more than {TIMEOUT:.0f} seconds") from None
    if process.returncode < 0:
        raise NoTorch(f"it crashes ({signal.Signals(-process.returncode).name})")
    lines = [line.strip() for line in process.stderr.splitlines() if line.strip()]
    if process.returncode:
        raise NoTorch(lines[-1][:300] if lines else f"exit code {process.returncode}")
    answer: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return answer


def graphics_cards() -> list[str]:
    """NVIDIA's graphics cards as its driver lists them, whatever PyTorch sees."""
    names = []
    for folder in sorted(DRIVER.glob("*")):
        lines = (folder / "information").read_text(encoding="utf-8", errors="replace").splitlines()
        names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return names or list_by_nvidia_smi()


def list_by_nvidia_smi() -> list[str]:
    """The same, by ``nvidia-smi``, where there is no /proc."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        process = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.partition(":")[2].partition("(")[0].strip() for line in process.stdout.splitlines() if "GPU" in line]


def processor_flags() -> set[str]:
    """The processor's features; empty where the system does not list them."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
