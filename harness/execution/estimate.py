"""``--dry-run``: what a command would train, how long it would take, and how much disk it needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from harness.cells.cell import Cell
from harness.execution.config import ExecutionConfig
from harness.planning.cell_index import CellIndex, read_index
from harness.planning.content import display_name
from harness.planning.cost import cost, encoder_costs
from harness.planning.plan import PlannedRow, missing_encoders
from harness.planning.rows import cells_of
from harness.planning.setup import Setup

PREDICTION_BYTES = 8  # an answer after compression, about


def seconds_per_token(index: CellIndex, cells: Sequence[Cell]) -> float | None:
    """Median over the finished cells with the same encoder, or None where there are none."""
    by_encoder = {cell.encoder for cell in cells}
    cells_by_id = {cell.id: cell for cell in cells}
    rates = [
        record.outcome["seconds"] / cost(cells_by_id[record.id])
        for record in index.ended.values()
        if record.done and record.metadata["encoder"] in by_encoder and record.id in cells_by_id
    ]
    return median(rates) if rates else None


def preamble(setup: Setup, config: ExecutionConfig, seeds: str = "") -> list[str]:
    """The scale and the set-up of a command, in words; ``seeds`` too, where their number is not fixed."""
    seeds = seeds or f"{setup.seeds} seed" + ("s" if setup.seeds > 1 else "")
    return [
        *setup.profile.lines(),
        f"data {setup.data}, encoder {display_name(setup.encoder)}, {seeds}; {config.description}",
    ]


def estimate(rows: Sequence[PlannedRow], setup: Setup, config: ExecutionConfig, rerun: bool) -> list[str]:
    """The lines of a dry run."""
    return [*preamble(setup, config), *costs(rows, config, rerun)]


def costs(rows: Sequence[PlannedRow], config: ExecutionConfig, rerun: bool = False) -> list[str]:
    """The number of cells to train, the time that takes, and the disk space they need."""
    index = read_index(config.home)
    cells, left = cells_of(rows), index.cells_to_train(rows, rerun)
    lines = [f"{len(rows)} rows, {len(cells)} distinct cells: {len(cells) - len(left)} done, {len(left)} left"]
    lines += [f"  {row.label}: {row.reason}" for row in rows if row.reason]
    lines += [f"encoder {name}: not downloaded yet; training begins with that" for name in missing_encoders(rows)]
    stale = sum(index.is_stale(cell) for cell in cells)
    if stale:
        lines.append(f"{stale} cells are stale: trained by older code, to be trained anew")
    rate = seconds_per_token(index, cells)
    seen_encoders = {str(record.metadata.get("encoder")) for record in index.ended.values()}
    work = sum(map(cost, left)) + encoder_costs(left, seen_encoders)
    if rate is None:
        lines.append(f"time: {work:,.0f} tokens to train; the rate is known once one cell of this plan is finished")
    elif config.cluster:
        lines.append(f"time: about {work * rate / 3600:.2f} h of one worker")
    else:
        lines.append(f"time: about {work * rate / config.jobs / 3600:.2f} h with {config.jobs} job(s)")
    answers = sum(cell.recipe.epochs * 2500 * PREDICTION_BYTES for cell in left)
    lines.append(f"disk: under {math.ceil(answers / 1e7 + 1) / 100:.2f} GB for predictions and journals")
    return lines
