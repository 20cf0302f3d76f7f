"""What a study may ask of a trial: values of parameters, each within its range."""

from __future__ import annotations

from typing import Protocol

Value = float | int | str


class Trial(Protocol):
    """What a study asks for its parameters: a tuner, or ``Known`` ones. Optuna's trials fit."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...

    def suggest_int(self, name: str, low: int, high: int) -> int: ...
