"""``harness predict`` and ``harness export``: a trained row's predictions and network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from harness.cli.options import ExecutionOptions, device_option, home_option, row_names, setup_options
from harness.console.status import status_line
from harness.console.text import print_text
from model.errors import InputError

if TYPE_CHECKING:
    from harness.execution.config import ExecutionConfig
    from harness.inference.trained_network import TrainedNetwork
    from harness.planning.plan import PlannedRow
    from harness.planning.setup import Setup

INTERRUPTED = 130


@click.command()
@click.argument("row", shell_complete=row_names)
@click.option("--split", type=click.Choice(["test", "dev"]), help="Which rows of the data.  [default: test]")
@click.option("--file", help="Rows of one task in the course's layout instead.")
@click.option("--task", help="Only this task of the row.")
@click.option("--out", help="Folder for the files.  [default: in the results folder]")
@click.option("--seed", type=int, default=0, show_default=True, help="Which seed of the row.")
@setup_options
@device_option
@home_option
def predict(
    row: str,
    split: Literal["test", "dev"] | None,
    file: str | None,
    task: str | None,
    out: str | None,
    seed: int,
    profile: str,
    data: str | None,
    encoder: str | None,
    settings: tuple[str, ...],
    changes: tuple[str, ...],
    device: str,
    home: str,
) -> None:
    """Write a row's predictions, one file a task in the course's submission layout.

    They are those of the epoch that the row reports, on all rows of the split, labelled or not. A row whose weights
    were not kept is trained first.
    """
    with status_line("reading the row and the data") as line:
        from harness.cli.setup import machine_of, setup_of
        from harness.inference.predict import request_of_file, requests_of_split
        from harness.inference.predict import write_predictions as write
        from harness.inference.trained_network import plan_row

        if file and split:
            raise InputError("--file and --split are both given; choose one")
        setup = setup_of(profile, data, encoder, None, settings, changes)
        planned = plan_row(row, seed, setup, line.print)
        if file:
            requests, notes = [request_of_file(planned, Path(file).expanduser(), task)], list[str]()
        else:
            requests, notes = requests_of_split(planned, split or "test", setup, task)
        machine = machine_of(ExecutionOptions(home=home, jobs=1, device=device), setup.profile.threads)
    trained = _find_or_train(planned, setup, machine)
    print_text(trained.name)
    folder = Path(out).expanduser() if out else _predictions_folder(planned, setup, machine)
    with status_line("answering"):
        lines = write(trained, requests, machine, folder)
    print_text("\n".join([*lines, *notes]))


@click.command()
@click.argument("row", shell_complete=row_names)
@click.option("--out", required=True, help="A folder that is new or empty.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which seed of the row.")
@setup_options
@device_option
@home_option
def export(
    row: str,
    out: str,
    seed: int,
    profile: str,
    data: str | None,
    encoder: str | None,
    settings: tuple[str, ...],
    changes: tuple[str, ...],
    device: str,
    home: str,
) -> None:
    """Write a trained row as an encoder folder that transformers loads, with its heads.

    It is the network after the epoch that the row reports. A row whose weights were not kept is trained first.
    """
    with status_line("reading the row and the data") as line:
        from harness.cli.setup import machine_of, setup_of
        from harness.inference.trained_network import load_network, plan_row

        folder = Path(out).expanduser()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} exists and is not an empty folder; name another with --out")
        setup = setup_of(profile, data, encoder, None, settings, changes)
        planned = plan_row(row, seed, setup, line.print)
        machine = machine_of(ExecutionOptions(home=home, jobs=1, device=device), setup.profile.threads)
    trained = _find_or_train(planned, setup, machine)
    try:
        with status_line("writing the network") as line:
            from model.export import export as write

            write(*load_network(trained, machine, line.print), folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}); name another folder with --out") from None
    print_text(f"{trained.name}: encoder and heads in {folder}")


def _find_or_train(row: PlannedRow, setup: Setup, machine: ExecutionConfig) -> TrainedNetwork:
    """The row's network, trained if need be; a training that fails ends the command with 1, as ``run`` does."""
    with status_line("looking for its weights"):
        from rich.console import Console

        from harness.console.log_file import log_to_file
        from harness.execution.run import DiskFull
        from harness.inference.trained_network import TrainingFailed, find_or_train, find_trained

        trained = find_trained(row, machine.home)
    if trained is not None:
        return trained
    try:
        with log_to_file(machine.home):
            return find_or_train(row, setup, machine, Console(soft_wrap=True))
    except TrainingFailed as error:
        print_text(f"failed: {error}", err=True)
        sys.exit(1)
    except DiskFull as error:
        print_text(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        print_text("stopped; the same command starts again", err=True)
        sys.exit(INTERRUPTED)


def _predictions_folder(row: PlannedRow, setup: Setup, machine: ExecutionConfig) -> Path:
    """``<home>/predictions/bertram-table1-06-smart-demo-seed-0``, and the variant."""
    from harness.cells.home import file_name

    parts = [*row.suite.slug.split("/"), row.row.name, setup.profile.name, f"seed-{row.cells[0].seed}"]
    return machine.home / "predictions" / file_name(parts, setup.variant)
