"""Workers that are actors on a Ray cluster. The only file that knows Ray.

An actor trains in a folder of its own machine and streams what it writes there to the driver, which has it in the home;
with a shared home it trains there itself. What cells name, a data folder or an encoder, goes through Ray's object store
once a machine.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import ray
from ray.exceptions import RayError

import experiments
import harness
import model
import reports
from harness.claims import Claim, claim
from harness.execute.cluster import Cluster
from harness.execute.crew import Died, Hand
from harness.execute.local import worker_environment
from harness.execute.news import Machine, Said
from harness.execute.orders import Order
from harness.execute.serve import Line, turn
from harness.execute.shipping import Changes, Files, Parcel, packed, parcel, places
from model.errors import InputError

CODE: tuple[ModuleType, ...] = (experiments, harness, model, reports)
LOOPBACK = "127.0.0.1"
LOOK = 2.0  # seconds between looks at what the cluster has
GOING = ("share", "epochs")  # what is said of a cell that goes on


class Queues:
    """Two queues as a line's pipe."""

    def __init__(self) -> None:
        self.out: queue.SimpleQueue[Said | BaseException] = queue.SimpleQueue()
        self.into: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._next: list[Any] = []

    def send(self, said: Said, /) -> None:
        self.out.put(said)

    def poll(self, timeout: float = 0.0, /) -> bool:
        if not self._next:
            with contextlib.suppress(queue.Empty):
                self._next.append(self.into.get(timeout=timeout) if timeout else self.into.get_nowait())
        return bool(self._next)

    def recv(self) -> Any:
        self.poll(3600.0)
        return self._next.pop()


class Trainer:
    """What runs on the cluster: a worker with a folder of its own, or with the shared home."""

    def __init__(self, machine: Machine, shared: bool) -> None:
        from harness.execute.work import Worker

        job = ray.get_runtime_context().get_job_id()
        self.common = Path(tempfile.gettempdir()) / f"ablation-harness-{os.getuid()}-{job}"  # of this machine's actors
        self.shared = shared
        if not shared:
            self.common.mkdir(mode=0o700, exist_ok=True)
        home = machine.home if shared else Path(tempfile.mkdtemp(dir=self.common))
        self.pipe = Queues()
        self.line = Line(self.pipe)
        self.worker = Worker(home, machine.threads, machine.device, machine.checkpoint_seconds, self.line.stop)

    def hear(self, word: bool | None) -> None:
        self.pipe.into.put(word)

    def train(
        self, order: Order, left: Files | None, parcels: Mapping[str, Any], encoders: Mapping[str, Any]
    ) -> Iterator[Said | Files]:
        """Train one cell; what it wrote comes before what is said of it."""
        folder = self.worker.home / "cells" / order.cell.id
        if left is not None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            left.write(folder)
        self.worker.here = {name: self.unpacked(ref) for name, ref in parcels.items()}
        for name, ref in encoders.items():
            if not (self.worker.home / "encoders" / name).is_dir():
                self.get(ref).write(self.worker.home / "encoders" / name)
        changes = None if self.shared else Changes(folder)
        threading.Thread(target=self._turn, args=(order,), daemon=True).start()
        while True:
            said = self.pipe.out.get()
            if isinstance(said, BaseException):
                raise said
            if changes is not None and (written := changes.take()):
                yield written
            yield said
            if said.kind not in GOING:
                break
        if not self.shared:
            shutil.rmtree(folder, ignore_errors=True)

    def _turn(self, order: Order) -> None:
        try:
            self.pipe.out.put(turn(self.worker, self.line, order))
        except BaseException as error:
            self.pipe.out.put(error)

    def unpacked(self, ref: Any) -> str:
        told: Parcel = self.get(ref)
        return told.unpack(self.common / "parcels")

    def get(self, ref: Any) -> Any:
        return ray.get(ref)

    def made(self, name: str) -> Files:
        """An encoder that this actor has made."""
        return packed(self.worker.home / "encoders" / name)

    def encoders(self) -> list[str]:
        return sorted(path.name for path in (self.worker.home / "encoders").glob("[!.]*/"))

    def tidy(self) -> None:
        """Leave nothing on this machine."""
        if not self.shared:
            shutil.rmtree(self.common, ignore_errors=True)


class Remote:
    """An actor (``harness.execute.crew.Hand``), and the claim on what it trains."""

    def __init__(self, site: RayCluster, actor: Any) -> None:
        self.site, self.actor = site, actor
        self.order: Order | None = None
        self.stream: Any = None
        self.claim: Claim | None = None
        self.fetched = self.gone = False

    def give(self, order: Order) -> bool:
        if self.gone:
            return False
        folder, left = self.site.machine.home / "cells" / order.cell.id, None
        if not self.site.cluster.shared:
            self.claim = claim(self.site.machine.home, order.cell.id)
            if self.claim is None:
                return True  # listen says that it is busy
            self.claim.__enter__()
            left = packed(folder)
        parcels, encoders = self.site.parcels(order), self.site.encoders()
        self.stream = self.actor.train.remote(order, left, parcels, encoders)
        return True

    def tell(self, word: bool | None) -> None:
        self.actor.hear.remote(word)

    def heard(self) -> Iterator[Said | Died]:
        """What has come of its stream: files are kept, words are passed on."""
        try:
            told = ray.get(next(self.stream))
        except (RayError, StopIteration) as error:
            self.leave()
            self.gone = True
            yield Died(f"its worker is gone ({' '.join(str(error).split())[:120] or type(error).__name__})")
            return
        if isinstance(told, Files):
            assert self.order is not None
            told.write(self.site.machine.home / "cells" / self.order.cell.id)
            return
        if told.kind not in GOING:
            self.leave()
        elif told.kind == "share" and not told.preparing:
            self.site.fetch(self)
        yield told

    def leave(self) -> None:
        """Have no claim and no stream any more."""
        self.stream = None
        if self.claim is not None:
            self.claim.__exit__(None, None, None)
            self.claim = None


class RayCluster:
    """A Ray cluster (``harness.execute.crew.Site``)."""

    def __init__(self, machine: Machine, cluster: Cluster) -> None:
        self.machine, self.cluster = machine, cluster
        self.began = not ray.is_initialized()
        self.hired: list[Remote] = []
        self._parcels: dict[str, Any] = {}
        self._encoders: dict[str, Any] = {}
        self._looked, self._room = -LOOK, 0
        if self.began:
            self.connect()
        self.actors = ray.remote(
            num_cpus=cluster.cpus,
            num_gpus=cluster.gpus,
            max_concurrency=4,
            runtime_env={"env_vars": worker_environment(machine.threads)},
        )(Trainer)

    def connect(self) -> None:
        """``InputError`` where there is no such cluster."""
        address = self.cluster.address
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
        more: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": LOOPBACK}
        if address:  # this code goes there, too
            more = {"runtime_env": {"py_modules": [str(Path(each.__path__[0])) for each in CODE]}}
        try:
            ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **more)
        except (ConnectionError, RayError, ValueError, RuntimeError, OSError) as error:
            told = " ".join(str(error).split())[:200]
            raise InputError(f"--address {self.cluster.address}: Ray cannot be reached there ({told})") from None

    def room(self) -> int:
        if time.monotonic() - self._looked >= LOOK:
            held = ray.cluster_resources()
            room = held.get("CPU", 0.0) / self.cluster.cpus
            if self.cluster.gpus:
                room = min(room, held.get("GPU", 0.0) / self.cluster.gpus)
            self._looked, self._room = time.monotonic(), int(room + 1e-9)
        return min(self.machine.jobs, self._room)

    def hire(self) -> Remote:
        self.hired.append(Remote(self, self.actors.remote(self.machine, self.cluster.shared)))
        return self.hired[-1]

    def parcels(self, order: Order) -> dict[str, Any]:
        """What the cell names of this machine, in the object store."""
        if self.cluster.shared:
            return {}
        for name in places(order.cell):
            if name not in self._parcels:
                self._parcels[name] = ray.put(parcel(name))
        return {name: self._parcels[name] for name in places(order.cell)}

    def encoders(self) -> dict[str, Any]:
        """The encoders that the home has made, in the object store."""
        if self.cluster.shared:
            return {}
        for path in (self.machine.home / "encoders").glob("[!.]*/"):
            if path.name not in self._encoders:
                self._encoders[path.name] = ray.put(packed(path))
        return dict(self._encoders)

    def fetch(self, hand: Remote) -> None:
        """Have the encoders that the actor has made in the home, for the others."""
        if self.cluster.shared or hand.fetched:
            return
        hand.fetched = True
        for name in ray.get(hand.actor.encoders.remote()):
            target = self.machine.home / "encoders" / name
            if not target.is_dir():
                aside = target.with_name(f".{name}-{os.getpid()}")
                ray.get(hand.actor.made.remote(name)).write(aside)
                with contextlib.suppress(OSError):
                    aside.rename(target)

    def listen(self, hands: Sequence[Hand], seconds: float) -> Iterator[tuple[Hand, Said | Died]]:
        working = [hand for hand in self.hired if hand in hands]
        for hand in working:
            if hand.stream is None:
                yield hand, Said("busy")
        streams = {hand.stream: hand for hand in working if hand.stream is not None}
        if not streams:
            time.sleep(seconds)
            return
        ready, _ = ray.wait(list(streams), num_returns=1, timeout=seconds, fetch_local=False)
        if ready:
            ready, _ = ray.wait(list(streams), num_returns=len(streams), timeout=0, fetch_local=False)
        for stream in ready:
            for said in streams[stream].heard():
                yield streams[stream], said

    def close(self) -> None:
        for hand in self.hired:
            hand.leave()
        with contextlib.suppress(RayError):
            ray.wait([hand.actor.tidy.remote() for hand in self.hired if not hand.gone], timeout=2.0)
        for hand in self.hired:
            with contextlib.suppress(RayError):
                ray.kill(hand.actor)
        if self.began:
            ray.shutdown()
