"""The ``harness`` command."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli_options import device_option, home_option, setup_options
from harness.cli_trained import export, predict
from model.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.execute.local import Machine
    from harness.plan import Planned, Setup

INTERRUPTED = 130


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
@click.argument("selectors", nargs=-1)
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
@click.argument("row")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def show(row: str, as_json: bool) -> None:
    """Show one row: its recipe, what it changes, its printed numbers and notes."""
    from harness.catalogue import find
    from harness.listing import described, sheet

    suite, found = find(row)
    told = described(suite, found)
    click.echo(json.dumps(told, indent=1) if as_json else sheet(told))


@main.command()
@click.argument("selectors", nargs=-1, required=True)
@setup_options
@click.option("--rows", help="Only these rows of the selection, by name, separated by commas.")
@click.option("--seeds", type=int, help="How many seeds a row gets.  [default: the profile's]")
@click.option("--jobs", type=int, help="Cells trained at a time.  [default: cores / threads; 1 on a GPU]")
@click.option("--threads", type=int, help="CPU threads a cell.  [default: the profile's]")
@device_option
@click.option(
    "--keep", type=click.Choice(["none", "selected", "all"]), default="none", show_default=True, help="Weights to keep."
)
@click.option("--rerun", is_flag=True, help="Train finished cells again.")
@click.option("--dry-run", is_flag=True, help="Say what would be trained, and stop.")
@home_option
def run(
    selectors: tuple[str, ...],
    profile: str,
    data: str | None,
    encoder: str | None,
    rows: str | None,
    settings: tuple[str, ...],
    changes: tuple[str, ...],
    seeds: int | None,
    jobs: int | None,
    threads: int | None,
    device: str,
    keep: str,
    rerun: bool,
    dry_run: bool,
    home: str,
) -> None:
    """Train the selected rows and print their tables.

    Cells run in rounds: every row's first seed, then every row's second. Finished cells are not trained again.
    """
    from harness.catalogue import select
    from harness.options import machine_of, setup_of, writable
    from harness.plan import plan

    setup = setup_of(profile, data, encoder, seeds, settings, changes)
    machine = machine_of(writable(home), jobs, threads or setup.profile.threads, device)
    planned = plan(select(selectors, tuple(rows.split(",")) if rows else ()), setup)
    console = _console()
    if dry_run:
        from harness.estimate import estimate

        for line in estimate(planned, setup, machine, rerun):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return
    sys.exit(_train_and_print(planned, setup, machine, console, rerun, keep))


def _train_and_print(
    planned: list[Planned], setup: Setup, machine: Machine, console: Console, rerun: bool, keep: str
) -> int:
    from harness.campaign import carry_out, failures, tables
    from harness.estimate import preamble
    from harness.output import print_tables, write_tables
    from harness.store import Store

    store = Store(machine.home, os.environ.get("MLFLOW_TRACKING_URI"))
    interrupted = False
    for line in preamble(setup, machine):
        console.print(line, style="dim", highlight=False, markup=False, soft_wrap=True)
    try:
        with closing(carry_out(planned, setup, machine, store, console, rerun=rerun, keep=keep)) as rounds:
            for seed in rounds:
                where = write_tables(tables(planned, setup, machine, store), setup, machine.home)
                text = f"every row has seed {seed}: tables in {where}"
                console.print(text, highlight=False, markup=False, soft_wrap=True)
    except KeyboardInterrupt:
        interrupted = True
    made = tables(planned, setup, machine, store)
    print_tables(made, console)
    where = write_tables(made, setup, machine.home)
    console.print(f"tables: {where}\nbrowse: {store.browse()}", highlight=False, markup=False, soft_wrap=True)
    failed = failures(planned, machine.home)
    for line in failed:
        console.print(f"failed: {line}", highlight=False, markup=False)
    if interrupted:
        console.print("stopped; the same command goes on from here", highlight=False)
        return INTERRUPTED
    return 1 if failed else 0


@main.command()
@click.argument("selectors", nargs=-1)
@click.option(
    "--parquet", type=click.Path(dir_okay=False), help="Write Parquet to this file instead of CSV to the screen."
)
@home_option
def results(selectors: tuple[str, ...], parquet: str | None, home: str) -> None:
    """Every result in the home, tidy: one line a cell, epoch, split and metric."""
    from harness.tidy import results as collect

    frame = collect(*selectors, home=home)
    if parquet:
        frame.to_parquet(parquet)
        click.echo(f"{len(frame):,} results in {parquet}")
    else:
        click.echo(frame.to_csv(index=False), nl=False)


main.add_command(predict)
main.add_command(export)


def _console() -> Console:
    from rich.console import Console

    return Console(soft_wrap=False)


if __name__ == "__main__":
    main()
