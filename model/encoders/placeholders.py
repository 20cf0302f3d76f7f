"""The encoder of the run, whatever ``--encoder`` or the profile names, and encoders made from another one."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from model.interfaces import Encoder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Base(Encoder):
    """A placeholder that planning replaces; no cell holds one."""

    slug: ClassVar[str] = "base"
    closed: ClassVar[bool] = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class Derived(Encoder):
    """An encoder made from ``start``."""

    start: Encoder = Base()
