"""Several commands on one results folder share the work: each cell is trained once, also when one of them is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.processes import FULL, finish, kill, results, start, table, trained_here, until, words, workers

ROWS = ("02-pretrained", "03-sst-quora", "04-all-three")
CELLS = sorted(f"bertram/table1/{row} seed {seed}" for row in ROWS for seed in range(2))
COUNTS = [2, 4] if FULL else [2]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """The results folder of one command that did all the work."""
    home = tmp_path_factory.mktemp("alone") / "home"
    finish(*words(home, encoder, ROWS, "--seeds", 2, "--jobs", 2))
    return home


@pytest.mark.skipif(not FULL, reason="make test-all")
@pytest.mark.parametrize("commands", COUNTS)
def test_every_cell_is_trained_once(commands: int, tmp_path: Path, encoder: Path, alone: Path) -> None:
    home = tmp_path / "home"
    running = [start(*words(home, encoder, ROWS, "--seeds", 2, "--jobs", 1)) for _ in range(commands)]
    outputs = [run.communicate()[0] for run in running]
    assert [run.returncode for run in running] == [0] * commands, outputs
    assert sorted(name for text in outputs for name in trained_here(text)) == CELLS
    assert len({table(text) for text in outputs}) == 1  # all print the whole table
    assert results(home) == results(alone)
    assert " 0 new" in finish("sync", "--home", home)


@pytest.mark.skipif(not FULL, reason="make test-all; tests/harness/tune/test_sharing.py has two commands")
@pytest.mark.parametrize("commands", COUNTS)
def test_the_work_of_a_killed_command_is_taken_over(commands: int, tmp_path: Path, encoder: Path, alone: Path) -> None:
    home = tmp_path / "home"
    running = [start(*words(home, encoder, ROWS, "--seeds", 2, "--jobs", 1)) for _ in range(commands)]
    victim = running[0]
    until(lambda: workers(victim.pid) and list(home.glob("cells/*/journal.jsonl")))
    for number in (victim.pid, *workers(victim.pid)):
        kill(number)
    outputs = [run.communicate()[0] for run in running]
    assert [run.returncode for run in running[1:]] == [0] * (commands - 1), outputs
    trained = [name for text in outputs for name in trained_here(text)]
    assert len(trained) == len(set(trained))  # what the victim had just finished it could not tell
    assert set(trained) <= set(CELLS)
    assert results(home) == results(alone)
    assert " 0 new" in finish("sync", "--home", home)
