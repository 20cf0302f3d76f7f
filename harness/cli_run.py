"""``harness run`` and ``harness sync``: train rows, and bring what was trained into a tracking store."""

from __future__ import annotations

import dataclasses
import math
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from harness.cli_options import device_option, home_option, setup_options
from harness.durable import is_full
from model.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.execute.news import Machine
    from harness.plan import Planned, Setup
    from harness.store import Store

INTERRUPTED = 130
KEEP = click.Choice(["none", "selected", "all"])


@dataclasses.dataclass(frozen=True)
class How:
    """What ``run`` was told about which cells to train and what to keep."""

    keep: str
    rerun: bool
    retry: bool
    report: bool


@click.command()
@click.argument("selectors", nargs=-1, required=True)
@setup_options
@click.option("--rows", help="Only these rows of the selection, by name, separated by commas.")
@click.option("--seeds", type=int, help="How many seeds a row gets.  [default: the profile's]")
@click.option("--jobs", type=int, help="Cells trained at a time.  [default: cores / threads; 1 on a GPU]")
@click.option("--threads", type=int, help="CPU threads a cell.  [default: the profile's]")
@device_option
@click.option("--keep", type=KEEP, default="none", show_default=True, help="Weights to keep.")
@click.option("--rerun", is_flag=True, help="Train finished cells again.")
@click.option("--retry-failed", is_flag=True, help="Train failed cells again.")
@click.option(
    "--checkpoint-minutes", type=float, default=1.0, show_default=True, help="How much training a kill may cost."
)
@click.option("--report/--no-report", default=True, help="Write report.pdf and report.html at the end.  [default: yes]")
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
    retry_failed: bool,
    checkpoint_minutes: float,
    report: bool,
    dry_run: bool,
    home: str,
) -> None:
    """Train the selected rows and print their tables.

    Cells run in rounds: every row's first seed, then every row's second. Finished cells are not trained again. Several
    commands on one home share the work. Ctrl-C writes checkpoints; the same command goes on from there.
    """
    from rich.console import Console

    from harness.catalogue import select
    from harness.options import machine_of, setup_of, writable
    from harness.plan import plan

    if not (math.isfinite(checkpoint_minutes) and checkpoint_minutes >= 0):
        raise InputError(f"--checkpoint-minutes is {checkpoint_minutes}; it must be a number of 0 or more")
    setup = setup_of(profile, data, encoder, seeds, settings, changes)
    machine = machine_of(writable(home), jobs, setup.profile.threads if threads is None else threads, device)
    machine = dataclasses.replace(machine, checkpoint_seconds=60 * checkpoint_minutes)
    planned = plan(select(selectors, tuple(rows.split(",")) if rows else ()), setup)
    console = Console(soft_wrap=False)
    if dry_run:
        from harness.estimate import estimate

        for line in estimate(planned, setup, machine, rerun):
            _say(console, line)
        return
    sys.exit(_train_and_print(planned, setup, machine, console, How(keep, rerun, retry_failed, report)))


def _train_and_print(planned: list[Planned], setup: Setup, machine: Machine, console: Console, how: How) -> int:
    from harness.campaign import DiskFull, failures, tables
    from harness.estimate import preamble
    from harness.output import print_tables, write_tables
    from harness.store import Store

    store = Store(machine.home)
    for line in preamble(setup, machine):
        _say(console, line, "dim")
    end = _train(planned, setup, machine, store, console, how)
    made = tables(planned, setup, machine)
    print_tables(made, console)
    try:
        _say(console, f"tables: {write_tables(made, setup, machine.home)}")
    except OSError as error:
        if not is_full(error):
            raise
        end = "disk full"
    if how.report and end == "finished":
        end = _report(setup, store, console)
    _say(console, f"browse: {store.browse()}")
    failed = failures(planned, machine.home)
    for line in failed:
        _say(console, f"failed: {line}")
    if failed:
        _say(console, "--retry-failed trains them again")
    if end == "disk full":
        _say(console, str(DiskFull(machine.home)))
        return 1
    if end == "interrupted":
        _say(console, "stopped; the same command goes on from here")
        return INTERRUPTED
    return 1 if failed else 0


def _report(setup: Setup, store: Store, console: Console) -> str:
    """Write the report of all that the store holds of this set-up; how it ended. What keeps it from being written is
    said and nothing more: the results are kept."""
    from harness.campaign import tags
    from harness.catalogue import select
    from harness.output import file_name
    from harness.reporting import write

    told = tags(setup)
    try:
        with console.status("report") as status:
            folder = store.home / "reports" / file_name([setup.profile.name, told["setup"][:6]], setup.variant)
            made = write(store, select(("*",)), folder, status.update, only=told["setup"])
    except InputError as error:
        _say(console, f"no report: {error}")
        return "finished"
    except OSError as error:
        if not is_full(error):
            raise
        return "disk full"
    _say(console, f"report: {made.folder / 'report.pdf'}{'' if made.new else ' (unchanged)'}")
    return "finished"


def _train(planned: list[Planned], setup: Setup, machine: Machine, store: Store, console: Console, how: How) -> str:
    """Train, with tables after every round; how it ended: finished, interrupted or disk full."""
    from harness.campaign import DiskFull, carry_out, tables
    from harness.interrupt import Interrupt
    from harness.output import write_tables

    first = "stopping: running cells finish their update and write checkpoints; Ctrl-C again stops at once"
    with Interrupt(lambda: _say(console, first)) as stop:
        try:
            with closing(
                carry_out(
                    planned,
                    setup,
                    machine,
                    store,
                    console,
                    keep=how.keep,
                    rerun=how.rerun,
                    retry=how.retry,
                    stop=stop,
                )
            ) as rounds:
                for seed in rounds:
                    where = write_tables(tables(planned, setup, machine), setup, machine.home)
                    _say(console, f"every row has seed {seed}: tables in {where}")
        except KeyboardInterrupt:
            return "interrupted"
        except (DiskFull, OSError) as error:
            if not isinstance(error, DiskFull) and not is_full(error):
                raise
            return "disk full"
    return "interrupted" if stop.asked else "finished"


@click.command()
@click.option("--to", "uri", metavar="URI", help="Which one.  [default: MLFLOW_TRACKING_URI, or the home's]")
@home_option
def sync(uri: str | None, home: str) -> None:
    """Bring every result of a home into a tracking store.

    Any MLflow address will do. What is there already stays as it is, so that it can be done again at any time.
    """
    from harness.delivery import Delivery
    from harness.options import existing
    from harness.store import Store

    folder = existing(home)
    store = Store(folder, uri)
    with Delivery(store, click.echo) as delivery:
        if delivery.lock is None:
            raise InputError(f"another process writes the results of {home}; wait until it has ended")
        count = delivery.all(folder)
    click.echo(f"{store.shown}: {count.new} new, {count.known} there before, {count.left} not delivered")
    sys.exit(1 if count.left else 0)


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)
