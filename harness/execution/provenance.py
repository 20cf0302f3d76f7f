"""The version and revision of the running code."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@lru_cache(maxsize=1)
def revision() -> dict[str, str]:
    """The harness's own version, and the commit and dirty state where it runs from a checkout."""
    try:
        facts = {"version": version("ablation-harness")}
    except PackageNotFoundError:
        facts = {"version": "unknown"}
    root = Path(__file__).parent.parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) == root:
            facts |= {"revision": git("rev-parse", "HEAD"), "dirty": str(bool(git("status", "--porcelain"))).lower()}
    except (OSError, subprocess.CalledProcessError):
        pass
    return facts
