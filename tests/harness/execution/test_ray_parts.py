"""What Ray's backend decides without a cluster, and the folder that actors have in common."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from harness.cells.atomic import shared_lock
from harness.execution.config import Cluster, ExecutionConfig
from model.errors import InputError

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


class FakeNodes:
    """Machines by name, as ``ray.nodes`` tells of them."""

    def __init__(self, **machines: dict[str, float]) -> None:
        self.machines = machines

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {"NodeID": name, "Alive": "dead" not in resources, "Resources": resources}
            for name, resources in self.machines.items()
        ]


class Actor:
    """An actor that is placed at once."""

    class node:
        @staticmethod
        def remote() -> object:
            return object()

    @classmethod
    def remote(cls, *arguments: object) -> Actor:
        return cls()


def make_backend(monkeypatch: pytest.MonkeyPatch, home: Path, ray_nodes: FakeNodes, **cluster: Any) -> Any:
    import harness.execution.ray.cluster as cluster_module

    monkeypatch.setattr(cluster_module.ray, "is_initialized", lambda: True)
    monkeypatch.setattr(cluster_module.ray, "nodes", ray_nodes.nodes)
    monkeypatch.setattr(cluster_module.ray, "remote", lambda **arguments: lambda trainer: Actor)
    monkeypatch.setattr(cluster_module.ray, "wait", lambda refs, **arguments: (refs, []))
    monkeypatch.setattr(cluster_module.ray, "get", lambda ref: "a")
    config = ExecutionConfig(home=home, jobs=100, threads=1, device="cpu")
    return cluster_module.RayCluster(config, Cluster(**cluster))


@pytest.mark.parametrize(
    ("cluster", "slots"),
    [
        ({}, 2 + 3),
        ({"cpus": 2}, 1 + 1),  # what is left of one machine and of another does not add up
        ({"gpus": 0.5}, 2),
        ({"gpus": 0.25, "cpus": 1}, 3),
        ({"gpus": 1.0}, 1),
    ],
)
def test_there_are_slots_for_what_fits_on_single_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cluster: dict[str, Any], slots: int
) -> None:
    ray_nodes = FakeNodes(
        a={"CPU": 2.0, "memory": 1e9}, b={"CPU": 3.0, "GPU": 1.0}, c={"CPU": 64.0, "GPU": 8.0, "dead": 1.0}
    )
    assert make_backend(monkeypatch, tmp_path, ray_nodes, **cluster).slots() == slots


def test_no_slot_is_waited_for_a_minute_on_a_cluster_and_not_at_all_on_ones_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import harness.execution.ray.cluster as cluster_module

    ray_nodes, now = FakeNodes(a={"CPU": 2.0}), 1000.0
    monkeypatch.setattr(cluster_module.time, "monotonic", lambda: now)
    with pytest.raises(InputError, match="no machine with a place for a cell, which takes 1 CPU and 1 GPU; start one"):
        own = make_backend(monkeypatch, tmp_path, ray_nodes, gpus=1.0)
        now += cluster_module.CHECK_SECONDS
        own.slots()
    other = make_backend(monkeypatch, tmp_path, ray_nodes, gpus=1.0, address="auto")
    for _ in range(29):
        now += cluster_module.CHECK_SECONDS
        assert other.slots() == 0
    ray_nodes.machines["b"] = {"CPU": 1.0, "GPU": 1.0}
    now += cluster_module.CHECK_SECONDS
    assert other.slots() == 1
    del ray_nodes.machines["b"]
    now += cluster_module.CHECK_SECONDS
    assert other.slots() == 0
    now += cluster_module.PATIENCE
    with pytest.raises(InputError, match="the same command goes on from here"):
        other.slots()


def test_folders_of_dead_jobs_are_removed_and_those_of_living_ones_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from harness.execution.ray.actor import Scratch

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = Scratch("1")
    second = Scratch("1")  # another actor of the job
    assert first.folder == second.folder
    begins = f"import tempfile; tempfile.tempdir = {str(tmp_path)!r}; from harness.execution.ray.actor import Scratch; "
    done = subprocess.run(
        [sys.executable, "-c", begins + "print(Scratch('dead').folder)"], capture_output=True, text=True, check=True
    )
    dead = Path(done.stdout.strip())
    assert dead.is_dir() and dead.parent == first.folder.parent
    third = Scratch("2")
    assert first.folder.is_dir() and third.folder.is_dir() and not dead.exists()
    for each in (first, second, third):
        each.lock.close()


def test_a_shared_lock_is_shared_and_not_got_alone(tmp_path: Path) -> None:
    from harness.cells.atomic import try_lock

    with shared_lock(tmp_path / "lock"), shared_lock(tmp_path / "lock"):
        assert try_lock(tmp_path / "lock") is None
    alone = try_lock(tmp_path / "lock")
    assert alone is not None
    alone.close()


def test_only_where_cells_are_short_and_every_actor_has_one_are_they_dispatched_two_deep(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    backend = make_backend(monkeypatch, tmp_path, FakeNodes(a={"CPU": 2.0}))
    first, second = backend.start_worker(), backend.start_worker()
    assert first.actor is not second.actor and backend.slots() == 2
    job: Any = object()
    backend.durations.extend([0.05] * 15)
    assert backend.slots() == 2  # too few to tell
    backend.durations.append(0.05)
    assert backend.slots() == 4
    more, most = backend.start_worker(), backend.start_worker()
    assert {more.actor, most.actor} == {first.actor, second.actor}
    first.job = job
    assert second.is_ready() and not more.is_ready()  # it would wait while an actor has nothing to do
    second.job = job
    assert more.is_ready() and most.is_ready()
    backend.durations.append(2.0)  # a long one: whoever waits behind it waits in vain
    assert backend.slots() == 2
    assert more.is_ready() and not more.assign(job)  # so that it is removed
