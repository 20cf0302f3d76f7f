"""The doctor on a results folder that cannot be written, is in use or has damaged cells."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.cells import lease
from harness.tracking.store import Store
from harness.tracking.sync import Delivery
from tests.harness.conftest import Invoke
from tests.harness.doctor.findings import check, run_doctor


def test_a_home_that_cannot_be_written(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    for where in (tmp_path / "file", tmp_path / "file" / "home"):
        check(run_doctor(invoke, "--home", where, error=True)["home"], "error", str(where), "--home")
    monkeypatch.setattr(os, "access", lambda place, how: False)
    finding = run_doctor(invoke, "--home", tmp_path / "closed" / "home", error=True)["home"]
    check(finding, "error", f"{tmp_path} cannot be written", "--home")


def test_a_home_that_is_none(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "cells").write_text("")
    check(run_doctor(invoke, error=True)["home"], "error", "cells is not a folder", "-> move it away")


def test_a_home_in_use_is_reported(invoke: Invoke, used: Path) -> None:
    claim = lease.take_lease(used, "0" * 24)
    assert claim is not None
    with claim:
        check(run_doctor(invoke, "--home", used, error=False)["home"], "ok", "training 1 of its cells now")
    with Delivery(Store(used), print):
        check(run_doctor(invoke, "--home", used, error=False)["home"], "ok", "writing its results now")


def test_damaged_failed_and_begun_cells_are_counted(invoke: Invoke, used: Path) -> None:
    homes_cells = sorted((used / "cells").iterdir())
    begun = used / "cells" / ("f" * 24)
    begun.mkdir()
    (begun / "checkpoint.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    check(run_doctor(invoke, "--home", used, error=False)["cells"], "ok", "2 trained, 0 failed, 1 begun")
    (begun / "checkpoint.safetensors").write_bytes(b"short")
    check(
        run_doctor(invoke, "--home", used, error=True)["cells"], "error", "checkpoint.safetensors is damaged", "again"
    )
    shutil.rmtree(begun)
    with (homes_cells[0] / "journal.jsonl").open("a") as stream:
        stream.write("{}\n")
    check(run_doctor(invoke, "--home", used, error=True)["cells"], "error", "1 trained", "journal.jsonl", "again")
