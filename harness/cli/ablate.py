"""``harness ablate``: the effect of each change between two rows."""

from __future__ import annotations

import contextlib
import sys
from functools import partial

import click

from harness.cli.options import ExecutionOptions, change_names, execution_options, row_names, setup_options
from harness.console.status import status_line
from harness.console.text import print_text

DESIGNS = ("auto", "factorial", "fractional", "leave-one-out", "add-one")


@click.command()
@click.argument("row", shell_complete=row_names)
@click.option("--against", required=True, metavar="ROW", shell_complete=row_names, help="The row without the changes.")
@click.option("--design", type=click.Choice(DESIGNS), default="auto", show_default=True, help="Which combinations.")
@click.option("--budget", metavar="CELLS|HOURS", help="As 96, or 2.5h on this machine.  [default: 16 combinations]")
@click.option(
    "--factor",
    "factors",
    multiple=True,
    metavar="CHANGE",
    shell_complete=change_names,
    help="A named change as one more factor.",
)
@click.option(
    "--hold",
    "fixed",
    multiple=True,
    metavar="FACTOR[=on|off]",
    help="Do not vary it: on as in ROW, off as in the other.  [default: off]",
)
@setup_options
@click.option("--seeds", type=int, help="How many seeds a combination gets.  [default: the profile's]")
@execution_options
@click.option("--retry-failed", is_flag=True, help="Train failed cells again.")
@click.option("--report/--no-report", default=True, help="Write report.pdf and report.html at the end.  [default: yes]")
@click.option("--dry-run", is_flag=True, help="Print the design and what it costs, and stop.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON; messages go to standard error.")
def ablate(
    row: str,
    against: str,
    design: str,
    budget: str | None,
    factors: tuple[str, ...],
    fixed: tuple[str, ...],
    profile: str,
    data: str | None,
    encoder: str | None,
    settings: tuple[str, ...],
    changes: tuple[str, ...],
    seeds: int | None,
    execution: ExecutionOptions,
    retry_failed: bool,
    report: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Find the effect of each change that ROW has and another row has not.

    Trains combinations of the changes and prints each one's effect, how they interact, and what each would have seemed
    to do had the changes been added in another order. Cells are those of harness run: shared, resumable, parallel.
    """
    with status_line("reading the rows and the data") as line:
        from harness.ablate.design import cells_of_budget, choose_design, question
        from harness.cli.setup import machine_of, setup_of
        from harness.commands.ablate import Request, carry_out
        from harness.commands.run import Options
        from harness.console.log_file import log_to_file
        from harness.planning.plan import download_encoders
        from harness.registry.selectors import ablation_rows

        setup = setup_of(profile, data, encoder, seeds, settings, changes)
        machine = machine_of(execution, setup.profile.threads)
        ablation = question(row, against, factors, fixed)
        if not dry_run:
            download_encoders(
                ablation_rows(ablation.slug), setup, partial(print_text, err=True) if as_json else line.print
            )
        plan = choose_design(ablation, design, cells_of_budget(budget, ablation, setup, machine), setup)
    request = Request(options=Options("none", False, retry_failed, report), dry_run=dry_run, as_json=as_json)
    with contextlib.nullcontext() if dry_run else log_to_file(machine.home):
        sys.exit(carry_out(ablation, plan, setup, machine, request))
