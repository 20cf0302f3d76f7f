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
from experiments.tuned import PAPER, Winner
from harness import tuned
from harness.campaign import DiskFull, tags
from harness.catalogue import everything, select
from harness.content import shown as encoder_shown
from harness.durable import is_full
from harness.execute.news import Machine
from harness.interrupt import Interrupt
from harness.measured import Home
from harness.output import say
from harness.plan import plan
from harness.reporting import write
from harness.revision import revision
from harness.running import INTERRUPTED, How, announced, tell_faults, train_and_print
from harness.store import Store
from harness.tune.arm import METRIC, SEED, Arm
from harness.tune.search import Limit
from harness.tune.seek import seek, unit
from harness.tune.storage import Storage
from harness.tune.trial import Trial, best, spent, within
from harness.waiting import clock, waiting
from model.errors import InputError

AT_ONCE = 4  # trials in training at a time, at least
SHOWN = 8  # of a study's trials on the screen
STOPPING = "stopping: running trials finish their update and write checkpoints; Ctrl-C again stops at once"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ask:
    """What the command was told beside arms and machine."""

    trials: int
    budget: float | None  # seconds of the device
    until: float | None  # on the monotonic clock
    storage: str | None
    at_once: int | None
    jobs: int  # at a time in this process, 0 for as many as there is room on a cluster
    export: bool
    report: bool


def carry_out(arms: Sequence[Arm], ask: Ask, machine: Machine, console: Console) -> int:
    """The exit code."""
    store, found, budget = Store(machine.home), [], ask.budget
    if len(arms) > 1:
        say(console, f"{alone({arm.study.name: list(arm.study.space()) for arm in arms})}")
    for arm in arms:
        trials, code = sought(arm, ask, budget, machine, store, console)
        if trials is None:
            return code
        if len(arms) > 1 and budget is None:  # the next arm may cost as much
            budget = spent(trials)
        found.append((arm, within(trials, budget)))
    if ask.export:
        path = exported(found, machine)
        say(console, f"{path} holds the settings; harness run {PAPER}/{path.stem} trains them on fresh seeds")
    if len(arms) > 1:
        return compared(arms[0], found, machine, console, ask)
    there = reported(arms[0], store, console) if ask.report else True
    say(console, f"browse: {store.browse()}")
    return 0 if there else 1


def sought(
    arm: Arm, ask: Ask, budget: float | None, machine: Machine, store: Store, console: Console
) -> tuple[list[Trial] | None, int]:
    """The arm's trials, or None with an exit code where it was not carried to its end."""
    said: list[str] = []
    with waiting("opening the study"):
        storage = Storage(machine.home, ask.storage, arm, ask.at_once or max(AT_ONCE, ask.jobs), said.append)
    for text in said:
        say(console, text)
    if ask.at_once not in (None, storage.at_once):
        raise InputError(
            f"--at-once is {ask.at_once}, but the study {arm.name} began with {storage.at_once}; leave it out, "
            "or begin another study with --sampler-seed"
        )
    limit = Limit(ask.trials) if budget is None else Limit(None, budget)
    for line in preamble(arm, limit, storage, machine):
        say(console, line, "dim")
    with Interrupt(lambda: say(console, STOPPING)) as stop:

        def over() -> bool:
            return stop.asked or (ask.until is not None and time.monotonic() > ask.until)

        try:
            trials = seek(arm, storage, limit, machine, store, console, over)
            enqueued = sum(trial.state == "waiting" for trial in trials)
            trials = [trial for trial in trials if trial.ours]
        except KeyboardInterrupt:
            return None, INTERRUPTED
        except (DiskFull, OSError) as error:
            if not isinstance(error, DiskFull) and not is_full(error):
                raise
            say(console, str(DiskFull(machine.home)))
            return None, 1
    console.print(summary(arm, trials, unit(machine)))
    if enqueued:
        more = "--trials" if limit.budget is None else "--budget"
        say(console, f"enqueued and not begun: {enqueued} of {arm.name}; a larger {more} has them tried next")
    if limit.reached(trials) and not any(trial.running for trial in trials):
        return trials, 0
    say(console, f"{'stopped' if stop.asked else 'time is up'}; the same command goes on from here")
    return None, INTERRUPTED if stop.asked else 0


def preamble(arm: Arm, limit: Limit, storage: Storage, machine: Machine) -> list[str]:
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


def summary(arm: Arm, trials: Sequence[Trial], unit: str) -> Table:
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


def exported(found: Sequence[tuple[Arm, Sequence[Trial]]], machine: Machine) -> Path:
    """The file of the arms' winners. ``InputError`` if an arm has none."""
    path = tuned.folder() / f"{found[0][0].study.name}.toml"
    winners = [winner(arm, trials, machine) for arm, trials in found]
    try:
        tuned.write(path, winners)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); set HARNESS_TUNED to another folder") from None
    return path


def winner(arm: Arm, trials: Sequence[Trial], machine: Machine) -> Winner:
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
    first: Arm, found: Sequence[tuple[Arm, Sequence[Trial]]], machine: Machine, console: Console, ask: Ask
) -> int:
    """Train the winners, the papers' settings and the row untouched on fresh seeds, and print them paired."""
    from harness.comparing import compared as side_by_side
    from harness.comparing import told

    for arm, trials in found:
        say(console, f"{arm.study.name}: {len(trials)} trials within the budget, {spent(trials):,.0f} {unit(machine)}")
    suite = f"{PAPER}/{first.study.name}"
    code = train_and_print(
        plan(select([suite]), first.setup), first.setup, machine, console, How("none", False, False, ask.report)
    )
    if code == 0:
        opponent = found[1][0].study.name
        facts = tags(first.setup)
        pairs = side_by_side(Home(machine.home), f"{suite}/tuned", f"{suite}/tuned-{opponent}")
        say(console, told([each for each in pairs if each["setup"]["data"] == facts["data"]]))
    return code


def reported(arm: Arm, store: Store, console: Console) -> bool:
    """Write the study's report, with the rows that its winner has become, as far as they were trained; whether there
    is one now."""
    folder, only = store.home / "reports" / f"tune-{arm.name}", tags(arm.setup)["setup"]
    rows = [(suite, row) for suite, row in everything() if suite.slug == f"{PAPER}/{arm.study.name}"]
    evidence = Home(store.home)
    there = announced(
        folder, console, lambda tell: write(evidence, rows, folder, tell, tuned=[arm.study.name], only=only)
    )
    tell_faults(evidence, console)
    return there
