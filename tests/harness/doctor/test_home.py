"""The doctor on a home that cannot be written, is in use or has damaged cells."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.cells import lease
from harness.tracking.store import Store
from harness.tracking.sync import Delivery
from tests.harness.conftest import Invoke
from tests.harness.doctor.looking import check, told


def test_a_home_that_cannot_be_written(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    for where in (tmp_path / "file", tmp_path / "file" / "home"):
        check(told(invoke, "--home", where, broken=True)["home"], "broken", str(where), "--home")
    monkeypatch.setattr(os, "access", lambda place, how: False)
    found = told(invoke, "--home", tmp_path / "closed" / "home", broken=True)["home"]
    check(found, "broken", f"{tmp_path} cannot be written", "--home")


def test_a_home_that_is_none(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "cells").write_text("")
    check(told(invoke, broken=True)["home"], "broken", "cells is not a folder", "-> move it away")


def test_a_home_in_use_is_told(invoke: Invoke, used: Path) -> None:
    held = lease.take_lease(used, "0" * 24)
    assert held is not None
    with held:
        check(told(invoke, "--home", used, broken=False)["home"], "ok", "training 1 of its cells now")
    with Delivery(Store(used), print):
        check(told(invoke, "--home", used, broken=False)["home"], "ok", "writing its results now")


def test_damaged_failed_and_begun_cells_are_counted(invoke: Invoke, used: Path) -> None:
    homes_cells = sorted((used / "cells").iterdir())
    begun = used / "cells" / ("f" * 24)
    begun.mkdir()
    (begun / "checkpoint.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    check(told(invoke, "--home", used, broken=False)["cells"], "ok", "2 trained, 0 failed, 1 begun")
    (begun / "checkpoint.safetensors").write_bytes(b"short")
    check(told(invoke, "--home", used, broken=True)["cells"], "broken", "checkpoint.safetensors is damaged", "again")
    shutil.rmtree(begun)
    with (homes_cells[0] / "journal.jsonl").open("a") as stream:
        stream.write("{}\n")
    check(told(invoke, "--home", used, broken=True)["cells"], "broken", "1 trained", "journal.jsonl", "again")
