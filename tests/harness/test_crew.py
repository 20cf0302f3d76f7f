"""Dealing cells to worker processes."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from harness.execute.crew import Crew
from harness.execute.local import KEEPING, Local, Process, worker_environment
from harness.execute.news import Machine
from harness.execute.orders import Listed, Order
from tests.harness.test_memory import cell


def test_an_idle_worker_that_died_gets_nothing_and_is_let_go(tmp_path: Path, encoder: Path) -> None:
    source = Listed([Order(cell(encoder))])
    machine = Machine(home=tmp_path, jobs=1, threads=1, device="cpu")
    crew = Crew(source, machine, Local(machine))
    ours, theirs = multiprocessing.Pipe()
    theirs.close()
    gone: Any = None  # its process, which is not asked
    crew.hands = [Process(gone, ours)]
    assert list(crew.deal(source.orders(1))) == []
    assert len(source.orders(1)) == 1
    assert crew.hands == []


def test_workers_keep_their_memory_unless_the_user_has_settings_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEEPING:
        monkeypatch.delenv(name, raising=False)
    assert worker_environment(3) == {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"} | KEEPING
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "65536")
    assert worker_environment(1)["MALLOC_MMAP_MAX_"] == "65536"
