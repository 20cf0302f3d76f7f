"""``harness tune``: search a study's parameters, and compare the best trial with its baselines."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from experiments.suite import row_slug
from harness.cli.options import ExecutionOptions, execution_options, row_names
from harness.console.status import status_line
from model.errors import InputError

if TYPE_CHECKING:
    from experiments.shared import Shared
    from experiments.study import Study
    from harness.planning.setup import Setup
    from harness.tune.study_run import Method, StudyRun
    from model.recipe import Recipe

LONGEST = 1_000_000  # minutes: two years


@click.command()
@click.option("--study", "name", required=True, help="What to tune: smart, pcgrad, heads or baseline.")
@click.option("--row", metavar="ROW", shell_complete=row_names, help="The row to tune.  [default: the study's]")
@click.option("--trials", type=int, default=40, show_default=True, help="Trials of the study, earlier ones included.")
@click.option("--budget", type=float, metavar="MINUTES", help="Device minutes of trials, instead of --trials.")
@click.option("--against", metavar="STUDY", help="Tune this too on the same row and budget, and compare the winners.")
@click.option("--export", is_flag=True, help="Write the winner to tuned/STUDY.toml: harness run tuned/STUDY trains it.")
@click.option("--profile", default="demo", show_default=True, help="Scale: demo, small or paper.")
@click.option("--data", help="Folder of course files, hub, hub:FOLDER (a local copy), or embedded.")
@click.option("--encoder", help="Hugging Face id or folder of a BERT encoder, or tiny.")
@click.option("--sampler", default="tpe", show_default=True, help="Optuna's tpe (multivariate), random or gp.")
@click.option("--pruner", default="hyperband", show_default=True, help="Optuna's hyperband, by epochs, or none.")
@click.option("--sampler-seed", type=int, default=0, show_default=True, help="Another seed, another study.")
@click.option("--seeds", type=int, help="Fresh seeds for --against.  [default: the profile's]")
@click.option("--at-once", type=int, help="Maximum concurrent trials, over all processes.  [default: 4, or --jobs]")
@click.option("--timeout", type=float, metavar="MINUTES", help="Stop gracefully after this many minutes.")
@click.option(
    "--storage", metavar="URL|FILE", help="Optuna's storage.  [default: studies/optuna.log in the results folder]"
)
@execution_options
@click.option("--report/--no-report", default=True, help="Write report.pdf and report.html at the end.  [default: yes]")
def tune(
    name: str,
    row: str | None,
    trials: int,
    budget: float | None,
    against: str | None,
    export: bool,
    profile: str,
    data: str | None,
    encoder: str | None,
    sampler: str,
    pruner: str,
    sampler_seed: int,
    seeds: int | None,
    at_once: int | None,
    timeout: float | None,
    storage: str | None,
    report: bool,
    execution: ExecutionOptions,
) -> None:
    """Search a study's parameters, the papers' own first.

    Each trial is one training, judged after every epoch by its dev overall. What was stopped or killed goes on with the
    same command. Several commands on one results folder share the trials.
    """
    with status_line("reading the study and the data") as line:
        from rich.console import Console

        from harness.cli.setup import machine_of, setup_of
        from harness.commands.tune import Request, carry_out
        from harness.console.checks import check_number, check_text, check_user
        from harness.console.log_file import log_to_file
        from harness.planning.plan import download_encoders

        check_number("--trials", trials)
        for option, minutes in (("--budget", budget), ("--timeout", timeout)):
            if minutes is not None and not 0 < minutes <= LONGEST:
                raise InputError(
                    f"{option} is {minutes:g}; it must be a number of minutes above 0, {LONGEST:,} at most"
                )
        setup = setup_of(profile, data, encoder, seeds, (), ())
        machine = machine_of(execution, setup.profile.threads)
        check_number("--at-once", at_once)
        if storage is not None:
            check_text("--storage", storage)
            check_user("--storage", storage)
        request = Request(
            trials=trials,
            budget=None if budget is None else 60 * budget,
            until=None if timeout is None else time.monotonic() + 60 * timeout,
            storage=storage,
            at_once=at_once,
            jobs=machine.jobs if machine.cluster is None else execution.jobs or 0,
            export=export or against is not None,
            report=report,
        )
        names = [name] if against is None else [name, against]
        arms = arms_of(names, row, setup, method_of(sampler, pruner, sampler_seed))
        download_encoders([(arm.suite, arm.row) for arm in arms], setup, line.print)
    with log_to_file(machine.home):
        sys.exit(carry_out(arms, request, machine, Console(soft_wrap=False)))


def method_of(sampler: str, pruner: str, seed: int) -> Method:
    from harness.console.checks import closest_names
    from harness.registry.tuned_settings import LARGEST
    from harness.tune.sampling import PRUNERS, SAMPLERS
    from harness.tune.study_run import Method
    from model.errors import shown

    for what, name, names in (("sampler", sampler, SAMPLERS), ("pruner", pruner, PRUNERS)):
        if name not in names:
            raise InputError(f"there is no {what} {shown(name, 80)}; choose one of {closest_names(name, list(names))}")
    if not 0 <= seed < LARGEST:
        raise InputError(f"--sampler-seed is {seed}; it must be a whole number from 0 to {LARGEST - 1:,}")
    return Method(sampler=sampler, pruner=pruner, seed=seed)


def arms_of(names: Sequence[str], row: str | None, setup: Setup, method: Method) -> list[StudyRun]:
    """The studies on one row: by default the first study's."""
    from experiments.tuned_suites import PAPER
    from harness.registry.selectors import find
    from harness.tune.study_run import StudyRun

    studies = [study_of(name) for name in names]
    if len(set(names)) < len(names):
        raise InputError(f"--against {names[-1]} is the study itself; name another, e.g. baseline")
    suite, on = find(studies[0].row if row is None else row)
    if suite.paper == PAPER:
        raise InputError(f"{row_slug(suite, on)} comes of tuning; name the row it was tuned on with --row")
    recipe = suite.recipe(on)
    fair = [
        study.with_shared([part for other in studies for part in other.shared if fits(part, recipe)])
        for study in studies
    ]
    return [StudyRun(study=study, suite=suite, row=on, setup=setup, method=method) for study in fair]


def fits(part: Shared, recipe: Recipe) -> bool:
    """Whether a row has these parameters: it has no weights of tasks that it does not train."""
    from experiments.study import ReplayTrial
    from model.declaration import SettingError

    try:
        part.suggest(ReplayTrial(part.params)).apply(recipe)
    except SettingError:
        return False
    return True


def study_of(name: str) -> Study:
    from experiments.studies import STUDIES
    from harness.console.checks import closest_names
    from model.errors import shown

    if name not in STUDIES:
        raise InputError(f"there is no study {shown(name, 80)}; choose one of {closest_names(name, list(STUDIES))}")
    return STUDIES[name]
