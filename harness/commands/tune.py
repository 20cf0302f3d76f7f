"""What ``harness tune`` does: seek with one arm or with two on one budget, write what won, set it against the rest."""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from experiments.shared import alone
from experiments.study import terse
from experiments.tuned_suites import PAPER, Winner
from harness.cells.atomic import is_full
from harness.cells.trial import METRIC, SEED, Trial, best, spent, within
from harness.commands.run import INTERRUPTED, Options, announced, train_and_print
from harness.console.signals import Interrupt
from harness.console.status import clock, status_line
from harness.console.text import print_and_log
from harness.execution.config import ExecutionConfig
from harness.execution.provenance import revision
from harness.execution.run import DiskFull
from harness.planning.content import shown as encoder_shown
from harness.planning.plan import plan
from harness.planning.setup_tags import tags
from harness.registry import tuned_settings
from harness.registry.selectors import everything, select
from harness.reporting.report import write_report
from harness.tracking.from_cells import Home
from harness.tracking.store import Store
from harness.tune.run import run_study, unit
from harness.tune.scheduler import Limit
from harness.tune.storage import Storage
from harness.tune.study_run import StudyRun
from model.errors import InputError

AT_ONCE = 4  # trials in training at a time, at least
SHOWN = 8  # of a study's trials on the screen
STOPPING = "stopping: running trials finish their update and write checkpoints; Ctrl-C again stops at once"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What the command was told beside arms and machine."""

    trials: int
    budget: float | None  # seconds of the device
    until: float | None  # on the monotonic clock
    storage: str | None
    at_once: int | None
    jobs: int  # at a time in this process, 0 for as many as there is room on a cluster
    export: bool
    report: bool


def carry_out(arms: Sequence[StudyRun], ask: Request, machine: ExecutionConfig, console: Console) -> int:
    """The exit code."""
    store, found, budget = Store(machine.home), [], ask.budget
    if len(arms) > 1:
        print_and_log(console, f"{alone({arm.study.name: list(arm.study.space()) for arm in arms})}")
    for arm in arms:
        trials, code = sought(arm, ask, budget, machine, store, console)
        if trials is None:
            return code
        if len(arms) > 1 and budget is None:  # the next arm may cost as much
            budget = spent(trials)
        found.append((arm, within(trials, budget)))
    if ask.export:
        path = exported(found, machine)
        print_and_log(console, f"{path} holds the settings; harness run {PAPER}/{path.stem} trains them on fresh seeds")
    if len(arms) > 1:
        return compared(arms[0], found, machine, console, ask)
    there = reported(arms[0], store, console) if ask.report else True
    print_and_log(console, f"browse: {store.browse()}")
    return 0 if there else 1


def sought(
    arm: StudyRun, ask: Request, budget: float | None, machine: ExecutionConfig, store: Store, console: Console
) -> tuple[list[Trial] | None, int]:
    """The arm's trials, or None with an exit code where it was not carried to its end."""
    said: list[str] = []
    with status_line("opening the study"):
        storage = Storage(machine.home, ask.storage, arm, ask.at_once or max(AT_ONCE, ask.jobs), said.append)
    for text in said:
        print_and_log(console, text)
    if ask.at_once not in (None, storage.at_once):
        raise InputError(
            f"--at-once is {ask.at_once}, but the study {arm.name} began with {storage.at_once}; leave it out, "
            "or begin another study with --sampler-seed"
        )
    limit = Limit(ask.trials) if budget is None else Limit(None, budget)
    for line in preamble(arm, limit, storage, machine):
        print_and_log(console, line, "dim")
    with Interrupt(lambda: print_and_log(console, STOPPING)) as stop:

        def over() -> bool:
            return stop.requested or (ask.until is not None and time.monotonic() > ask.until)

        try:
            trials = run_study(arm, storage, limit, machine, store, console, over)
            enqueued = sum(trial.state == "waiting" for trial in trials)
            trials = [trial for trial in trials if trial.ours]
        except KeyboardInterrupt:
            return None, INTERRUPTED
        except (DiskFull, OSError) as error:
            if not isinstance(error, DiskFull) and not is_full(error):
                raise
            print_and_log(console, str(DiskFull(machine.home)))
            return None, 1
    console.print(summary(arm, trials, unit(machine)))
    if enqueued:
        more = "--trials" if limit.budget is None else "--budget"
        print_and_log(console, f"enqueued and not begun: {enqueued} of {arm.name}; a larger {more} has them tried next")
    if limit.reached(trials) and not any(trial.running for trial in trials):
        return trials, 0
    print_and_log(console, f"{'stopped' if stop.requested else 'time is up'}; the same command goes on from here")
    return None, INTERRUPTED if stop.requested else 0


def preamble(arm: StudyRun, limit: Limit, storage: Storage, machine: ExecutionConfig) -> list[str]:
    """What is sought, where and how."""
    method, setup = arm.method, arm.setup
    until = f"{limit.trials} trials" if limit.budget is None else f"{clock(limit.budget)} of {unit(machine)[:3]} time"
    return [
        f"{setup.profile.name}: {setup.profile.says}",
        f"study {arm.name}: {arm.study.says}; on {arm.suite.slug}/{arm.row.name}",
        f"{until}, {method.sampler} with seed {method.seed}, pruner {method.pruner}, at most {storage.at_once} at once",
        f"storage {storage.shown}",
        f"data {setup.data}, encoder {encoder_shown(setup.encoder)}, training seed {SEED}; {machine.told}",
    ]


def summary(arm: StudyRun, trials: Sequence[Trial], unit: str) -> Table:
    """The best trials and the papers' settings."""
    counts = ", ".join(
        f"{sum(trial.state == state for trial in trials)} {state}"
        for state in ("complete", "pruned", "failed", "running")
        if any(trial.state == state for trial in trials)
    )
    made = Table(
        title=f"{arm.name}: {counts}; {spent(trials):,.0f} {unit}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        pad_edge=False,
        collapse_padding=True,
    )
    for name in ("trial", METRIC, "epochs", *arm.study.space()):
        made.add_column(name, justify="right", no_wrap=True)
    ranked = sorted((trial for trial in trials if trial.value is not None), key=rank)
    for trial in [*ranked[:SHOWN], *(trial for trial in ranked[SHOWN:] if trial.start)]:
        values = [terse(value, 2) for value in trial.params.values()]
        made.add_row(str(trial.number), f"{trial.value:.3f}", str(len(trial.curve)), *values)
    papers = [f"trial {trial.number}: the setting of {trial.start}" for trial in trials if trial.start]
    pruned = [f"fewer epochs than {arm.epochs}: pruned"] if any(trial.state == "pruned" for trial in trials) else []
    made.caption = "; ".join(papers + pruned)
    made.caption_justify = "left"
    return made


def rank(trial: Trial) -> tuple[bool, float, int]:
    """Complete ones first, the best of them first."""
    return trial.state != "complete", -(trial.value or 0.0), trial.number


def exported(found: Sequence[tuple[StudyRun, Sequence[Trial]]], machine: ExecutionConfig) -> Path:
    """The file of the arms' winners. ``InputError`` if an arm has none."""
    path = tuned_settings.folder() / f"{found[0][0].study.name}.toml"
    winners = [winner(arm, trials, machine) for arm, trials in found]
    try:
        tuned_settings.write(path, winners)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); set HARNESS_TUNED to another folder") from None
    return path


def winner(arm: StudyRun, trials: Sequence[Trial], machine: ExecutionConfig) -> Winner:
    top, code = best(trials), revision()
    if top is None or top.value is None:
        raise InputError(f"no trial of {arm.name} came to its end with an overall; give it more with --trials")
    return Winner(
        study=arm.study.name,
        row=f"{arm.suite.slug}/{arm.row.name}",
        trial=top.number,
        trials=len(trials),
        metric=METRIC,
        value=top.value,
        sampler=arm.method.sampler,
        sampler_seed=arm.method.seed,
        pruner=arm.method.pruner,
        seed=SEED,
        profile=arm.setup.profile.name,
        data=tags(arm.setup)["data"],
        encoder=arm.setup.encoder,
        cost=round(spent(trials), 1),
        unit=unit(machine),
        version=code["version"],
        revision=code.get("revision", "") + ("-dirty" if code.get("dirty") == "true" else ""),
        date=datetime.date.today().isoformat(),
        params=top.params,
    )


def compared(
    first: StudyRun,
    found: Sequence[tuple[StudyRun, Sequence[Trial]]],
    machine: ExecutionConfig,
    console: Console,
    ask: Request,
) -> int:
    """Train the winners, the papers' settings and the row untouched on fresh seeds, and print them paired."""
    from harness.reporting.compare import compare_rows as side_by_side
    from harness.reporting.compare import format_comparisons

    for arm, trials in found:
        print_and_log(
            console, f"{arm.study.name}: {len(trials)} trials within the budget, {spent(trials):,.0f} {unit(machine)}"
        )
    suite = f"{PAPER}/{first.study.name}"
    code = train_and_print(
        plan(select([suite]), first.setup), first.setup, machine, console, Options("none", False, False, ask.report)
    )
    if code == 0:
        opponent = found[1][0].study.name
        facts = tags(first.setup)
        pairs = side_by_side(Home(machine.home), f"{suite}/tuned", f"{suite}/tuned-{opponent}")
        print_and_log(console, format_comparisons([each for each in pairs if each["setup"]["data"] == facts["data"]]))
    return code


def reported(arm: StudyRun, store: Store, console: Console) -> bool:
    """Write the study's report, with the rows that its winner has become, as far as they were trained; whether there
    is one now."""
    folder, only = store.home / "reports" / f"tune-{arm.name}", tags(arm.setup)["setup"]
    rows = [(suite, row) for suite, row in everything() if suite.slug == f"{PAPER}/{arm.study.name}"]
    evidence = Home(store.home)
    return announced(
        folder, console, lambda tell: write_report(evidence, rows, folder, tell, tuned=[arm.study.name], only=only)
    )
