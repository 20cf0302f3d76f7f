"""What ``harness ablate`` does once its options are read: say the design, train it, print and report what it shows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from experiments.ablation import Ablation
from experiments.factorial_designs import Design
from harness.ablate.design import data, lines, trained
from harness.ablate.summary import summary
from harness.commands.run import Options, announced, train_and_print
from harness.console.status import status_line
from harness.console.text import print_and_log
from harness.execution.config import ExecutionConfig
from harness.execution.estimate import costs
from harness.planning.ledger import read_index
from harness.planning.plan import Planned
from harness.planning.rows import cells_of
from harness.planning.setup import Setup
from harness.planning.setup_tags import tags
from harness.reporting.ablations import ablation_in_home
from harness.reporting.report import write_report
from harness.tracking.from_cells import Home
from harness.tracking.store import Store
from reports.ablation.analysis import Of, analysed
from reports.ablation.blocks import of_ablation
from reports.ablation.results import AblationResults
from reports.document.blocks import Grid


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What the command was told beside question, design and machine."""

    how: Options
    dry_run: bool
    as_json: bool


def carry_out(told: Ablation, design: Design, setup: Setup, machine: ExecutionConfig, ask: Request) -> int:
    """The exit code. With ``as_json`` standard output has the data and nothing else."""
    console = Console(soft_wrap=False, stderr=ask.as_json)
    planned = trained(told, design, setup)
    for line in (*lines(told, design), *costs(planned, machine, ask.how.rerun)):
        print_and_log(console, line)
    if ask.dry_run:
        if ask.as_json:
            print(json.dumps(data(told, design) | counted(planned, machine), indent=1))
        return 0
    store = Store(machine.home)
    result: list[tuple[AblationResults, list[Of]]] = []

    def show() -> None:
        with status_line("weighing the changes"):
            taken = ablation_in_home(told, setup, store.home)
            result.append((taken, analysed(taken)))
        for part in summary(*result[0]):
            console.print(part)

    code = train_and_print(planned, setup, machine, console, dataclasses.replace(ask.how, report=False), show)
    if code == 0 and ask.how.report:
        code = reported(told, setup, store, console)
    if ask.as_json and result:
        print(json.dumps(data(told, design) | counted(planned, machine) | figures(*result[0]), indent=1))
    return code


def counted(planned: Sequence[Planned], machine: ExecutionConfig) -> dict[str, int]:
    """How many cells the design has, and how many of them are left."""
    return {"cells": len(cells_of(planned)), "cells_left": len(read_index(machine.home).left(planned))}


def figures(taken: AblationResults, every: Sequence[Of]) -> dict[str, list[dict[str, Any]]]:
    """What the report's tables hold, as data."""
    grids = [block for block in of_ablation(taken, every) if isinstance(block, Grid) and block.records]
    return {grid.name.removeprefix(f"{taken.name}-"): [dict(each) for each in grid.records] for grid in grids}


def reported(told: Ablation, setup: Setup, store: Store, console: Console) -> int:
    """Write the ablation's own report."""
    folder, only = store.home / "reports" / told.slug.replace("/", "-"), tags(setup)["setup"]
    there = announced(
        folder,
        console,
        lambda tell: write_report(Home(store.home), (), folder, tell, tuned=(), ablated=[told.table], only=only),
    )
    return 0 if there else 1
