"""Checkpoints come when they are due, hold the whole folder's state, and decide what is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cells import writer
from harness.cells.cell import Cell, WeightRetention
from harness.cells.checkpoint import FILE_NAME, load_checkpoint
from harness.cells.lease import take_lease
from harness.cells.record import read_record
from harness.execution.encoders import Progress, prepare_encoder
from harness.execution.events import Paused
from harness.execution.jobs import Job
from harness.execution.train_cell import Worker
from model.encoders.tiny import Tiny
from tests.harness.execution.test_memory import cell


class Clock:
    """Time that passes with updates alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, update: float) -> None:
        self.now, self.update = 1000.0, update
        monkeypatch.setattr(writer.time, "monotonic", lambda: self.now)

    def tick(self, share: float) -> None:
        self.now += self.update


def train(home: Path, of: Cell, tell: Progress, stop: Callable[[], bool] = lambda: False, all: bool = False) -> None:
    lease = take_lease(home, of.id)
    assert lease is not None
    with lease:
        Worker(home, 1, "cpu", 60.0, stop).train(Job(of, WeightRetention(all=all)), lease, tell, lambda epochs: True)


@pytest.mark.parametrize("update", [7.0, 25.0, 61.0])
def test_no_update_is_further_from_its_checkpoint_than_the_interval(
    update: float, tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, saves = Clock(monkeypatch, update), [1000.0]
    original = writer.CellWriter.checkpoint

    def noted(self: writer.CellWriter, *arguments: object) -> None:
        original(self, *arguments)  # type: ignore[arg-type]
        saves.append(clock.now)

    monkeypatch.setattr(writer.CellWriter, "checkpoint", noted)
    train(tmp_path, cell(encoder, ("epochs", "3")), clock.tick)
    gaps = [after - before for before, after in zip(saves, [*saves[1:], clock.now], strict=True)]
    assert len(saves) > 3
    assert max(gaps) < 60 + update  # the interval, and the update in which it passed
    assert min(gaps[:-1]) >= 60


def test_a_pause_leaves_a_checkpoint_of_that_very_update(tmp_path: Path, encoder: Path) -> None:
    of, shares = cell(encoder, ("epochs", "3")), list[float]()
    with pytest.raises(Paused):
        train(tmp_path, of, shares.append, stop=lambda: len(shares) == 5)
    checkpoint = load_checkpoint(tmp_path / "cells" / of.id / FILE_NAME)
    assert checkpoint is not None
    assert checkpoint[1]["position"]["step"] == 5
    assert read_record(tmp_path / "cells" / of.id) is None
    later: list[float] = []
    train(tmp_path, of, later.append)
    assert later[0] > shares[-1]
    assert not (tmp_path / "cells" / of.id / FILE_NAME).exists()


def test_weights_that_a_checkpoint_may_ask_for_are_dropped_with_the_next_one(tmp_path: Path, encoder: Path) -> None:
    of = cell(encoder, ("epochs", "3"))
    train(tmp_path, of, lambda share: None, all=True)
    assert [path.name for path in sorted((tmp_path / "cells" / of.id / "weights").iterdir())] == [
        f"epoch-{number}.safetensors" for number in (1, 2, 3)
    ]


def test_kept_weights_that_are_gone_cost_the_checkpoint(tmp_path: Path, encoder: Path) -> None:
    of, shares = cell(encoder, ("epochs", "3")), list[float]()
    with pytest.raises(Paused):
        train(tmp_path, of, shares.append, stop=lambda: len(shares) == 20, all=True)
    next((tmp_path / "cells" / of.id / "weights").iterdir()).unlink()
    train(tmp_path, of, lambda share: None, all=True)
    record = read_record(tmp_path / "cells" / of.id)
    assert record is not None
    assert any("weights to be kept were not; trained from the start" in text for text in record.outcome["warnings"])


def test_a_damaged_encoder_of_the_home_is_made_again(tmp_path: Path) -> None:
    small = Tiny(steps=2)
    folder = Path(prepare_encoder(small, "embedded", tmp_path).name)  # type: ignore[attr-defined]
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert Path(prepare_encoder(small, "embedded", tmp_path).name) == folder  # type: ignore[attr-defined]
    assert (folder / "model.safetensors").read_bytes() == whole
