"""A results folder with results, and a machine with room."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.doctor import devices, resources
from harness.tracking.store import Store
from harness.tracking.sync import Delivery
from tests.harness import homes
from tests.harness.doctor.findings import CPU, ROWS, Usage


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch is asked by the tests that are about it; the machine has room."""
    monkeypatch.setattr(devices, "torch_build", lambda: CPU)
    monkeypatch.setattr(devices, "graphics_cards", list)
    monkeypatch.setattr(resources, "free_memory", lambda: 1e12)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(10**13, 0, 10**13))


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with two results, both in its database."""
    folder = tmp_path_factory.mktemp("delivered") / "home"
    for row in ROWS:
        homes.cell(folder, row)
        homes.reads(folder, row, 0)
    (folder / "mlflow.db").write_bytes(homes.empty())
    with Delivery(Store(folder), print) as delivery:
        assert delivery.deliver_all(folder).new == 2
    return folder


@pytest.fixture
def used(delivered: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(delivered, tmp_path / "used"))
