"""``harness tune`` once its options are read: carry out one study or two, export and compare the winners."""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from experiments.shared import compare_parameters
from experiments.study import format_value
from experiments.suite import row_slug
from experiments.tuned_suites import PAPER, Winner
from harness.cells.atomic import is_full
from harness.cells.home import reports_folder
from harness.cells.trial import METRIC, SEED, Trial, best_trial, total_cost, within_budget
from harness.commands.run import INTERRUPTED, Options, announce_report, tell_faults, train_and_print
from harness.console.signals import Interrupt
from harness.console.status import clock, status_line
from harness.console.text import print_and_log
from harness.execution.config import ExecutionConfig
from harness.execution.provenance import revision
from harness.execution.run import DiskFull
from harness.planning.content import display_name as encoder_shown
from harness.planning.plan import plan
from harness.planning.setup_tags import setup_tags
from harness.registry import tuned_settings
from harness.registry.selectors import all_rows, select
from harness.reporting.report import write_report
from harness.tracking.from_cells import ResultsFolder
from harness.tracking.store import Store
from harness.tune.run import cost_unit, run_study
from harness.tune.scheduler import Limit
from harness.tune.storage import Storage
from harness.tune.study_run import StudyRun
from model.errors import InputError

AT_ONCE = 4  # trials in training at a time, at least
MAX_ROWS = 8  # of a study's trials on the screen
STOPPING = "stopping: running trials finish their update and write checkpoints; Ctrl-C again stops at once"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """Options of the command beside study runs and execution."""

    trials: int
    budget: float | None  # seconds of the device
    until: float | None  # on the monotonic clock
    storage: str | None
    at_once: int | None
    jobs: int  # at a time in this process, 0 for as many as there is room on a cluster
    export: bool
    report: bool


def carry_out(study_runs: Sequence[StudyRun], request: Request, config: ExecutionConfig, console: Console) -> int:
    """The exit code."""
    store, outcomes, budget = Store(config.home), [], request.budget
    if len(study_runs) > 1:
        print_and_log(
            console,
            f"{compare_parameters({study_run.study.name: list(study_run.study.space()) for study_run in study_runs})}",
        )
    for study_run in study_runs:
        trials, code = run_one_study(study_run, request, budget, config, store, console)
        if trials is None:
            return code
        if len(study_runs) > 1 and budget is None:  # the next study may cost as much
            budget = total_cost(trials)
        outcomes.append((study_run, within_budget(trials, budget)))
    if request.export:
        path = export_winners(outcomes, config)
        print_and_log(console, f"{path} holds the settings; harness run {PAPER}/{path.stem} trains them on fresh seeds")
    if len(study_runs) > 1:
        return compare_winners(study_runs[0], outcomes, config, console, request)
    written = write_study_report(study_runs[0], store, console) if request.report else True
    print_and_log(console, f"browse: {store.browse()}")
    return 0 if written else 1


def run_one_study(
    study_run: StudyRun, request: Request, budget: float | None, config: ExecutionConfig, store: Store, console: Console
) -> tuple[list[Trial] | None, int]:
    """The study's trials, or None with an exit code where it was not carried to its end."""
    notes: list[str] = []
    with status_line("opening the study"):
        storage = Storage(
            config.home, request.storage, study_run, request.at_once or max(AT_ONCE, request.jobs), notes.append
        )
    for text in notes:
        print_and_log(console, text)
    if request.at_once not in (None, storage.at_once):
        raise InputError(
            f"--at-once is {request.at_once}, but the study {study_run.name} began with {storage.at_once}; leave it "
            "out, or begin another study with --sampler-seed"
        )
    limit = Limit(request.trials) if budget is None else Limit(None, budget)
    for line in preamble(study_run, limit, storage, config):
        print_and_log(console, line, "dim")
    with Interrupt(lambda: print_and_log(console, STOPPING)) as stop:

        def should_stop() -> bool:
            return stop.requested or (request.until is not None and time.monotonic() > request.until)

        try:
            trials = run_study(study_run, storage, limit, config, store, console, should_stop)
            enqueued = sum(trial.state == "waiting" for trial in trials)
            trials = [trial for trial in trials if trial.ours]
        except KeyboardInterrupt:
            return None, INTERRUPTED
        except (DiskFull, OSError) as error:
            if not isinstance(error, DiskFull) and not is_full(error):
                raise
            print_and_log(console, str(DiskFull(config.home)))
            return None, 1
    console.print(summary(study_run, trials, cost_unit(config)))
    if enqueued:
        more = "--trials" if limit.budget is None else "--budget"
        print_and_log(
            console, f"enqueued and not begun: {enqueued} of {study_run.name}; a larger {more} has them tried next"
        )
    if limit.reached(trials) and not any(trial.running for trial in trials):
        return trials, 0
    print_and_log(console, f"{'stopped' if stop.requested else 'time is up'}; the same command goes on from here")
    return None, INTERRUPTED if stop.requested else 0


def preamble(study_run: StudyRun, limit: Limit, storage: Storage, config: ExecutionConfig) -> list[str]:
    """The study, its limit and its method, in words."""
    method, setup = study_run.method, study_run.setup
    until = (
        f"{limit.trials} trials" if limit.budget is None else f"{clock(limit.budget)} of {cost_unit(config)[:3]} time"
    )
    return [
        f"{setup.profile.name}: {setup.profile.says}",
        f"study {study_run.name}: {study_run.study.says}; on {row_slug(study_run.suite, study_run.row)}",
        f"{until}, {method.sampler} with seed {method.seed}, pruner {method.pruner}, at most {storage.at_once} at once",
        f"storage {storage.address}",
        f"data {setup.data}, encoder {encoder_shown(setup.encoder)}, training seed {SEED}; {config.description}",
    ]


def summary(study_run: StudyRun, trials: Sequence[Trial], unit: str) -> Table:
    """The best trials and the papers' settings."""
    counts = ", ".join(
        f"{sum(trial.state == state for trial in trials)} {state}"
        for state in ("complete", "pruned", "failed", "running")
        if any(trial.state == state for trial in trials)
    )
    grid = Table(
        title=f"{study_run.name}: {counts}; {total_cost(trials):,.0f} {unit}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        pad_edge=False,
        collapse_padding=True,
    )
    for name in ("trial", METRIC, "epochs", *study_run.study.space()):
        grid.add_column(name, justify="right", no_wrap=True)
    ranked = sorted((trial for trial in trials if trial.value is not None), key=rank)
    for trial in [*ranked[:MAX_ROWS], *(trial for trial in ranked[MAX_ROWS:] if trial.start)]:
        values = [format_value(value, 2) for value in trial.params.values()]
        grid.add_row(str(trial.number), f"{trial.value:.3f}", str(len(trial.curve)), *values)
    papers = [f"trial {trial.number}: the setting of {trial.start}" for trial in trials if trial.start]
    pruned = (
        [f"fewer epochs than {study_run.epochs}: pruned"] if any(trial.state == "pruned" for trial in trials) else []
    )
    grid.caption = "; ".join(papers + pruned)
    grid.caption_justify = "left"
    return grid


def rank(trial: Trial) -> tuple[bool, float, int]:
    """Complete ones first, the best of them first."""
    return trial.state != "complete", -(trial.value or 0.0), trial.number


def export_winners(outcomes: Sequence[tuple[StudyRun, Sequence[Trial]]], config: ExecutionConfig) -> Path:
    """The file of the studies' winners. ``InputError`` if a study has none."""
    path = tuned_settings.folder() / f"{outcomes[0][0].study.name}.toml"
    winners = [winner(study_run, trials, config) for study_run, trials in outcomes]
    try:
        tuned_settings.write_winners(path, winners)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); set HARNESS_TUNED to another folder") from None
    return path


def winner(study_run: StudyRun, trials: Sequence[Trial], config: ExecutionConfig) -> Winner:
    top, code = best_trial(trials), revision()
    if top is None or top.value is None:
        raise InputError(f"no trial of {study_run.name} came to its end with an overall; give it more with --trials")
    return Winner(
        study=study_run.study.name,
        row=row_slug(study_run.suite, study_run.row),
        trial=top.number,
        trials=len(trials),
        metric=METRIC,
        value=top.value,
        sampler=study_run.method.sampler,
        sampler_seed=study_run.method.seed,
        pruner=study_run.method.pruner,
        seed=SEED,
        profile=study_run.setup.profile.name,
        data=setup_tags(study_run.setup)["data"],
        encoder=study_run.setup.encoder,
        cost=round(total_cost(trials), 1),
        unit=cost_unit(config),
        version=code["version"],
        revision=code.get("revision", "") + ("-dirty" if code.get("dirty") == "true" else ""),
        date=datetime.date.today().isoformat(),
        params=top.params,
    )


def compare_winners(
    first: StudyRun,
    outcomes: Sequence[tuple[StudyRun, Sequence[Trial]]],
    config: ExecutionConfig,
    console: Console,
    request: Request,
) -> int:
    """Train the winners, the papers' settings and the row untouched on fresh seeds, and print them paired."""
    from harness.reporting.compare import compare_rows as side_by_side
    from harness.reporting.compare import format_comparisons

    for study_run, trials in outcomes:
        print_and_log(
            console,
            f"{study_run.study.name}: {len(trials)} trials within the budget, "
            f"{total_cost(trials):,.0f} {cost_unit(config)}",
        )
    suite = f"{PAPER}/{first.study.name}"
    code = train_and_print(
        plan(select([suite]), first.setup), first.setup, config, console, Options("none", False, False, request.report)
    )
    if code == 0:
        opponent = outcomes[1][0].study.name
        facts = setup_tags(first.setup)
        pairs = side_by_side(ResultsFolder(config.home), f"{suite}/tuned", f"{suite}/tuned-{opponent}")
        print_and_log(console, format_comparisons([each for each in pairs if each["setup"]["data"] == facts["data"]]))
    return code


def write_study_report(study_run: StudyRun, store: Store, console: Console) -> bool:
    """Write the study's report, with the rows that its winner has become, as far as they were trained; whether there
    is one now."""
    folder, only = reports_folder(store.home) / f"tune-{study_run.name}", setup_tags(study_run.setup)["setup"]
    rows = [(suite, row) for suite, row in all_rows() if suite.slug == f"{PAPER}/{study_run.study.name}"]
    evidence = ResultsFolder(store.home)
    there = announce_report(
        folder,
        console,
        lambda tell: write_report(evidence, rows, folder, tell, tuned=[study_run.study.name], only=only),
    )
    tell_faults(evidence, console)
    return there
