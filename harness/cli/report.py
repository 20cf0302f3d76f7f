"""``harness report``, ``compare`` and ``explain``: results of rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import home_option, row_names, selector_names
from harness.console.status import status_line
from harness.console.text import print_result, print_text
from model.errors import InputError

if TYPE_CHECKING:
    from harness.tracking.results_source import ResultsSource

store_option = click.option(
    "--from", "uri", metavar="URI", help="A tracking store to read instead of the results folder's cells."
)
json_option = click.option("--json", "as_json", is_flag=True, help="The same as JSON.")


@click.command()
@click.argument("selectors", nargs=-1, shell_complete=selector_names)
@click.option("--out", help="Folder for the files.  [default: reports/all in the results folder]")
@click.option("--force", is_flag=True, help="Write it even if nothing has changed.")
@store_option
@home_option
def report(selectors: tuple[str, ...], out: str | None, force: bool, uri: str | None, home: str) -> None:
    """Write report.pdf, report.html, tables and figures from the results folder's cells, or from a tracking store.

    Each set-up (profile, data, encoder, variant) has its own chapter; nothing of two is averaged.
    """
    with status_line("reading the results") as line:
        from harness.registry.selectors import select
        from harness.reporting.report import write_report
        from harness.reporting.tables import report_missing_glyphs

        pairs, evidence = select(selectors or ("*",)), open_evidence(uri, home)
        folder = Path(out).expanduser() if out else Path(home).expanduser() / "reports" / "all"
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file; name a folder with --out")
        try:
            with report_missing_glyphs(lambda text: print_text(text, err=True)):
                written = write_report(evidence, pairs, folder, line.update, force=force)
        except OSError as error:
            why = error.strerror or error
            raise InputError(f"{folder} cannot be written ({why}); name another with --out") from None
    print_faults(evidence)
    print_text(f"{written.folder / 'report.pdf'}{'' if written.new else ': unchanged'}")


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
        from harness.reporting.compare import compare_rows, format_comparisons

        read_named((first, second))
        evidence = open_evidence(uri, home)
        records = compare_rows(evidence, first, second)
    print_faults(evidence)
    print_result(records, format_comparisons, as_json)


@click.command()
@click.argument("figure", shell_complete=row_names)
@json_option
@store_option
@home_option
def explain(figure: str, as_json: bool, uri: str | None, home: str) -> None:
    """Explain a figure: SUITE/ROW:METRIC, or the name in a report's small print."""
    with status_line("reading the results"):
        from harness.reporting.explain import explain_figure, format_explanations

        evidence = open_evidence(uri, home)
        records = explain_figure(evidence, figure)
    print_faults(evidence)
    print_result(records, format_explanations, as_json)


def print_faults(evidence: ResultsSource) -> None:
    """Print the faults of what has been read to standard error."""
    for text in evidence.faults():
        print_text(text, err=True)


def open_evidence(uri: str | None, home: str) -> ResultsSource:
    """The results folder's cells, or the tracking store with this address, which needs no results folder that was
    trained in."""
    from harness.cells.home import existing, writable

    if uri is None:
        from harness.tracking.from_cells import ResultsFolder

        return ResultsFolder(existing(home))
    from harness.tracking.queries import StoredResults
    from harness.tracking.store import Store

    store = Store(writable(home), uri)
    if store.file is not None and not store.file.exists():
        raise InputError(f"there is no tracking store {store.shown} yet; harness sync makes it from the cells")
    return StoredResults(store)
