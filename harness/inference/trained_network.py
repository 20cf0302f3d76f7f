"""The trained network of one row and seed: its kept weights, or a training that keeps them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from experiments.suite import row_slug
from harness.cells.atomic import Damaged
from harness.cells.cell import Cell
from harness.cells.home import cell_folder
from harness.cells.kept_weights import REMEDY, read_weights, weights_path
from harness.cells.record import read_record
from harness.cells.row_result import row_result
from harness.execution.config import ExecutionConfig
from harness.execution.run import carry_out
from harness.planning.plan import PlannedRow, download_encoders, plan
from harness.planning.rows import failed_cells
from harness.planning.setup import Setup
from harness.registry.selectors import select
from harness.tracking.store import Store
from model.encoders.made import Say, say_nothing
from model.errors import InputError

if TYPE_CHECKING:
    from model.network import Network


class TrainingFailed(RuntimeError):
    """The cell was trained for its weights and failed; the message says which and why."""


@dataclasses.dataclass(frozen=True)
class TrainedNetwork:
    """A planned row with one cell, the epoch that its selection reports, and the weights after that epoch."""

    row: PlannedRow
    epoch: int
    weights: Path

    @property
    def cell(self) -> Cell:
        return self.row.cells[0]

    @property
    def name(self) -> str:
        return f"{row_label(self.row)}, epoch {self.epoch}"


def plan_row(selector: str, seed: int, setup: Setup, say: Say = say_nothing) -> PlannedRow:
    """The row that the selector names, with the cell of this seed; ``InputError`` unless it is one that can run.
    ``say`` is called for an encoder's download."""
    if seed < 0:
        raise InputError(f"--seed is {seed}; it must be at least 0")
    chosen = select([selector])
    if len(chosen) > 1:
        first, last = row_slug(*chosen[0]), row_slug(*chosen[-1])
        raise InputError(f"{selector!r} names {len(chosen)} rows, {first} to {last}; give one of them")
    download_encoders(chosen, setup, say)
    (row,) = plan(chosen, dataclasses.replace(setup, seeds=1))
    if row.reason:
        raise InputError(f"{row_slug(*chosen[0])} cannot be trained here: {row.reason}")
    return dataclasses.replace(row, cells=(dataclasses.replace(row.cells[0], seed=seed),))


def row_label(row: PlannedRow) -> str:
    """``bertram/table1/06-smart seed 0``."""
    return f"{row.label} seed {row.cells[0].seed}"


def find_trained(row: PlannedRow, home: Path) -> TrainedNetwork | None:
    """The row's trained network, if its cell is done and the selected epoch's weights were kept."""
    try:
        record = read_record(cell_folder(home, row.cells[0].id))
    except Damaged:
        return None
    if record is None or not record.done:
        return None
    epoch = row_result(row.suite, row.row, record).epoch
    weights = weights_path(record.folder, epoch)
    return TrainedNetwork(row, epoch, weights) if weights.is_file() else None


def find_or_train(row: PlannedRow, setup: Setup, machine: ExecutionConfig, console: Console) -> TrainedNetwork:
    """The row's trained network; where none is found, the cell is trained and enters the tracking store as in a run.
    ``TrainingFailed`` if it fails."""
    trained = find_trained(row, machine.home)
    if trained is not None:
        return trained
    cell = row.cells[0].id
    # another row of this cell may have had its own epoch kept, which training removes
    keep = "all" if any((cell_folder(machine.home, cell) / "weights").glob("*")) else "selected"
    console.print(f"{row_label(row)}: its weights were not kept, so it is trained now", highlight=False, markup=False)
    store = Store(machine.home)
    for _ in carry_out([row], setup, machine, store, console, rerun=True, keep=keep):
        pass
    trained = find_trained(row, machine.home)
    if trained is None:
        raise TrainingFailed("; ".join(failed_cells([row], machine.home)) or f"{row_label(row)} left no weights")
    return trained


def load_network(trained: TrainedNetwork, machine: ExecutionConfig, say: Say = say_nothing) -> tuple[Network, Any]:
    """The network on the machine's device, in eval mode, and its tokenizer. ``say`` is called where no checksum
    confirms the weights; ``InputError`` where one contradicts them."""
    from safetensors.torch import load

    from harness.execution.encoders import load_encoder
    from model.network import Network
    from model.precision import settle

    settle(machine.threads)
    cell = trained.cell
    data, unsure = read_weights(trained.weights)
    if unsure:
        say(unsure)
    encoder, tokenizer = load_encoder(cell.recipe.encoder, cell.source, machine.home, cell.seed)
    network = Network(cell.recipe, encoder, cell.seed)
    try:
        weights = load(data)
        if weights.keys() - network.state_dict().keys():  # a regularizer gave the network more when it was trained
            for regularizer in cell.recipe.regularizers:
                regularizer.start(network, 1)
            network.survey()
        network.load_state_dict(weights)
    except Exception as error:  # RuntimeError, SafetensorError
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{trained.weights} cannot be read ({reason}); {REMEDY}") from None
    return network.to(machine.device).eval(), tokenizer
