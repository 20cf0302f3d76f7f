"""What there is to compute with: PyTorch's build, graphics cards, and the processor's matrix hardware."""

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

from harness.doctor.finding import Asked, Told, broken, mind, sound
from harness.execution.config import cores

PATIENCE = 120.0  # seconds for an import of PyTorch from a slow disk
DRIVER = Path("/proc/driver/nvidia/gpus")
PROCESSOR = Path("/proc/cpuinfo")
REINSTALL = "pip install -c constraints.txt --force-reinstall torch"


class NoTorch(Exception):
    """PyTorch gives no answer; the message says why."""


@dataclasses.dataclass(frozen=True)
class Torch:
    """PyTorch's build, and what it sees: ``cuda`` is empty for a CPU build."""

    version: str
    cuda: str
    gpus: tuple[str, ...]
    bf16: bool  # on the GPU
    threads: int  # of its own default


def torch(asked: Asked) -> Told:
    """Whether it can be imported."""
    try:
        found = facts()
    except NoTorch as error:
        return broken(f"PyTorch cannot be imported: {error}", f"{REINSTALL} installs it anew")
    build = f"built for CUDA {found.cuda}" if found.cuda else "built for CPUs alone"
    threads = "1 thread" if found.threads == 1 else f"{found.threads} threads"
    return sound(f"PyTorch {found.version}, {build}; {cores()} cores, {threads} by default")


def gpu(asked: Asked) -> Told:
    """Whether PyTorch sees the graphics cards that the system has."""
    try:
        found = facts()
    except NoTorch:
        return mind("what PyTorch sees cannot be told", "mend torch first")
    system = cards()
    if found.gpus:
        return sound(f"PyTorch sees {', '.join(found.gpus)}")
    if asked.device == "cpu":
        return sound("not asked for (--device cpu)")
    tell = broken if asked.device == "cuda" else mind
    if system and not found.cuda:
        return tell(
            f"the system has {', '.join(system)}, but this PyTorch is built for CPUs alone",
            f"unset PIP_EXTRA_INDEX_URL and {REINSTALL}, or accept the CPU with --device cpu",
        )
    if system:
        return tell(
            f"the system has {', '.join(system)}, but PyTorch for CUDA {found.cuda} sees none",
            "see that nvidia-smi lists it, that CUDA_VISIBLE_DEVICES is unset, and that the driver is new enough",
        )
    if asked.device == "cuda":
        return broken("--device cuda, but this system shows no graphics card", "use --device cpu, or install a driver")
    return sound("none here; cells are trained on the CPU")


def bf16(asked: Asked) -> Told:
    """Whether ``--set precision=bf16`` is faster here."""
    if "amx_bf16" in flags():
        return sound("the processor multiplies it (amx_bf16): --set precision=bf16 is faster")
    if "avx512_bf16" in flags():
        return sound(
            "the processor multiplies it, but without AMX (avx512_bf16 alone): --set precision=bf16 is faster in "
            "passes of more than 256 tokens; smaller ones, and gradients of weights, stay in fp32"
        )
    try:
        if facts().bf16:
            return sound("the graphics card multiplies it: --set precision=bf16 is faster there")
    except NoTorch:
        pass
    return sound("the processor does not multiply it: --set precision=bf16 gains nothing here")


@lru_cache(maxsize=1)
def facts() -> Torch:
    """PyTorch's own word. ``NoTorch``."""
    told = asked_apart("torch")
    return Torch(**(told | {"gpus": tuple(told["gpus"])}))


def asked_apart(*words: str) -> dict[str, Any]:
    """The answer of ``probe``. ``NoTorch`` where its process fails, with its last words."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("probe.py")), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise NoTorch(f"it takes more than {PATIENCE:.0f} seconds") from None
    if done.returncode < 0:
        raise NoTorch(f"it crashes ({signal.Signals(-done.returncode).name})")
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if done.returncode:
        raise NoTorch(lines[-1][:300] if lines else f"exit code {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def cards() -> list[str]:
    """NVIDIA's graphics cards by the driver's word, whatever PyTorch sees."""
    names = []
    for folder in sorted(DRIVER.glob("*")):
        lines = (folder / "information").read_text(encoding="utf-8", errors="replace").splitlines()
        names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return names or listed()


def listed() -> list[str]:
    """The same, by ``nvidia-smi``, where there is no /proc."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.partition(":")[2].partition("(")[0].strip() for line in done.stdout.splitlines() if "GPU" in line]


def flags() -> set[str]:
    """What the processor says it can do; nothing where the system does not tell."""
    try:
        lines = PROCESSOR.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
