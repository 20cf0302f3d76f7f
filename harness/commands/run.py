"""``harness run`` once its options are read: train planned rows, print their tables, write their report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from rich.console import Console

from harness.cells.atomic import is_full
from harness.cells.home import file_name
from harness.console.log_file import LOG
from harness.console.redact import reason
from harness.console.signals import Interrupt
from harness.console.status import status_line
from harness.console.text import print_and_log
from harness.execution.config import ExecutionConfig
from harness.execution.estimate import preamble
from harness.execution.run import DiskFull, carry_out
from harness.execution.seed_policy import FixedSeeds, SeedPolicy
from harness.planning.plan import Planned
from harness.planning.rows import absent, failures
from harness.planning.setup import Setup
from harness.planning.setup_tags import tags
from harness.registry.selectors import everything
from harness.reporting.report import WrittenReport, write_report
from harness.reporting.suite_tables import build_tables
from harness.reporting.tables import print_tables, report_missing_glyphs, write_tables
from harness.tracking.from_cells import Home
from harness.tracking.store import Store
from model.errors import InputError

INTERRUPTED = 130
NAMED = 5  # cells in one line


@dataclasses.dataclass(frozen=True)
class Options:
    """What ``run`` was told about which cells to train and what to keep."""

    keep: str
    rerun: bool
    retry: bool
    report: bool
    way: SeedPolicy = dataclasses.field(default_factory=FixedSeeds)


def train_and_print(
    planned: list[Planned],
    setup: Setup,
    machine: ExecutionConfig,
    console: Console,
    how: Options,
    show: Callable[[], None] | None = None,
) -> int:
    """The exit code. ``show`` prints what was found, in place of the rows' tables."""
    store = Store(machine.home)
    for line in (*preamble(setup, machine, how.way.seeds(setup)), *how.way.opening()):
        print_and_log(console, line, "dim")
    end = _train(planned, setup, machine, store, console, how)
    with status_line("making the tables"):
        made = build_tables(*how.way.shown(planned, setup), machine)
    if show is None:
        print_tables(made, console)
    else:
        show()
    how.way.conclude(console, end == "finished")
    try:
        print_and_log(console, f"tables: {write_tables(made, setup, machine.home)}")
    except OSError as error:
        if not is_full(error):
            raise
        end = "disk full"
    lacking = False
    if how.report and end == "finished":
        folder = store.home / "reports" / file_name([setup.profile.name, tags(setup)["setup"][:6]], setup.variant)
        lacking = not announced(
            folder,
            console,
            lambda tell: write_report(Home(store.home), everything(), folder, tell, only=tags(setup)["setup"]),
        )
    print_and_log(console, f"browse: {store.browse()}")
    failed = failures(planned, machine.home)
    for line in failed:
        print_and_log(console, f"failed: {line}")
    if failed:
        print_and_log(console, "--retry-failed trains them again")
    lost = absent(planned, machine.home) if end == "finished" and isinstance(how.way, FixedSeeds) else []
    if lost:
        more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
        where = f"{machine.home / 'cells'} or damaged there since they were trained"
        print_and_log(console, f"gone from {where}: {', '.join(lost[:NAMED])}{more}")
        print_and_log(console, "the same command trains them again")
    if end == "disk full":
        print_and_log(console, str(DiskFull(machine.home)))
        return 1
    if end == "interrupted":
        print_and_log(console, "stopped; the same command goes on from here")
        return INTERRUPTED
    return 1 if failed or lost or lacking else 0


def announced(folder: Path, console: Console, written: Callable[[Callable[[str], None]], WrittenReport]) -> bool:
    """Write a report and say where it is, or in a sentence why there is none; whether there is one. The results are
    kept in either case, so that no error of a report is an error of theirs."""
    try:
        with (
            report_missing_glyphs(lambda text: print_and_log(console, text)),
            status_line("writing the report") as line,
        ):
            made = written(line.update)
    except InputError as error:
        print_and_log(console, f"no report: {error}")
        return False
    except OSError as error:
        why = "the disk is full" if is_full(error) else f"{folder} cannot be written ({error.strerror or error})"
        print_and_log(
            console, f"no report: {why}; the results are kept, and harness report writes it once there is room"
        )
        return False
    except Exception as error:  # of a library that draws or sets pages, whichever
        LOG.info("the report ended by %s", type(error).__name__, exc_info=error)
        print_and_log(
            console,
            f"no report: {type(error).__name__}: {reason(error)}; the results are kept, harness report tries it",
        )
        return False
    print_and_log(console, f"report: {made.folder / 'report.pdf'}{'' if made.new else ' (unchanged)'}")
    return True


def _train(
    planned: list[Planned], setup: Setup, machine: ExecutionConfig, store: Store, console: Console, how: Options
) -> str:
    """Train, with tables after every round; how it ended: finished, interrupted or disk full."""
    first = "stopping: running cells finish their update and write checkpoints; Ctrl-C again stops at once"
    with Interrupt(lambda: print_and_log(console, first)) as stop:
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
                    where = write_tables(build_tables(*how.way.shown(planned, setup), machine), setup, machine.home)
                    print_and_log(console, f"{reached}: tables in {where}")
        except KeyboardInterrupt:
            return "interrupted"
        except (DiskFull, OSError) as error:
            if not isinstance(error, DiskFull) and not is_full(error):
                raise
            return "disk full"
    return "interrupted" if stop.requested else "finished"
