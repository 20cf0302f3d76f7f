"""What Ray's site decides without a cluster, and the folder that actors have in common."""

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


class Cloud:
    """Machines by name, as ``ray.nodes`` tells of them."""

    def __init__(self, **machines: dict[str, float]) -> None:
        self.machines = machines

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": name, "Alive": "dead" not in has, "Resources": has} for name, has in self.machines.items()]


class Actor:
    """One that has a place at once."""

    class node:
        @staticmethod
        def remote() -> object:
            return object()

    @classmethod
    def remote(cls, *given: object) -> Actor:
        return cls()


def site(monkeypatch: pytest.MonkeyPatch, home: Path, cloud: Cloud, **cluster: Any) -> Any:
    import harness.execution.ray.cluster as place

    monkeypatch.setattr(place.ray, "is_initialized", lambda: True)
    monkeypatch.setattr(place.ray, "nodes", cloud.nodes)
    monkeypatch.setattr(place.ray, "remote", lambda **given: lambda trainer: Actor)
    monkeypatch.setattr(place.ray, "wait", lambda refs, **given: (refs, []))
    monkeypatch.setattr(place.ray, "get", lambda ref: "a")
    config = ExecutionConfig(home=home, jobs=100, threads=1, device="cpu")
    return place.RayCluster(config, Cluster(**cluster))


@pytest.mark.parametrize(
    ("cluster", "room"),
    [
        ({}, 2 + 3),
        ({"cpus": 2}, 1 + 1),  # what is left of one machine and of another is no place
        ({"gpus": 0.5}, 2),
        ({"gpus": 0.25, "cpus": 1}, 3),
        ({"gpus": 1.0}, 1),
    ],
)
def test_there_is_room_for_what_fits_on_single_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cluster: dict[str, Any], room: int
) -> None:
    cloud = Cloud(a={"CPU": 2.0, "memory": 1e9}, b={"CPU": 3.0, "GPU": 1.0}, c={"CPU": 64.0, "GPU": 8.0, "dead": 1.0})
    assert site(monkeypatch, tmp_path, cloud, **cluster).room() == room


def test_no_room_is_waited_for_a_minute_on_a_cluster_and_not_at_all_on_ones_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import harness.execution.ray.cluster as place

    cloud, now = Cloud(a={"CPU": 2.0}), 1000.0
    monkeypatch.setattr(place.time, "monotonic", lambda: now)
    with pytest.raises(InputError, match="no machine with a place for a cell, which takes 1 CPU and 1 GPU; start one"):
        own = site(monkeypatch, tmp_path, cloud, gpus=1.0)
        now += place.LOOK
        own.room()
    other = site(monkeypatch, tmp_path, cloud, gpus=1.0, address="auto")
    for _ in range(29):
        now += place.LOOK
        assert other.room() == 0
    cloud.machines["b"] = {"CPU": 1.0, "GPU": 1.0}
    now += place.LOOK
    assert other.room() == 1
    del cloud.machines["b"]
    now += place.LOOK
    assert other.room() == 0
    now += place.PATIENCE
    with pytest.raises(InputError, match="the same command goes on from here"):
        other.room()


def test_folders_of_dead_jobs_are_removed_and_those_of_living_ones_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from harness.execution.ray.actor import Scratch

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = Scratch("1")
    second = Scratch("1")  # another actor of the job
    assert first.folder == second.folder
    begins = f"import tempfile; tempfile.tempdir = {str(tmp_path)!r}; from harness.execution.ray.actor import Scratch; "
    told = subprocess.run(
        [sys.executable, "-c", begins + "print(Scratch('dead').folder)"], capture_output=True, text=True, check=True
    )
    dead = Path(told.stdout.strip())
    assert dead.is_dir() and dead.parent == first.folder.parent
    third = Scratch("2")
    assert first.folder.is_dir() and third.folder.is_dir() and not dead.exists()
    for each in (first, second, third):
        each.held.close()


def test_a_shared_lock_is_shared_and_not_got_alone(tmp_path: Path) -> None:
    from harness.cells.atomic import try_lock

    with shared_lock(tmp_path / "lock"), shared_lock(tmp_path / "lock"):
        assert try_lock(tmp_path / "lock") is None
    alone = try_lock(tmp_path / "lock")
    assert alone is not None
    alone.close()


def test_only_where_cells_are_brisk_and_every_actor_has_one_are_they_dealt_two_deep(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = site(monkeypatch, tmp_path, Cloud(a={"CPU": 2.0}))
    first, second = made.hire(), made.hire()
    assert first.actor is not second.actor and made.room() == 2
    some: Any = object()  # an order
    made.spent.extend([0.05] * 15)
    assert made.room() == 2  # too few to tell
    made.spent.append(0.05)
    assert made.room() == 4
    more, most = made.hire(), made.hire()
    assert {more.actor, most.actor} == {first.actor, second.actor}
    first.order = some
    assert second.ready() and not more.ready()  # it would wait while an actor has nothing to do
    second.order = some
    assert more.ready() and most.ready()
    made.spent.append(2.0)  # a long one: whoever waits behind it waits in vain
    assert made.room() == 2
    assert more.ready() and not more.give(some)  # so that it is let go
