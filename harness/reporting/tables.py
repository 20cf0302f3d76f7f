"""Writes tables to the screen and to ``<home>/reports``."""

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
from harness.reporting.listing import OURS, read_latest_results, result_digest
from reports.document.fonts import MissingGlyphs, sentence
from reports.suite_table.export import csv, markdown, terminal
from reports.suite_table.model import Table


@contextlib.contextmanager
def report_missing_glyphs(report: Callable[[str], None]) -> Iterator[None]:
    """Report once, at the end, the characters that no font has; other warnings stay warnings."""
    warned: list[MissingGlyphs] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", MissingGlyphs)
        show = warnings.showwarning

        def collect(message: Any, category: Any, *rest: Any, **more: Any) -> None:
            if isinstance(message, MissingGlyphs):
                warned.append(message)
            else:
                show(message, category, *rest, **more)

        warnings.showwarning = collect
        yield
    if warned:
        where = dict.fromkeys(each.where for each in warned)
        report(sentence([character for each in warned for character in each.characters], where))


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
    save_latest_results(tables, setup, folder / OURS)
    return folder


def save_latest_results(tables: Sequence[Table], setup: Setup, path: Path) -> None:
    """Save every row's latest result in this set-up, for ``harness list``."""
    latest = read_latest_results(path.parent.parent)
    facts = {"profile": setup.profile.name, "data": setup.data, "encoder": setup.encoder, "variant": setup.variant}
    for table in tables:
        for line in table.lines:
            pair = find_row(table.suite, line.name)
            figures = {
                column.key: {"mean": entry.mean, "half": entry.half}
                for column, entry in zip(table.columns, line.entries, strict=True)
                if entry.mean is not None
            }
            name = f"{table.suite}/{line.name}"
            others = [each for each in latest.get(name, []) if any(each[key] != facts[key] for key in facts)]
            if figures and pair is not None:
                result = facts | {"declared": row_digest(*pair, facts), "n": line.n, "figures": figures}
                latest[name] = [*others, result | {"check": result_digest(result)}]
    write_atomic(path, json.dumps(latest, indent=1))
