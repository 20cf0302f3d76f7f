"""The set-up that the doctor examines, and its findings."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Literal

from experiments.profiles import Profile

State = Literal["ok", "warning", "error"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """The outcome of a check. ``warning``: something will be missing or slow; ``error``: something fails. ``fix`` is
    what to do about it, empty where there is nothing to do."""

    check: str = dataclasses.field(default="", kw_only=True)  # filled in when all checks are run
    state: State
    says: str
    fix: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Context:
    """The set-up to examine, as a command would be given it."""

    home: Path
    profile: Profile
    data: str
    encoder: str
    device: str = "auto"
    network: bool = False

    @property
    def home_option(self) -> str:
        """The option that a command on this results folder needs, with a leading blank; empty for the default results
        folder."""
        usual = os.environ.get("HARNESS_HOME") or "runs"
        return "" if str(self.home) == os.path.expanduser(usual) else f" --home {self.home}"


def ok(says: str) -> Finding:
    return Finding("ok", says)


def warning(says: str, fix: str) -> Finding:
    return Finding("warning", says, fix)


def error(says: str, fix: str) -> Finding:
    return Finding("error", says, fix)


def gigabytes(size: float) -> str:
    """Bytes, to two figures."""
    return f"{size / 1e9:.2g} GB" if size < 99.5e9 else f"{size / 1e9:,.0f} GB"
