"""The trial that a study asks for values of parameters, each within its range."""

from __future__ import annotations

from typing import Protocol

Value = float | int | str


class Trial(Protocol):
    """Suggests parameters: Optuna's trials do, and ``ReplayTrial`` does with parameters of before."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...

    def suggest_int(self, name: str, low: int, high: int) -> int: ...
