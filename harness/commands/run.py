"""``harness run`` once its options are read: train planned rows, print their tables, write their report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from rich.console import Console

from harness.cells.atomic import is_full
from harness.cells.home import file_name, reports_folder
from harness.console.log_file import LOG
from harness.console.redact import reason
from harness.console.signals import Interrupt
from harness.console.status import status_line
from harness.console.text import print_and_log
from harness.execution.config import ExecutionConfig
from harness.execution.estimate import preamble
from harness.execution.run import DiskFull, carry_out
from harness.execution.seed_policy import FixedSeeds, SeedPolicy
from harness.planning.plan import PlannedRow
from harness.planning.rows import absent_cells, failed_cells
from harness.planning.setup import Setup
from harness.planning.setup_tags import setup_tags
from harness.registry.selectors import all_rows
from harness.reporting.report import WrittenReport, write_report
from harness.reporting.suite_tables import build_tables
from harness.reporting.tables import print_tables, report_missing_glyphs, write_tables
from harness.tracking.from_cells import ResultsFolder
from harness.tracking.store import Store
from model.errors import InputError
from reports.suite_table.model import Table

INTERRUPTED = 130
MAX_NAMES = 5  # cells in one line


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of ``run``: which cells to train and what to keep."""

    keep: str
    rerun: bool
    retry: bool
    report: bool
    policy: SeedPolicy = dataclasses.field(default_factory=FixedSeeds)


def train_and_print(
    planned: list[PlannedRow],
    setup: Setup,
    config: ExecutionConfig,
    console: Console,
    options: Options,
    show: Callable[[], None] | None = None,
) -> int:
    """The exit code. ``show`` prints the results in place of the rows' tables."""
    store = Store(config.home)
    for line in (*preamble(setup, config, options.policy.describe(setup)), *options.policy.opening()):
        print_and_log(console, line, "dim")
    end = _train(planned, setup, config, store, console, options)
    with status_line("making the tables"):
        suite_tables = _tables(planned, setup, config, options.policy)
    if show is None:
        print_tables(suite_tables, console)
    else:
        show()
    options.policy.print_summary(console, end == "finished")
    try:
        print_and_log(console, f"tables: {write_tables(suite_tables, setup, config.home)}")
    except OSError as error:
        if not is_full(error):
            raise
        end = "disk full"
    report_missing = False
    if options.report and end == "finished":
        folder = reports_folder(store.home) / file_name(
            [setup.profile.name, setup_tags(setup)["setup"][:6]], setup.variant
        )
        source, only = ResultsFolder(store.home), setup_tags(setup)["setup"]
        report_missing = not announce_report(
            folder, console, lambda tell: write_report(source, all_rows(), folder, tell, only=only)
        )
        tell_faults(source, console)
    print_and_log(console, f"browse: {store.browse()}")
    failed = failed_cells(planned, config.home)
    for line in failed:
        print_and_log(console, f"failed: {line}")
    if failed:
        print_and_log(console, "--retry-failed trains them again")
    lost = absent_cells(planned, config.home) if end == "finished" and isinstance(options.policy, FixedSeeds) else []
    if lost:
        more = f" and {len(lost) - MAX_NAMES} more" if len(lost) > MAX_NAMES else ""
        where = f"{config.home / 'cells'} or damaged there since they were trained"
        print_and_log(console, f"gone from {where}: {', '.join(lost[:MAX_NAMES])}{more}")
        print_and_log(console, "the same command trains them again")
    if end == "disk full":
        print_and_log(console, str(DiskFull(config.home)))
        return 1
    if end == "interrupted":
        print_and_log(console, "stopped; the same command goes on from here")
        return INTERRUPTED
    return 1 if failed or lost or report_missing else 0


def announce_report(
    folder: Path, console: Console, write_files: Callable[[Callable[[str], None]], WrittenReport]
) -> bool:
    """Write a report and say where it is, or in a sentence why there is none; whether there is one. The results are
    kept in either case, so that no error of a report is an error of theirs."""
    try:
        with (
            report_missing_glyphs(lambda text: print_and_log(console, text)),
            status_line("writing the report") as line,
        ):
            report = write_files(line.update)
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
    print_and_log(console, f"report: {report.folder / 'report.pdf'}{'' if report.new else ' (unchanged)'}")
    return True


def tell_faults(source: ResultsFolder, console: Console) -> None:
    """What was wrong with what has been read."""
    for text in source.faults():
        print_and_log(console, text)


def _tables(planned: list[PlannedRow], setup: Setup, config: ExecutionConfig, policy: SeedPolicy) -> list[Table]:
    rows, seeds = policy.table_rows(planned, setup)
    return build_tables(rows, setup, config, seeds)


def _train(
    planned: list[PlannedRow], setup: Setup, config: ExecutionConfig, store: Store, console: Console, options: Options
) -> str:
    """Train, with tables after every round; how it ended: finished, interrupted or disk full."""
    first = "stopping: running cells finish their update and write checkpoints; Ctrl-C again stops at once"
    with Interrupt(lambda: print_and_log(console, first)) as stop:
        try:
            with closing(
                carry_out(
                    planned,
                    setup,
                    config,
                    store,
                    console,
                    keep=options.keep,
                    rerun=options.rerun,
                    retry=options.retry,
                    stop=stop,
                    policy=options.policy,
                )
            ) as rounds:
                for milestone in rounds:
                    where = write_tables(_tables(planned, setup, config, options.policy), setup, config.home)
                    print_and_log(console, f"{milestone}: tables in {where}")
        except KeyboardInterrupt:
            return "interrupted"
        except (DiskFull, OSError) as error:
            if not isinstance(error, DiskFull) and not is_full(error):
                raise
            return "disk full"
    return "interrupted" if stop.requested else "finished"
