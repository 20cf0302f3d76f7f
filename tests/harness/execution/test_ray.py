"""Cells on a Ray cluster of several nodes: the local run's to the last bit, whatever ends in between."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.conftest import Invoke
from tests.harness.processes import FULL, ROWS, finish, kill, results, samples, start, trained_here, until, words

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


class RayNodes:
    """A cluster in a process of its own."""

    def __init__(self, count: int, cpus: int = 1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.ray_cluster", str(count), str(cpus)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self.read()

    def read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, "the cluster has ended"
        return line

    def ask(self, word: str) -> None:
        """``kill`` ends a node that is not the first, ``add`` begins one."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self.read() == "done"

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        with self.process:
            self.process.wait(60)


@contextmanager
def nodes(count: int, cpus: int = 1) -> Iterator[RayNodes]:
    cluster = RayNodes(count, cpus)
    try:
        yield cluster
    finally:
        cluster.end()


def on(cluster: RayNodes) -> tuple[object, ...]:
    return ("--on", "ray", "--address", cluster.address)


@pytest.mark.skipif(not FULL, reason="make test-all")  # a node's end, below, is followed by the same comparison
@pytest.mark.parametrize("count", [2, 4])
def test_a_cluster_gives_the_local_run_to_the_last_bit(tmp_path: Path, encoder: Path, whole: Path, count: int) -> None:
    home = tmp_path / "home"
    with nodes(count) as cluster:
        output = finish(*words(home, encoder, ROWS, "--seeds", 1, *on(cluster)))
    assert results(home) == results(whole)
    assert len(trained_here(output)) == len(ROWS)
    assert not list(home.glob("cells/*/claim.json"))


@samples(1, 5)
def test_a_node_that_ends_costs_no_bit(tmp_path: Path, encoder: Path, whole: Path, sample: int) -> None:
    home = tmp_path / "home"
    with nodes(2) as cluster:
        with start(*words(home, encoder, ROWS, "--seeds", 1, *on(cluster))) as run:
            until(lambda: len(list(home.glob("cells/*/cell.json"))) == 2, 120)  # one on each
            time.sleep(random.Random(sample).uniform(0, 1))  # a cell takes some seconds
            cluster.ask("kill")
            assert run.stdout is not None
            output = run.stdout.read()
        assert run.returncode == 0, output
        assert "Traceback" not in output
    assert output.count("goes on from its last checkpoint") == 1, output  # the one it had in training
    assert results(home) == results(whole)


@pytest.mark.skipif(not FULL, reason="make test-all")
@samples(0, 3)
def test_a_driver_that_is_killed_goes_on_where_it_was(tmp_path: Path, encoder: Path, whole: Path, sample: int) -> None:
    home = tmp_path / "home"
    with nodes(1) as cluster:  # one cell after the other
        with start(*words(home, encoder, ROWS, "--seeds", 1, *on(cluster))) as run:
            until(lambda: list(home.glob("cells/*/outcome.json")), 180)
            time.sleep(random.Random(sample).uniform(0, 1))
            kill(run.pid)
        done = {path.parent.name: path.stat().st_mtime_ns for path in home.glob("cells/*/outcome.json")}
        output = finish(*words(home, encoder, ROWS, "--seeds", 1, *on(cluster)))
    assert len(done) == len(trained_here(output)) == 1  # it was at the second
    assert results(home) == results(whole)
    after = {path.parent.name: path.stat().st_mtime_ns for path in home.glob("cells/*/outcome.json")}
    assert done.items() <= after.items()  # none of them again


@pytest.mark.skipif(not FULL, reason="make test-all")
def test_a_ray_of_this_machines_own_gives_the_local_run_to_the_last_bit(
    tmp_path: Path, encoder: Path, whole: Path
) -> None:
    home = tmp_path / "home"
    finish(*words(home, encoder, ROWS, "--seeds", 1, "--on", "ray", "--jobs", 2))
    assert results(home) == results(whole)


@pytest.mark.skipif(not FULL, reason="make test-all")
def test_a_shared_home_is_written_by_the_workers(tmp_path: Path, encoder: Path, whole: Path) -> None:
    home = tmp_path / "home"
    with nodes(2) as cluster:
        finish(*words(home, encoder, ROWS[:1], "--seeds", 1, *on(cluster), "--shared-home"))
    own = results(home)
    assert own and own.items() <= results(whole).items()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--address", "127.0.0.1:1"), "--address is for --on ray; add it, or leave --address out"),
        (("--gpus-per-cell", "0.5"), "--gpus-per-cell is for --on ray"),
        (("--on", "ray", "--gpus-per-cell", "1.5"), "above 1 it must be a whole number"),
        (("--on", "ray", "--cpus-per-cell", "0"), "--cpus-per-cell is 0; it must be at least 1"),
    ],
)
def test_a_fault_is_one_sentence(invoke: Invoke, options: tuple[str, ...], sentence: str) -> None:
    result = invoke("run", "bertram/table1/04-all-three", *options)
    assert result.exit_code == 2
    assert sentence in result.output and len(result.output.splitlines()) == 1


def test_without_ray_a_sentence_says_what_to_install(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "harness.execution.ray.cluster", raising=False)
    result = invoke("run", "bertram/table1/04-all-three", "--on", "ray", "--no-report")
    assert result.exit_code == 2
    assert result.output.splitlines()[-1].startswith("error: --on ray needs Ray; install it with: pip install")
