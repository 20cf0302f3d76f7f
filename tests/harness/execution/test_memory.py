"""Memory: a GPU's that is too small for a batch, so that the cell is trained with the batch in parts and says so; and
the peak of one training among several."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments.profiles import PROFILES
from harness.cells.cell import Cell
from harness.cells.lease import take_lease
from harness.cells.record import Record, read_record
from harness.execution.jobs import Job
from harness.execution.local import worker_environment
from harness.execution.train_cell import OutOfMemory, Worker
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.registry.selectors import find
from model.interfaces import Batch
from model.network import Network
from model.task_forward import TaskForward

SHORT = tuple((f"{task}.rows", "40") for task in ("sst", "quora", "sts"))


def cell(encoder: Path, *settings: tuple[str, str], row: str = "04-all-three") -> Cell:
    setup = Setup(
        profile=PROFILES["demo"], data="embedded", encoder=str(encoder), seeds=1, settings=(*SHORT, *settings)
    )
    (planned,) = plan([find(f"bertram/table1/{row}")], setup)
    return planned.cells[0]


def train(home: Path, of: Cell) -> Record:
    worker = Worker(home, 1, "cpu", 0.0, lambda: False)
    lease = take_lease(home, of.id)
    assert lease is not None
    with lease:
        worker.train(Job(of), lease, lambda share: None, lambda epochs: True)
    record = read_record(home / "cells" / of.id)
    assert record is not None
    return record


PEAKS = """
import json, torch
from harness.execution.memory import forget_peak, peak
peaks = []
for side in (1000, 7000, 1000):
    forget_peak("cpu")
    (torch.ones(side, side) * 2).sum()
    peaks.append(peak("cpu"))
print(json.dumps(peaks))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process's peak cannot be forgotten")
def test_a_peak_is_one_trainings_and_not_that_of_a_larger_one_before_it() -> None:
    environment = os.environ | worker_environment(1)  # memory is kept, as workers do
    done = subprocess.run([sys.executable, "-c", PEAKS], capture_output=True, text=True, check=True, env=environment)
    small, large, again = json.loads(done.stdout)
    megabyte = 1 << 20
    assert large - small > 300 * megabyte
    assert abs(again - small) < 60 * megabyte


@pytest.fixture
def memory_limits(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A device on which batches of more than ``items`` items run out of memory, from update ``after`` on."""
    limits, original = {"items": 3, "after": 2}, TaskForward.__init__

    def limited(self: TaskForward, network: Network, batch: Batch, seed: int, step: int, *more: Any) -> None:
        if step >= limits["after"] and len(batch.labels) > limits["items"]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        original(self, network, batch, seed, step, *more)

    monkeypatch.setattr(TaskForward, "__init__", limited)
    return limits


def test_a_batch_too_large_is_computed_in_parts_from_the_last_checkpoint_on(
    tmp_path: Path, encoder: Path, memory_limits: dict[str, int]
) -> None:
    record = train(tmp_path, cell(encoder, ("epochs", "2")))
    assert record.outcome["pieces"] == 4  # 8 items in parts of 2
    assert any("computed in 4 parts, for want of GPU memory" in text for text in record.outcome["warnings"])
    assert not any("2 parts" in text for text in record.outcome["warnings"])
    whole = dataclasses.replace(cell(encoder, ("epochs", "2")), source="embedded")
    memory_limits["items"] = 1000
    other = train(tmp_path / "whole", whole)
    assert other.outcome["pieces"] == 1
    loss, parts = (each.epochs[0]["signals"]["loss/sst"] for each in (other, record))
    assert parts == pytest.approx(loss, rel=0.2)
    assert [epoch["items"] for epoch in record.epochs] == [epoch["items"] for epoch in other.epochs]


def test_what_needs_whole_batches_is_not_cut(tmp_path: Path, encoder: Path, memory_limits: dict[str, int]) -> None:
    with pytest.raises(OutOfMemory, match="bce_with_logits needs whole batches; --set batch=N"):
        train(tmp_path, cell(encoder, ("quora.objective.reduction", "sum")))


def test_a_batch_of_one_that_does_not_fit_is_given_up(
    tmp_path: Path, encoder: Path, memory_limits: dict[str, int]
) -> None:
    memory_limits["items"] = 0
    with pytest.raises(OutOfMemory, match="a batch of one; --set max_tokens=N"):
        train(tmp_path, cell(encoder))
