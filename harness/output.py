"""Tables to the screen and to ``<home>/reports``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from harness.cell import write_aside
from harness.plan import Setup
from reports.render import csv, markdown, terminal
from reports.shape import Table


def print_tables(tables: Sequence[Table], console: Console) -> None:
    for table in tables:
        console.print()
        console.print(terminal(table, console.width))


def write_tables(tables: Sequence[Table], setup: Setup, home: Path) -> Path:
    """One Markdown and one CSV file a suite; a profile other than the demo and a variant are in the name."""
    folder = home / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        name = "-".join([*table.suite.split("/"), setup.profile.name])
        variant = "".join(c if c.isalnum() or c in ".-=" else "_" for c in setup.variant.strip("[]"))
        name = f"{name}-{variant}"[:150] if variant else name
        write_aside(folder / f"{name}.md", markdown(table))
        write_aside(folder / f"{name}.csv", csv(table))
    return folder
