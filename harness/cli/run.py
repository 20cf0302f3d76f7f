"""``harness run`` and ``harness sync``: train rows, and write results into a tracking store."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Sequence

import click

from harness.cli.options import ExecutionOptions, execution_options, home_option, selector_names, setup_options
from harness.console.status import status_line
from harness.console.text import print_text
from model.errors import InputError

KEEP = click.Choice(["none", "selected", "all"])
TWO_TESTS = (
    "A fixed number of seeds and --until-decided are two ways to test. --seeds looks once: the report's verdicts and p "
    "are for it, and whoever knows how large an effect is needs fewest seeds so. --until-decided looks after every "
    "seed, and its decisions hold however often one looks, all together at 5%; it compares the rows of each claim that "
    "differ on one axis, and saves seeds where effects are large or of unknown size. Choose before seeing results."
)


@click.command(epilog=TWO_TESTS)
@click.argument("selectors", nargs=-1, required=True, shell_complete=selector_names)
@setup_options
@click.option("--rows", help="Only these rows of the selection, by name, separated by commas.")
@click.option("--seeds", type=int, help="How many seeds a row gets.  [default: the profile's]")
@click.option("--until-decided", is_flag=True, help="Add seeds until each comparison of the tables' claims is decided.")
@click.option("--max-seeds", type=int, help="The most that --until-decided gives a row.  [default: 30]")
@execution_options
@click.option("--keep", type=KEEP, default="none", show_default=True, help="Weights to keep.")
@click.option("--rerun", is_flag=True, help="Train finished cells again.")
@click.option("--retry-failed", is_flag=True, help="Train failed cells again.")
@click.option("--checkpoint-minutes", type=float, default=1.0, show_default=True, help="Minutes between checkpoints.")
@click.option("--report/--no-report", default=True, help="Write report.pdf and report.html at the end.  [default: yes]")
@click.option("--dry-run", is_flag=True, help="Print what would be trained, and stop.")
def run(
    selectors: tuple[str, ...],
    profile: str,
    data: str | None,
    encoder: str | None,
    rows: str | None,
    settings: tuple[str, ...],
    changes: tuple[str, ...],
    seeds: int | None,
    until_decided: bool,
    max_seeds: int | None,
    execution: ExecutionOptions,
    keep: str,
    rerun: bool,
    retry_failed: bool,
    checkpoint_minutes: float,
    report: bool,
    dry_run: bool,
) -> None:
    """Train the selected rows and print their tables.

    Cells run in rounds: every row's first seed, then every row's second. Finished cells are not trained again. Several
    commands on one results folder share the work. Ctrl-C writes checkpoints; the same command goes on from there.
    """
    with status_line("reading the rows and the data") as line:
        from rich.console import Console

        from harness.cli.setup import machine_of, most_seeds, setup_of
        from harness.commands.run import Options, train_and_print
        from harness.console.log_file import log_to_file
        from harness.console.text import print_and_log
        from harness.execution.estimate import estimate
        from harness.execution.seed_policy import FixedSeeds
        from harness.planning.plan import download_encoders, plan
        from harness.registry.selectors import select
        from harness.sequential.seed_policy import SequentialSeeds

        if not (math.isfinite(checkpoint_minutes) and checkpoint_minutes >= 0):
            raise InputError(f"--checkpoint-minutes is {checkpoint_minutes}; it must be a number of 0 or more")
        seeds = most_seeds(seeds, until_decided, max_seeds)
        setup = setup_of(profile, data, encoder, seeds, settings, changes)
        selected = select(selectors, tuple(rows.split(",")) if rows else ())
        if not dry_run:
            download_encoders(selected, setup, line.print)
        planned = plan(selected, setup)
        machine = machine_of(execution, setup.profile.threads)  # makes the results folder: none for bad input
        machine = dataclasses.replace(machine, checkpoint_seconds=60 * checkpoint_minutes)
        policy = SequentialSeeds(planned, setup) if until_decided else None
        planned = policy.rows if policy else planned
        forecast: Sequence[str] = ()
        if dry_run:
            forecast = policy.estimate(machine, rerun) if policy else estimate(planned, setup, machine, rerun)
    console = Console(soft_wrap=False)
    for text in forecast:
        print_and_log(console, text)
    if dry_run:
        return
    options = Options(keep, rerun, retry_failed, report, policy or FixedSeeds())
    with log_to_file(machine.home):
        sys.exit(train_and_print(planned, setup, machine, console, options))


@click.command()
@click.option(
    "--to", "uri", metavar="URI", help="The tracking store.  [default: MLFLOW_TRACKING_URI, or the results folder's]"
)
@home_option
def sync(uri: str | None, home: str) -> None:
    """Write every result of a results folder into a tracking store.

    Any MLflow address will do. What is there already stays as it is, so that it can be done again at any time.
    """
    with status_line("bringing the cells into the store") as line:
        from harness.cells.home import existing
        from harness.tracking.store import Store
        from harness.tracking.sync import Delivery

        folder = existing(home)
        store = Store(folder, uri)
        store.deep = True
        with Delivery(store, line.print) as delivery:
            if delivery.lock is None:
                raise InputError(f"another process writes the results of {home}; wait until it has ended")
            count = delivery.deliver_all(folder)
    print_text(f"{store.shown}: {count.new} new, {count.present} there before, {count.left} not delivered")
    sys.exit(1 if count.left else 0)
