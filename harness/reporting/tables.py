"""Tables to the screen and to ``<home>/reports``."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.cells.atomic import write_atomic
from harness.cells.home import file_name, reports_folder
from harness.planning.manifest import find_row
from harness.planning.matching import row_digest
from harness.planning.setup import Setup
from harness.reporting.listing import OURS, latest, seal
from reports.document.fonts import MissingGlyphs, sentence
from reports.suite_table.export import csv, markdown, terminal
from reports.suite_table.model import Table


@contextlib.contextmanager
def boxes(tell: Callable[[str], None]) -> Iterator[None]:
    """Say once, at the end, which characters of a report no font has; other warnings stay warnings."""
    unset: list[MissingGlyphs] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", MissingGlyphs)
        show = warnings.showwarning

        def hear(message: Any, category: Any, *rest: Any, **more: Any) -> None:
            if isinstance(message, MissingGlyphs):
                unset.append(message)
            else:
                show(message, category, *rest, **more)

        warnings.showwarning = hear
        yield
    if unset:
        where = dict.fromkeys(each.where for each in unset)
        tell(sentence([character for each in unset for character in each.characters], where))


def print_tables(tables: Sequence[Table], console: Console) -> None:
    for table in tables:
        console.print()
        console.print(terminal(table, console.width))


def write_tables(tables: Sequence[Table], setup: Setup, home: Path) -> Path:
    """One Markdown and one CSV file a suite; a profile other than the demo and a variant are in the name."""
    folder = reports_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        name = file_name([*table.suite.split("/"), setup.profile.name], setup.variant)
        write_atomic(folder / f"{name}.md", markdown(table))
        write_atomic(folder / f"{name}.csv", csv(table))
    remember(tables, setup, folder / OURS)
    return folder


def remember(tables: Sequence[Table], setup: Setup, path: Path) -> None:
    """Keep every row's latest result in this set-up for ``harness list``."""
    known = latest(path.parent.parent)
    made_with = {"profile": setup.profile.name, "data": setup.data, "encoder": setup.encoder, "variant": setup.variant}
    for table in tables:
        for line in table.lines:
            pair = find_row(table.suite, line.name)
            figures = {
                column.key: {"mean": entry.mean, "half": entry.half}
                for column, entry in zip(table.columns, line.entries, strict=True)
                if entry.mean is not None
            }
            name = f"{table.suite}/{line.name}"
            others = [
                told for told in known.get(name, []) if any(told[key] != value for key, value in made_with.items())
            ]
            if figures and pair is not None:
                told = made_with | {"declared": row_digest(*pair, made_with), "n": line.n, "figures": figures}
                known[name] = [*others, told | {"check": seal(told)}]
    write_atomic(path, json.dumps(known, indent=1))
