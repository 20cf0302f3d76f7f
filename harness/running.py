"""``harness run`` once its options are read: train planned rows, print their tables, write their report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from rich.console import Console

from harness.campaign import DiskFull, absent, carry_out, failures, tables, tags
from harness.catalogue import everything
from harness.delivery import reason
from harness.durable import is_full
from harness.estimate import preamble
from harness.execute.news import Machine
from harness.interrupt import Interrupt
from harness.logbook import SAID
from harness.measured import Home
from harness.output import boxes, file_name, print_tables, say, write_tables
from harness.plan import Planned, Setup
from harness.reporting import Written, write
from harness.store import Store
from harness.waiting import waiting
from harness.ways import Rounds, Way
from model.errors import InputError

INTERRUPTED = 130
NAMED = 5  # cells in one line


@dataclasses.dataclass(frozen=True)
class How:
    """What ``run`` was told about which cells to train and what to keep."""

    keep: str
    rerun: bool
    retry: bool
    report: bool
    way: Way = dataclasses.field(default_factory=Rounds)


def train_and_print(
    planned: list[Planned],
    setup: Setup,
    machine: Machine,
    console: Console,
    how: How,
    show: Callable[[], None] | None = None,
) -> int:
    """The exit code. ``show`` prints what was found, in place of the rows' tables."""
    store = Store(machine.home)
    for line in (*preamble(setup, machine, how.way.seeds(setup)), *how.way.opening()):
        say(console, line, "dim")
    end = _train(planned, setup, machine, store, console, how)
    with waiting("making the tables"):
        made = tables(*how.way.shown(planned, setup), machine)
    if show is None:
        print_tables(made, console)
    else:
        show()
    how.way.conclude(console, end == "finished")
    try:
        say(console, f"tables: {write_tables(made, setup, machine.home)}")
    except OSError as error:
        if not is_full(error):
            raise
        end = "disk full"
    lacking = False
    if how.report and end == "finished":
        folder = store.home / "reports" / file_name([setup.profile.name, tags(setup)["setup"][:6]], setup.variant)
        evidence, only = Home(store.home), tags(setup)["setup"]
        lacking = not announced(folder, console, lambda tell: write(evidence, everything(), folder, tell, only=only))
        tell_faults(evidence, console)
    say(console, f"browse: {store.browse()}")
    failed = failures(planned, machine.home)
    for line in failed:
        say(console, f"failed: {line}")
    if failed:
        say(console, "--retry-failed trains them again")
    lost = absent(planned, machine.home) if end == "finished" and isinstance(how.way, Rounds) else []
    if lost:
        more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
        where = f"{machine.home / 'cells'} or damaged there since they were trained"
        say(console, f"gone from {where}: {', '.join(lost[:NAMED])}{more}")
        say(console, "the same command trains them again")
    if end == "disk full":
        say(console, str(DiskFull(machine.home)))
        return 1
    if end == "interrupted":
        say(console, "stopped; the same command goes on from here")
        return INTERRUPTED
    return 1 if failed or lost or lacking else 0


def announced(folder: Path, console: Console, written: Callable[[Callable[[str], None]], Written]) -> bool:
    """Write a report and say where it is, or in a sentence why there is none; whether there is one. The results are
    kept in either case, so that no error of a report is an error of theirs."""
    try:
        with boxes(lambda text: say(console, text)), waiting("writing the report") as line:
            made = written(line.tell)
    except InputError as error:
        say(console, f"no report: {error}")
        return False
    except OSError as error:
        why = "the disk is full" if is_full(error) else f"{folder} cannot be written ({error.strerror or error})"
        say(console, f"no report: {why}; the results are kept, and harness report writes it once there is room")
        return False
    except Exception as error:  # of a library that draws or sets pages, whichever
        SAID.info("the report ended by %s", type(error).__name__, exc_info=error)
        say(
            console,
            f"no report: {type(error).__name__}: {reason(error)}; the results are kept, harness report tries it",
        )
        return False
    say(console, f"report: {made.folder / 'report.pdf'}{'' if made.new else ' (unchanged)'}")
    return True


def tell_faults(evidence: Home, console: Console) -> None:
    """What was wrong with what has been read."""
    for text in evidence.faults():
        say(console, text)


def _train(planned: list[Planned], setup: Setup, machine: Machine, store: Store, console: Console, how: How) -> str:
    """Train, with tables after every round; how it ended: finished, interrupted or disk full."""
    first = "stopping: running cells finish their update and write checkpoints; Ctrl-C again stops at once"
    with Interrupt(lambda: say(console, first)) as stop:
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
                    way=how.way,
                )
            ) as rounds:
                for reached in rounds:
                    where = write_tables(tables(*how.way.shown(planned, setup), machine), setup, machine.home)
                    say(console, f"{reached}: tables in {where}")
        except KeyboardInterrupt:
            return "interrupted"
        except (DiskFull, OSError) as error:
            if not isinstance(error, DiskFull) and not is_full(error):
                raise
            return "disk full"
    return "interrupted" if stop.asked else "finished"
