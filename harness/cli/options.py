"""Options that several commands share."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import click
from click.shell_completion import CompletionItem

from experiments.suite import row_slug

PLACES = click.Choice(["local", "ray"])
JOBS = "Cells trained at a time.  [default: cores / threads; 1 on a GPU; on Ray all that fit]"


def row_names(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Shell completion: every row that starts so."""
    from harness.registry.selectors import all_rows

    titles = {row_slug(*pair): pair[1].title for pair in all_rows()}
    return [CompletionItem(name, help=title) for name, title in titles.items() if name.startswith(typed)]


def selector_names(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Shell completion: papers and tables that start so, and rows once a / is typed."""
    from harness.registry.selectors import suites

    titles = {name: suite.title for suite in suites() for name in (suite.slug, suite.table, suite.paper)}
    tables = [CompletionItem(name, help=title) for name, title in sorted(titles.items()) if name.startswith(typed)]
    return tables + (row_names(context, parameter, typed) if "/" in typed else [])


def change_names(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Shell completion: every named change that starts so."""
    from harness.registry.selectors import named_changes

    return [CompletionItem(name) for name in sorted(named_changes()) if name.startswith(typed)]


def profile_names(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Shell completion: the profiles."""
    from experiments.profiles import PROFILES

    return [CompletionItem(name, help=each.says) for name, each in PROFILES.items() if name.startswith(typed)]


def home_option(command: Any) -> Any:
    return click.option("--home", envvar="HARNESS_HOME", default="runs", show_default=True, help="Results folder.")(
        command
    )


def device_option(command: Any) -> Any:
    return click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)(
        command
    )


def execution_options(command: Any) -> Any:
    """The options of where and how cells are trained, together as ``execution``."""
    names = [field.name for field in dataclasses.fields(ExecutionOptions)]

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> Any:
        return command(execution=ExecutionOptions(**{name: arguments.pop(name) for name in names}), **arguments)

    for option in (
        home_option,
        click.option("--shared-home", "shared", is_flag=True, help="Ray: all machines share the results folder."),
        click.option("--gpus-per-cell", "gpus", type=float, help="Ray: GPUs a cell takes, 0.5 for two cells a GPU."),
        click.option("--cpus-per-cell", "cpus", type=int, help="Ray: CPUs a cell takes.  [default: --threads]"),
        click.option("--address", help="Ray: the cluster's, or auto.  [default: a Ray of this machine's own]"),
        click.option("--on", type=PLACES, default="local", show_default=True, help="This machine, or a Ray cluster."),
        device_option,
        click.option("--threads", type=int, help="CPU threads a cell.  [default: the profile's]"),
        click.option("--jobs", type=int, help=JOBS),
    ):
        wrapped = option(wrapped)
    return wrapped


def setup_options(command: Any) -> Any:
    """The options of a set-up: scale, data, encoder, and what is changed."""
    for option in (
        click.option(
            "--with",
            "changes",
            multiple=True,
            metavar="CHANGE",
            shell_complete=change_names,
            help="Apply a named change to every row.",
        ),
        click.option(
            "--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Set a field, e.g. smart.radius=1e-3."
        ),
        click.option("--encoder", help="Hugging Face id or folder of a BERT encoder, or tiny."),
        click.option("--data", help="Folder of course files, hub, hub:FOLDER (a local copy), or embedded."),
        click.option(
            "--profile",
            default="demo",
            show_default=True,
            shell_complete=profile_names,
            help="Scale: demo, small or paper.",
        ),
    ):
        command = option(command)
    return command


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExecutionOptions:
    """Options as given: None where a default depends on something else."""

    home: str
    device: str = "auto"
    jobs: int | None = None
    threads: int | None = None
    on: str = "local"
    address: str | None = None
    cpus: int | None = None
    gpus: float | None = None
    shared: bool = False
