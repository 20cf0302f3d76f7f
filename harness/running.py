"""``harness run`` once its options are read: train planned rows, print their tables, write their report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import closing

from rich.console import Console

from harness.campaign import DiskFull, carry_out, failures, tables, tags
from harness.catalogue import everything
from harness.durable import is_full
from harness.estimate import preamble
from harness.execute.news import Machine
from harness.interrupt import Interrupt
from harness.measured import Home
from harness.output import file_name, print_tables, say, write_tables
from harness.plan import Planned, Setup
from harness.reporting import write
from harness.store import Store
from harness.waiting import waiting
from harness.ways import Rounds, Way
from model.errors import InputError

INTERRUPTED = 130


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
    if how.report and end == "finished":
        end = _report(setup, store, console)
    say(console, f"browse: {store.browse()}")
    failed = failures(planned, machine.home)
    for line in failed:
        say(console, f"failed: {line}")
    if failed:
        say(console, "--retry-failed trains them again")
    if end == "disk full":
        say(console, str(DiskFull(machine.home)))
        return 1
    if end == "interrupted":
        say(console, "stopped; the same command goes on from here")
        return INTERRUPTED
    return 1 if failed else 0


def _report(setup: Setup, store: Store, console: Console) -> str:
    """Write the report of all that the store holds of this set-up; how it ended. What keeps it from being written is
    said and nothing more: the results are kept."""
    told = tags(setup)
    try:
        with waiting("writing the report") as line:
            folder = store.home / "reports" / file_name([setup.profile.name, told["setup"][:6]], setup.variant)
            made = write(Home(store.home), everything(), folder, line.tell, only=told["setup"])
    except InputError as error:
        say(console, f"no report: {error}")
        return "finished"
    except OSError as error:
        if not is_full(error):
            raise
        return "disk full"
    say(console, f"report: {made.folder / 'report.pdf'}{'' if made.new else ' (unchanged)'}")
    return "finished"


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
