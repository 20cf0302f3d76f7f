"""Cells trained by Ray's actors: the local run's to the last bit."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.conftest import Invoke
from tests.harness.processes import FULL, finish, results, trained_here, words

ROWS = ("03-sst-quora", "12-combined")
pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@contextmanager
def nodes(count: int) -> Iterator[str]:
    """The address of a cluster in a process of its own."""
    words = [sys.executable, "-m", "tests.harness.ray_cluster", str(count)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, text=True, **pipes) as cluster:  # type: ignore[call-overload]
        yield cluster.stdout.readline().strip()
        cluster.stdin.close()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """A home of the same cells, trained on this machine."""
    home = tmp_path_factory.mktemp("alone") / "home"
    finish(*words(home, encoder, ROWS, "--seeds", 1, "--jobs", 1))
    return home


@pytest.mark.parametrize("more", [(), ("--shared-home",)] if FULL else [()], ids=str)
def test_a_ray_of_this_machine_gives_the_local_run_to_the_last_bit(
    tmp_path: Path, encoder: Path, alone: Path, more: tuple[str, ...]
) -> None:
    home = tmp_path / "home"
    told = finish(*words(home, encoder, ROWS, "--seeds", 1, "--on", "ray", "--jobs", 2, *more))
    assert results(home) == results(alone)
    assert len(trained_here(told)) == len(ROWS)
    assert not list(home.glob("cells/*/claim.json"))


@pytest.mark.skipif(not FULL, reason="make test-all")
def test_a_cluster_of_two_nodes_gives_the_local_run_to_the_last_bit(tmp_path: Path, encoder: Path, alone: Path) -> None:
    home = tmp_path / "home"
    with nodes(2) as address:
        told = finish(*words(home, encoder, ROWS, "--seeds", 1, "--on", "ray", "--address", address))
        again = finish(*words(home, encoder, ROWS, "--seeds", 1, "--on", "ray", "--address", address))
    assert results(home) == results(alone)
    assert len(trained_here(told)) == len(ROWS) and not trained_here(again)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("--address", "127.0.0.1:1"), "--address is for --on ray; add it, or leave --address out"),
        (("--gpus-per-cell", "0.5"), "--gpus-per-cell is for --on ray"),
        (("--on", "ray", "--gpus-per-cell", "1.5"), "above 1 it must be a whole number"),
        (("--on", "ray", "--cpus-per-cell", "0"), "--cpus-per-cell is 0; it must be at least 1"),
    ],
)
def test_a_fault_is_one_sentence(invoke: Invoke, given: tuple[str, ...], sentence: str) -> None:
    result = invoke("run", "bertram/table1/04-all-three", *given)
    assert result.exit_code == 2
    assert sentence in result.output and len(result.output.splitlines()) == 1


def test_without_ray_a_sentence_says_what_to_install(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "harness.execute.ray", raising=False)
    result = invoke("run", "bertram/table1/04-all-three", "--on", "ray", "--no-report")
    assert result.exit_code == 2
    assert result.output.splitlines()[-1].startswith("error: --on ray needs Ray; install it with: pip install")
