"""Which commits of the hub's data sets this process has read, so that another reads the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_read: dict[str, str] = {}  # by the set's folder: its repository, and its configuration if it has one


def note(folder: str, tables: Iterable[Any]) -> None:
    """Keep which commit these rows, as the library gives them, are of: in its cache it names the folder of their
    files."""
    files = [Path(each["filename"]).parent.name for table in tables for each in getattr(table, "cache_files", ())]
    if files and re.fullmatch("[0-9a-f]{40}", files[0]):
        _read[folder] = files[0]


def pinned(source: str) -> str:
    """The source ``hub`` with these commits, ``hub@SetFit/sst5=COMMIT,nyu-mll/glue/qqp=COMMIT``; any other as it is."""
    pins = ",".join(f"{folder}={commit}" for folder, commit in sorted(_read.items()))
    return f"hub@{pins}" if source == "hub" and pins else source


def pins_of(source: str) -> dict[str, str]:
    """The commits in a pinned source, by folder."""
    pins = source.removeprefix("hub").removeprefix("@")
    return {folder: commit for folder, _, commit in (part.partition("=") for part in pins.split(",") if part)}
