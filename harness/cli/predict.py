"""``harness predict`` and ``harness export``: what a trained row gives."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from harness.cli.options import ExecutionOptions, device_option, home_option, row_names, setup_options
from harness.console.status import status_line
from harness.console.text import tell
from model.errors import InputError

if TYPE_CHECKING:
    from harness.execution.config import ExecutionConfig
    from harness.inference.trained_network import Trained
    from harness.planning.plan import PlannedRow
    from harness.planning.setup import Setup

INTERRUPTED = 130


@click.command()
@click.argument("row", shell_complete=row_names)
@click.option("--split", type=click.Choice(["test", "dev"]), help="Which rows of the data.  [default: test]")
@click.option("--file", help="Rows of one task in the course's layout instead.")
@click.option("--task", help="Only this task of the row.")
@click.option("--out", help="Folder for the files.  [default: in the home]")
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
        from harness.inference.predict import of_file, of_split
        from harness.inference.predict import predict as write
        from harness.inference.trained_network import one_row

        if file and split:
            raise InputError("--file and --split are both given; choose one")
        setup = setup_of(profile, data, encoder, None, settings, changes)
        planned = one_row(row, seed, setup, line.say)
        if file:
            asked, absent = [of_file(planned, Path(file).expanduser(), task)], list[str]()
        else:
            asked, absent = of_split(planned, split or "test", setup, task)
        machine = machine_of(ExecutionOptions(home=home, jobs=1, device=device), setup.profile.threads)
    trained = _trained(planned, setup, machine)
    tell(trained.name)
    folder = Path(out).expanduser() if out else _folder(planned, setup, machine)
    with status_line("answering"):
        lines = write(trained, asked, machine, folder)
    tell("\n".join([*lines, *absent]))


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
        from harness.inference.trained_network import network, one_row

        folder = Path(out).expanduser()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} exists and is not an empty folder; name another with --out")
        setup = setup_of(profile, data, encoder, None, settings, changes)
        planned = one_row(row, seed, setup, line.say)
        machine = machine_of(ExecutionOptions(home=home, jobs=1, device=device), setup.profile.threads)
    trained = _trained(planned, setup, machine)
    try:
        with status_line("writing the network") as line:
            from model.export import export as write

            write(*network(trained, machine, line.say), folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}); name another folder with --out") from None
    tell(f"{trained.name}: encoder and heads in {folder}")


def _trained(row: PlannedRow, setup: Setup, machine: ExecutionConfig) -> Trained:
    """The row's network, trained if need be; a training that fails ends the command with 1, as ``run`` does."""
    with status_line("looking for its weights"):
        from rich.console import Console

        from harness.console.log_file import logbook
        from harness.execution.run import DiskFull
        from harness.inference.trained_network import TrainingFailed, find_or_train, found

        known = found(row, machine.home)
    if known is not None:
        return known
    try:
        with logbook(machine.home):
            return find_or_train(row, setup, machine, Console(soft_wrap=True))
    except TrainingFailed as error:
        tell(f"failed: {error}", err=True)
        sys.exit(1)
    except DiskFull as error:
        tell(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        tell("stopped; the same command starts again", err=True)
        sys.exit(INTERRUPTED)


def _folder(row: PlannedRow, setup: Setup, machine: ExecutionConfig) -> Path:
    """``<home>/predictions/bertram-table1-06-smart-demo-seed-0``, and the variant."""
    from harness.cells.home import file_name

    parts = [*row.suite.slug.split("/"), row.row.name, setup.profile.name, f"seed-{row.cells[0].seed}"]
    return machine.home / "predictions" / file_name(parts, setup.variant)
