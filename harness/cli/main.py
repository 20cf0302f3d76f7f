"""The ``harness`` command."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from pathlib import Path
from typing import Any

import click

from harness.cli.ablate import ablate
from harness.cli.audit import audit
from harness.cli.doctor import doctor
from harness.cli.new import new
from harness.cli.options import home_option, row_names, selector_names
from harness.cli.predict import export, predict
from harness.cli.report import compare, explain, report
from harness.cli.run import run, sync
from harness.cli.tune import tune
from harness.cli.ui import ui
from harness.console.environment import use_file_backend
from harness.console.log_file import ARGUMENTS
from harness.console.status import status_line
from harness.console.text import print_result, print_text
from model.errors import InputError

atexit.register(gc.freeze)  # or a second goes by at the end while Python looks for cycles in torch and MLflow
LONGEST = 200  # characters of click's message, which repeats what was typed


class CommandLineError(click.ClickException):
    """An error of the command line, printed like all errors."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        print_text(f"error: {self.message}", err=True)


def command_line_error(error: click.UsageError, path: str) -> click.ClickException:
    """Click's error as one sentence; help for a lack of arguments stays help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error
    path = error.ctx.command_path if error.ctx else path
    text = error.message if isinstance(error, click.NoSuchOption) else error.format_message()
    text = " ".join(text.partition(" Did you mean")[0].partition(" (Did you mean")[0].split()).rstrip(".")
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
    suggestions = ", ".join(getattr(error, "possibilities", None) or ())
    suggestions = f"; near names: {suggestions}" if suggestions else ""
    return CommandLineError(f"{path}: {text[:1].lower()}{text[1:]}{suggestions}; {path} --help lists what there is")


class Commands(click.Group):
    """Turns bad input into one sentence and exit code 2."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **more: Any) -> click.Context:
        words = tuple(args)
        try:
            context = super().make_context(info_name, args, *rest, **more)
        except click.UsageError as error:
            raise command_line_error(error, info_name or "harness") from None
        context.meta[ARGUMENTS] = words
        return context

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except click.UsageError as error:
            raise command_line_error(error, context.command_path) from None
        except InputError as error:
            raise CommandLineError(str(error)) from None
        except BrokenPipeError:  # the reader of our output is gone
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            sys.exit(0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ablation-harness")
def main() -> None:
    """Train every row of the papers' tables, seed by seed, and see what each change did.

    Rows are named PAPER/TABLE/ROW. A selector is a table (table1: of every paper), PAPER/TABLE, a row, or a pattern
    such as 'bertram/*'.
    """
    use_file_backend()


@main.command("list")
@click.argument("selectors", nargs=-1, shell_complete=selector_names)
@click.option("--json", "as_json", is_flag=True, help="A JSON array with one object a row.")
@home_option
def list_rows(selectors: tuple[str, ...], as_json: bool, home: str) -> None:
    """List rows: their printed figures, and whether they can run."""
    from harness.registry.selectors import select, status
    from harness.reporting.listing import format_list, list_rows

    chosen = select(selectors or ("*",))
    rows = list_rows(chosen, status, Path(home))
    print_result(rows, format_list, as_json)


@main.command()
@click.argument("row", shell_complete=row_names)
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def show(row: str, as_json: bool) -> None:
    """Show one row: its recipe, what it changes, its printed numbers and notes."""
    from harness.registry.selectors import find
    from harness.reporting.listing import describe_row, format_row

    suite, declared = find(row)
    description = describe_row(suite, declared)
    print_result(description, format_row, as_json)


@main.command()
@click.argument("selectors", nargs=-1, shell_complete=selector_names)
@click.option(
    "--parquet", type=click.Path(dir_okay=False), help="Write Parquet to this file instead of CSV to the screen."
)
@home_option
def results(selectors: tuple[str, ...], parquet: str | None, home: str) -> None:
    """Every result in the results folder, tidy: one line a cell, epoch, split and metric."""
    from harness.cells.home import existing
    from harness.reporting.frame import results as collect

    with status_line("reading the cells"):
        frame = collect(*selectors, home=existing(home))
    if parquet:
        try:
            frame.to_parquet(parquet)
        except OSError as error:
            why = error.strerror or error
            raise InputError(f"{parquet} cannot be written ({why}); choose another file with --parquet") from None
        click.echo(f"{len(frame):,} results in {parquet}")
    else:
        click.echo(frame.to_csv(index=False), nl=False)


for command in (run, tune, ablate, sync, report, compare, explain, predict, export, ui, audit, doctor, new):
    main.add_command(command)


if __name__ == "__main__":
    main()
