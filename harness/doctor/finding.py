"""What the doctor is asked about, and what it finds."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Literal, NamedTuple

from experiments.profiles import Profile

State = Literal["ok", "mind", "broken"]


class Told(NamedTuple):
    """What a check says: ``mend`` is what to do about it, empty where there is nothing to do."""

    state: State
    says: str
    mend: str = ""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the check of this name says. ``mind``: something will be missing or slow; ``broken``: something fails."""

    check: str
    state: State
    says: str
    mend: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """The set-up to look at, as a command would be given it."""

    home: Path
    profile: Profile
    data: str
    encoder: str
    device: str = "auto"
    network: bool = False

    @property
    def home_option(self) -> str:
        """What a command on this home has to be told."""
        usual = os.environ.get("HARNESS_HOME") or "runs"
        return "" if str(self.home) == os.path.expanduser(usual) else f" --home {self.home}"


def sound(says: str) -> Told:
    return Told("ok", says)


def mind(says: str, mend: str) -> Told:
    return Told("mind", says, mend)


def broken(says: str, mend: str) -> Told:
    return Told("broken", says, mend)


def gigabytes(size: float) -> str:
    """Bytes, to two figures."""
    return f"{size / 1e9:.2g} GB" if size < 99.5e9 else f"{size / 1e9:,.0f} GB"
