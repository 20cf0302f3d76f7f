"""Tables to the screen and to ``<home>/reports``."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.declared import row_digest
from harness.durable import write_aside
from harness.listing import OURS, latest, seal
from harness.logbook import SAID
from harness.plan import Setup
from harness.readers import declared
from harness.screen import broken
from model.names import printed
from model.recipe import digest
from reports.letters import Unset, sentence
from reports.render import csv, markdown, terminal
from reports.shape import Table


def say(console: Console, text: str, style: str | None = None) -> None:
    """A line, kept in the log too: as it is in a file or a pipe, on a terminal broken between words and never in a
    path. Without what would move a terminal."""
    text = printed(text, keep="\n")
    SAID.info("%s", text)
    shown = broken(text, console.width) if console.is_terminal else text
    console.print(shown, style=style, highlight=False, markup=False, soft_wrap=True)


@contextlib.contextmanager
def boxes(tell: Callable[[str], None]) -> Iterator[None]:
    """Say once, at the end, which characters of a report no font has; other warnings stay warnings."""
    unset: list[Unset] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", Unset)
        show = warnings.showwarning

        def hear(message: Any, category: Any, *rest: Any, **more: Any) -> None:
            if isinstance(message, Unset):
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
    folder = home / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        name = file_name([*table.suite.split("/"), setup.profile.name], setup.variant)
        write_aside(folder / f"{name}.md", markdown(table))
        write_aside(folder / f"{name}.csv", csv(table))
    remember(tables, setup, folder / OURS)
    return folder


def file_name(parts: Sequence[str], variant: str) -> str:
    """The parts and what the variant changes, as a name that every file system takes; long ones are cut and told apart
    by a hash."""
    told = "".join(c if c.isascii() and (c.isalnum() or c in ".-=") else "_" for c in variant.strip("[]"))
    name = "-".join(filter(None, [*parts, told]))
    return name if len(name) <= 150 and told == variant.strip("[]") else f"{name[:140]}-{digest([variant], 8)}"


def remember(tables: Sequence[Table], setup: Setup, path: Path) -> None:
    """Keep every row's latest result in this set-up for ``harness list``."""
    known = latest(path.parent.parent)
    made_with = {"profile": setup.profile.name, "data": setup.data, "encoder": setup.encoder, "variant": setup.variant}
    for table in tables:
        for line in table.lines:
            pair = declared(table.suite, line.name)
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
    write_aside(path, json.dumps(known, indent=1))
