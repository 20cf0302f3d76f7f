"""``harness ablate`` once its options are read: print the design, train it, print and report its effects."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from experiments.ablation import Ablation
from experiments.factorial_designs import Design
from harness.ablate.design import describe_design, design_data, rows_to_train
from harness.ablate.summary import summary
from harness.cells.home import reports_folder
from harness.commands.run import Options, announce_report, train_and_print
from harness.console.status import status_line
from harness.console.text import print_and_log
from harness.execution.config import ExecutionConfig
from harness.execution.estimate import costs
from harness.planning.cell_index import read_index
from harness.planning.plan import PlannedRow
from harness.planning.rows import cells_of
from harness.planning.setup import Setup
from harness.planning.setup_tags import setup_tags
from harness.reporting.ablations import ablation_in_home
from harness.reporting.report import write_report
from harness.tracking.from_cells import ResultsFolder
from harness.tracking.store import Store
from reports.ablation.analysis import MetricAnalysis, analyse_metrics
from reports.ablation.blocks import ablation_blocks
from reports.ablation.results import AblationResults
from reports.document.blocks import Grid


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """Options of the command beside question, design and execution."""

    options: Options
    dry_run: bool
    as_json: bool


def carry_out(ablation: Ablation, design: Design, setup: Setup, config: ExecutionConfig, request: Request) -> int:
    """The exit code. With ``as_json`` standard output has the data and nothing else."""
    console = Console(soft_wrap=False, stderr=request.as_json)
    planned = rows_to_train(ablation, design, setup)
    for line in (*describe_design(ablation, design), *costs(planned, config, request.options.rerun)):
        print_and_log(console, line)
    if request.dry_run:
        if request.as_json:
            print(json.dumps(design_data(ablation, design) | count_cells(planned, config), indent=1))
        return 0
    store = Store(config.home)
    analysis: list[tuple[AblationResults, list[MetricAnalysis]]] = []

    def show() -> None:
        with status_line("weighing the changes"):
            results = ablation_in_home(ablation, setup, store.home)
            analysis.append((results, analyse_metrics(results)))
        for part in summary(*analysis[0]):
            console.print(part)

    code = train_and_print(planned, setup, config, console, dataclasses.replace(request.options, report=False), show)
    if code == 0 and request.options.report:
        code = write_ablation_report(ablation, setup, store, console)
    if request.as_json and analysis:
        counts = count_cells(planned, config)
        print(json.dumps(design_data(ablation, design) | counts | figures(*analysis[0]), indent=1))
    return code


def count_cells(planned: Sequence[PlannedRow], config: ExecutionConfig) -> dict[str, int]:
    """The number of the design's cells, and of those left to train."""
    return {"cells": len(cells_of(planned)), "cells_left": len(read_index(config.home).cells_to_train(planned))}


def figures(results: AblationResults, every: Sequence[MetricAnalysis]) -> dict[str, list[dict[str, Any]]]:
    """The report's tables as data."""
    grids = [block for block in ablation_blocks(results, every) if isinstance(block, Grid) and block.records]
    return {grid.name.removeprefix(f"{results.name}-"): [dict(each) for each in grid.records] for grid in grids}


def write_ablation_report(ablation: Ablation, setup: Setup, store: Store, console: Console) -> int:
    """Write the ablation's own report."""
    folder, only = reports_folder(store.home) / ablation.slug.replace("/", "-"), setup_tags(setup)["setup"]
    written = announce_report(
        folder,
        console,
        lambda tell: write_report(
            ResultsFolder(store.home), (), folder, tell, tuned=(), ablated=[ablation.table], only=only
        ),
    )
    return 0 if written else 1
