"""A Ray cluster as a site of workers, which are actors.

An actor trains in a folder of its own machine and streams what it writes there to the driver, which has it in the home;
with a shared home it trains there itself. What cells name, a data folder or an encoder, goes through Ray's object store
once a machine.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import queue
import signal
import socket
import textwrap
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from harness.execution.config import Cluster, ExecutionConfig
from harness.execution.events import WorkerMessage
from harness.execution.jobs import Job
from harness.execution.local import worker_environment
from harness.execution.pool import WorkerDied, WorkerHandle
from harness.execution.ray.actor import Trainer
from harness.execution.ray.worker_handle import RayWorker
from harness.execution.transfer import read_files, make_parcel, local_inputs
from harness.registry import plugins
from model.errors import InputError, shown

CODE = tuple(map(importlib.import_module, ("experiments", "harness", "model", "reports")))  # sent to its machines
LOOPBACK = "127.0.0.1"
CHECK_SECONDS = 2.0  # seconds between looks at what the cluster has
PATIENCE = 60.0  # seconds without a machine that could take a cell
SHORT_CELL = 1.0  # seconds: where all cells are shorter, an actor has its next one at hand


def check_reachable(address: str) -> None:
    """``InputError`` where nobody answers; Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdecimal() or "/" in host:
        raise InputError(f"--address {shown(address, 80)} is no address of a Ray cluster; give HOST:PORT, or auto")
    try:
        socket.create_connection((host, int(port)), timeout=10.0).close()
    except (OSError, OverflowError, ValueError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise InputError(f"--address {address}: nobody answers there ({told}); is Ray running?") from None


class RayCluster:
    """A Ray cluster (``harness.execution.pool.Backend``)."""

    def __init__(self, machine: ExecutionConfig, cluster: Cluster, trainer: type = Trainer) -> None:
        self.machine, self.cluster = machine, cluster
        self.began = not ray.is_initialized()
        self.hired: list[RayWorker] = []
        self.heard: queue.SimpleQueue[tuple[RayWorker, WorkerMessage | WorkerDied | Exception]] = queue.SimpleQueue()
        self.spent: deque[float] = deque(maxlen=16)  # seconds of the last cells
        self._having = threading.Lock()
        self._parcels: dict[str, Any] = {}
        self._encoders: dict[str, Any] = {}
        self._looked, self._room, self._had = -CHECK_SECONDS, 0, time.monotonic()
        if self.began:
            self.connect()
        self.actors = ray.remote(
            num_cpus=cluster.cpus,
            num_gpus=cluster.gpus,
            max_concurrency=5,  # two cells, a word and two questions
            runtime_env={"env_vars": worker_environment(machine.threads)},
        )(trainer)

    def connect(self) -> None:
        """``InputError`` where there is no such cluster."""
        address = self.cluster.address
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
        more: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": LOOPBACK}
        if address:  # this code goes there, too
            check_reachable(address)
            for module in plugins.modules():
                ray.cloudpickle.register_pickle_by_value(module)
            more = {"runtime_env": {"py_modules": [str(Path(each.__path__[0])) for each in CODE]}}
        before = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **more)
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, before)  # Ray's own would end this process without a checkpoint
        except (ConnectionError, RayError, ValueError, RuntimeError, OSError) as error:
            told = textwrap.shorten(str(error), 200, placeholder=" ...")
            if address is None:
                raise InputError(f"Ray cannot be started on this machine ({told}); --on local needs none") from None
            raise InputError(
                f"--address {address}: Ray cannot be reached there ({told}); is it running, and if it asks for a "
                "token, is it this one (RAY_AUTH_TOKEN_PATH)?"
            ) from None

    def room(self) -> int:
        """``InputError`` once no machine could take a cell for a minute."""
        return self.capacity() * (2 if self.brisk() else 1)

    def capacity(self) -> int:
        """How many actors there may be."""
        if time.monotonic() - self._looked >= CHECK_SECONDS:
            self._looked, self._room = time.monotonic(), sum(map(self.cells, self.nodes().values()))
            self._had = self._looked if self._room else self._had
            if self._looked - self._had > (PATIENCE if self.cluster.address else 0.0):
                raise InputError(
                    f"Ray has no machine with a place for a cell, which takes {self.cluster.takes}; start one, or "
                    "lower --cpus-per-cell or --gpus-per-cell; the same command goes on from here"
                )
        return min(self.machine.jobs, self._room)

    def brisk(self) -> bool:
        """Whether cells are so short that what is between them counts."""
        return len(self.spent) == self.spent.maxlen and max(self.spent) < SHORT_CELL

    def busy(self) -> bool:
        """Whether every actor has a cell."""
        return all(hand.order or hand.died for hand in self.hired if hand.first is None)

    def nodes(self) -> dict[str, dict[str, float]]:
        """What each living machine has."""
        return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}

    def cells(self, has: Mapping[str, float]) -> int:
        """How many fit on a machine."""
        wants = {"CPU": self.cluster.cpus, "GPU": self.cluster.gpus}
        return min(int(has.get(what, 0.0) / amount + 1e-9) for what, amount in wants.items() if amount)

    def hire(self) -> RayWorker:
        living = [hand for hand in self.hired if hand.died is None]
        single = [hand for hand in living if hand.first is None and all(each.first is not hand for each in living)]
        if len(living) >= self.capacity() and single and self.brisk():
            self.hired.append(RayWorker(self, single[0].actor, single[0]))
        else:
            self.hired.append(RayWorker(self, self.actors.remote(self.machine, self.cluster.shared)))
        return self.hired[-1]

    def parcels(self, order: Job) -> dict[str, Any]:
        """What the cell names of this machine, in the object store."""
        if self.cluster.shared:
            return {}
        for name in local_inputs(order.cell):
            if name not in self._parcels:
                self._parcels[name] = ray.put(make_parcel(name))
        return {name: self._parcels[name] for name in local_inputs(order.cell)}

    def encoders(self) -> dict[str, Any]:
        """The encoders that the home has made, in the object store."""
        if self.cluster.shared:
            return {}
        for path in (self.machine.home / "encoders").glob("[!.]*/"):
            if path.name not in self._encoders:
                self._encoders[path.name] = ray.put(read_files(path))
        return dict(self._encoders)

    def have(self, name: str, actor: Any) -> None:
        """An actor's encoder in the home."""
        target = self.machine.home / "encoders" / name
        with self._having:
            if not target.is_dir():
                aside = target.with_name(f".{name}-{os.getpid()}")
                ray.get(actor.made.remote(name)).write(aside)
                with contextlib.suppress(OSError):
                    aside.rename(target)

    def listen(
        self, hands: Sequence[WorkerHandle], seconds: float
    ) -> Iterator[tuple[WorkerHandle, WorkerMessage | WorkerDied]]:
        with contextlib.suppress(queue.Empty):
            hand, said = self.heard.get(timeout=seconds)
            while True:
                if isinstance(said, Exception):
                    raise said
                yield hand, said
                hand, said = self.heard.get_nowait()

    def close(self) -> None:
        living = [hand for hand in self.hired if hand.died is None and hand.first is None]
        with contextlib.suppress(RayError):
            ray.wait([hand.actor.tidy.remote() for hand in living if hand.node], timeout=2.0)
        for hand in living:
            with contextlib.suppress(RayError):
                ray.kill(hand.actor)
        for hand in self.hired:
            if hand.follower is not None:
                hand.follower.join(2.0)  # its claim is left by then
        if self.began:
            ray.shutdown()
