"""``harness report``, ``compare`` and ``explain``: what was measured of rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import home_option, row_names, selector_names
from harness.console.status import status_line
from harness.console.text import answer, tell
from model.errors import InputError

if TYPE_CHECKING:
    from harness.tracking.results_source import ResultsSource

store_option = click.option(
    "--from", "uri", metavar="URI", help="A tracking store to read instead of the home's cells."
)
json_option = click.option("--json", "as_json", is_flag=True, help="The same as JSON.")


@click.command()
@click.argument("selectors", nargs=-1, shell_complete=selector_names)
@click.option("--out", help="Folder for the files.  [default: reports/all in the home]")
@click.option("--force", is_flag=True, help="Write it even if nothing has changed.")
@store_option
@home_option
def report(selectors: tuple[str, ...], out: str | None, force: bool, uri: str | None, home: str) -> None:
    """Write report.pdf, report.html, tables and figures from the home's cells, or from a tracking store.

    Each set-up (profile, data, encoder, variant) has its own chapter; nothing of two is averaged.
    """
    with status_line("reading the results") as line:
        from harness.registry.selectors import select
        from harness.reporting.report import write
        from harness.reporting.tables import boxes

        pairs, evidence = select(selectors or ("*",)), opened(uri, home)
        folder = Path(out).expanduser() if out else Path(home).expanduser() / "reports" / "all"
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file; name a folder with --out")
        try:
            with boxes(lambda text: tell(text, err=True)):
                made = write(evidence, pairs, folder, line.tell, again=force)
        except OSError as error:
            why = error.strerror or error
            raise InputError(f"{folder} cannot be written ({why}); name another with --out") from None
    say_faults(evidence)
    tell(f"{made.folder / 'report.pdf'}{'' if made.new else ': unchanged'}")


@click.command()
@click.argument("first", shell_complete=row_names)
@click.argument("second", shell_complete=row_names)
@json_option
@store_option
@home_option
def compare(first: str, second: str, as_json: bool, uri: str | None, home: str) -> None:
    """Compare two rows on all tasks, paired by seed and item: FIRST minus SECOND."""
    with status_line("reading the results"):
        from harness.registry.plugins import read_named
        from harness.reporting.compare import compared, told

        read_named((first, second))
        evidence = opened(uri, home)
        found = compared(evidence, first, second)
    say_faults(evidence)
    answer(found, told, as_json)


@click.command()
@click.argument("figure", shell_complete=row_names)
@json_option
@store_option
@home_option
def explain(figure: str, as_json: bool, uri: str | None, home: str) -> None:
    """Say what is behind a figure: SUITE/ROW:METRIC, or the name in a report's small print."""
    with status_line("reading the results"):
        from harness.reporting.explain import explained, told

        evidence = opened(uri, home)
        found = explained(evidence, figure)
    say_faults(evidence)
    answer(found, told, as_json)


def say_faults(evidence: ResultsSource) -> None:
    """On standard error, what was wrong with what has been read."""
    for text in evidence.faults():
        tell(text, err=True)


def opened(uri: str | None, home: str) -> ResultsSource:
    """The home's cells, or the tracking store with this address, which needs no home that was trained in."""
    from harness.cells.home import existing, writable

    if uri is None:
        from harness.tracking.from_cells import ResultsFolder

        return ResultsFolder(existing(home))
    from harness.tracking.queries import StoredResults
    from harness.tracking.store import Store

    store = Store(writable(home), uri)
    if store.file is not None and not store.file.exists():
        raise InputError(f"there is no tracking store {store.shown} yet; harness sync makes it from a home's cells")
    return StoredResults(store)
