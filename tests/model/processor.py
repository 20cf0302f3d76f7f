"""What this processor makes of a product whose inputs may be rounded to bf16 (``model.precision``)."""

from __future__ import annotations

from pathlib import Path

CPU = Path("/proc/cpuinfo")
FLAGS = frozenset(CPU.read_text().split()) if CPU.exists() else frozenset[str]()
BFLOAT = bool(FLAGS & {"amx_bf16", "avx512_bf16", "bf16"})
ROUNDS = bool(FLAGS & {"amx_bf16", "bf16"})  # "bf16" is ARM's; x86 with avx512_bf16 alone has torch multiply fp32
