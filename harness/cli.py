"""The ``harness`` command."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from harness.cli_ablate import ablate
from harness.cli_audit import audit
from harness.cli_doctor import doctor
from harness.cli_new import new
from harness.cli_options import home_option, row_names, selector_names
from harness.cli_report import compare, explain, report
from harness.cli_run import run, sync
from harness.cli_trained import export, predict
from harness.cli_tune import tune
from harness.cli_ui import ui
from model.errors import InputError


class Commands(click.Group):
    """Turns bad input into one sentence and exit code 2."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except InputError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(2)
        except BrokenPipeError:  # the reader of our output is gone
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            sys.exit(0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ablation-harness")
def main() -> None:
    """Train every row of five papers' tables, seed by seed, and see what each change did.

    Rows are named PAPER/TABLE/ROW. A selector is a table (table1: of every paper), PAPER/TABLE, a row, or a pattern
    such as 'bertram/*'.
    """


@main.command("list")
@click.argument("selectors", nargs=-1, shell_complete=selector_names)
@click.option("--json", "as_json", is_flag=True, help="A JSON array with one object a row.")
@home_option
def list_rows(selectors: tuple[str, ...], as_json: bool, home: str) -> None:
    """List rows: what is printed of them, and whether they can run."""
    from harness.catalogue import select, status
    from harness.listing import overview, records

    chosen = select(selectors or ("*",))
    told = records(chosen, status, Path(home))
    click.echo(json.dumps(told, indent=1) if as_json else overview(told), nl=True)


@main.command()
@click.argument("row", shell_complete=row_names)
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def show(row: str, as_json: bool) -> None:
    """Show one row: its recipe, what it changes, its printed numbers and notes."""
    from harness.catalogue import find
    from harness.listing import described, sheet

    suite, found = find(row)
    told = described(suite, found)
    click.echo(json.dumps(told, indent=1) if as_json else sheet(told))


@main.command()
@click.argument("selectors", nargs=-1, shell_complete=selector_names)
@click.option(
    "--parquet", type=click.Path(dir_okay=False), help="Write Parquet to this file instead of CSV to the screen."
)
@home_option
def results(selectors: tuple[str, ...], parquet: str | None, home: str) -> None:
    """Every result in the home, tidy: one line a cell, epoch, split and metric."""
    from harness.options import existing
    from harness.tidy import results as collect

    frame = collect(*selectors, home=existing(home))
    if parquet:
        try:
            frame.to_parquet(parquet)
        except OSError as error:
            raise InputError(f"{parquet} cannot be written ({error.strerror or error}); choose another file") from None
        click.echo(f"{len(frame):,} results in {parquet}")
    else:
        click.echo(frame.to_csv(index=False), nl=False)


for command in (run, tune, ablate, sync, report, compare, explain, predict, export, ui, audit, doctor, new):
    main.add_command(command)


if __name__ == "__main__":
    main()
