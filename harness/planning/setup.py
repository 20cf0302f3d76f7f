"""What a command fixes for all its rows: profile, data, encoder, seeds, changes and settings."""

from __future__ import annotations

import dataclasses

from experiments.profiles import Profile
from experiments.suite import Change


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """What a command fixes for all its rows."""

    profile: Profile
    data: str
    encoder: str
    seeds: int
    changes: tuple[Change, ...] = ()  # --with, in the paper's units
    settings: tuple[tuple[str, str], ...] = ()  # --set, taken as typed

    @property
    def variant(self) -> str:
        """What ``--with`` and ``--set`` add to a row's name."""
        parts = [change.name for change in self.changes] + [f"{path}={value}" for path, value in self.settings]
        return f"[{', '.join(parts)}]" if parts else ""
