"""The doctor on a machine: PyTorch, graphics cards, memory, disk."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from harness.doctor import devices, resources
from harness.doctor.devices import TorchBuild
from tests.harness.conftest import Invoke
from tests.harness.doctor.findings import CPU, Usage, check, run_doctor


def test_a_torch_that_cannot_be_imported(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    source = tmp_path / "torch" / "__init__.py"
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    source.write_text("raise OSError('libcudart.so.12: cannot open shared object file')")
    monkeypatch.setattr(devices, "torch_build", real_torch_build)
    findings = run_doctor(invoke, error=True)
    check(findings["torch"], "error", "libcudart.so.12", "--force-reinstall torch")
    check(findings["gpu"], "warning", "fix torch first")
    source.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)")
    real_torch_build.cache_clear()
    check(run_doctor(invoke, error=True)["torch"], "error", "crashes (SIGILL)", "--force-reinstall torch")
    real_torch_build.cache_clear()


real_torch_build = devices.torch_build


def test_the_torch_that_is_there_answers() -> None:
    import torch

    real_torch_build.cache_clear()
    build = real_torch_build()
    assert build.version == torch.__version__
    assert bool(build.gpus) == torch.cuda.is_available()


@pytest.mark.parametrize("device", ["auto", "cuda", "cpu"])
@pytest.mark.parametrize(("cuda", "words"), [("", ("CPUs alone", "PIP_EXTRA_INDEX_URL")), ("13.0", ("nvidia-smi",))])
def test_a_graphics_card_that_torch_does_not_see(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, device: str, cuda: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(devices, "torch_build", lambda: TorchBuild("2.13.0", cuda, (), False, 1))
    monkeypatch.setattr(devices, "graphics_cards", lambda: ["NVIDIA T4"])
    finding = run_doctor(invoke, "--device", device, error=device == "cuda")["gpu"]
    if device == "cpu":
        check(finding, "ok")
    else:
        check(finding, "error" if device == "cuda" else "warning", "NVIDIA T4", *words)


def test_a_graphics_card_that_torch_sees_takes_one_cell(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "torch_build", lambda: TorchBuild("2.13.0", "13.0", ("NVIDIA T4",), True, 1))
    monkeypatch.setattr(devices, "processor_flags", set)
    findings = run_doctor(invoke, "--device", "cuda", error=False)
    check(findings["gpu"], "ok", "NVIDIA T4")
    check(findings["bf16"], "ok", "graphics card multiplies")
    check(findings["memory"], "ok", "takes about 1 GB")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"amx_bf16", "avx512_bf16"}, "the processor multiplies it (amx_bf16): --set precision=bf16 is faster"),
        (
            {"avx512_bf16"},
            "faster in passes of more than 256 tokens; smaller ones, and gradients of weights, stay in fp32",
        ),
        (set(), "gains nothing here"),
    ],
)
def test_what_bf16_gains_is_said_of_this_processor(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, flags: set[str], words: str
) -> None:
    monkeypatch.setattr(devices, "torch_build", lambda: CPU)
    monkeypatch.setattr(devices, "processor_flags", lambda: flags)
    check(run_doctor(invoke, error=False)["bf16"], "ok", words)


def test_no_graphics_card_where_one_is_asked_for(invoke: Invoke) -> None:
    check(run_doctor(invoke, "--device", "cuda", error=True)["gpu"], "error", "no graphics card", "--device cpu")


def test_the_driver_tells_its_cards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "information").write_text("Model: \t\t NVIDIA T4\nIRQ:   \t 9\n")
    monkeypatch.setattr(devices, "DRIVER", tmp_path)
    assert devices.graphics_cards() == ["NVIDIA T4"]
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA L4 (UUID: GPU-1)'\n")
    program.chmod(0o755)
    monkeypatch.setattr(devices, "DRIVER", tmp_path / "none")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert devices.graphics_cards() == ["NVIDIA L4"]


def test_little_memory_names_the_jobs_that_fit(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "cores", lambda: 8)
    monkeypatch.setattr(resources, "free_memory", lambda: 3.5e9)
    check(
        run_doctor(invoke, error=False)["memory"],
        "warning",
        "3.5 GB free; a cell of demo",
        "8 are trained at a time",
        "--jobs 3",
    )
    monkeypatch.setattr(resources, "free_memory", lambda: 0.4e9)
    check(run_doctor(invoke, error=False)["memory"], "warning", "end other programs")


def test_a_container_has_its_share_of_the_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    (tmp_path / "info").write_text("MemTotal: 64 kB\nMemAvailable: 8000000 kB\n")
    monkeypatch.setattr(resources, "MEMINFO", tmp_path / "info")
    monkeypatch.setattr(resources, "CGROUP", tmp_path)
    assert resources.free_memory() == 8_192_000_000
    (tmp_path / "memory.max").write_text("2000000000\n")
    (tmp_path / "memory.current").write_text("1500000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 250000000\n")
    assert resources.free_memory() == 750_000_000


def test_a_full_disk(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, used: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(10**12, 10**12, 10**9))
    finding = run_doctor(invoke, "--profile", "paper", "--data", "embedded", "--encoder", "tiny", error=False)["disk"]
    check(finding, "warning", "1 GB free", "--jobs")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(10**12, 10**12, 10**6))
    check(run_doctor(invoke, "--home", used, error=True)["disk"], "error", "is full", "free some space")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(10**12, 0, 10**12))

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(resources, "write_atomic", full)
    check(run_doctor(invoke, "--home", used, error=True)["disk"], "error", "is full", "free some space")
