"""A Ray cluster as a backend, whose workers are actors.

An actor trains in a folder of its own machine and streams its files to the driver, which puts them into the results
folder; where that is shared, the actor trains there itself. What cells name, a data folder or an encoder, goes through
Ray's object store once a machine.
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

from harness.cells.home import encoders_folder
from harness.execution.config import Cluster, ExecutionConfig
from harness.execution.events import WorkerMessage
from harness.execution.jobs import Job
from harness.execution.local import worker_environment
from harness.execution.pool import WorkerDied, WorkerHandle
from harness.execution.ray.actor import Trainer
from harness.execution.ray.worker_handle import RayWorker
from harness.execution.transfer import local_inputs, make_parcel, read_files
from harness.registry import plugins
from model.errors import InputError, shown

CODE = tuple(map(importlib.import_module, ("experiments", "harness", "model", "reports")))  # sent to its machines
LOOPBACK = "127.0.0.1"
CHECK_SECONDS = 2.0  # between looks at the cluster's resources
PATIENCE = 60.0  # seconds without a machine that could take a cell
SHORT_CELL = 1.0  # seconds: where all cells are shorter, an actor has its next one queued


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
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"--address {address}: nobody answers there ({reason}); is Ray running?") from None


class RayCluster:
    """A Ray cluster (``harness.execution.pool.Backend``)."""

    def __init__(self, config: ExecutionConfig, cluster: Cluster, trainer: type = Trainer) -> None:
        self.config, self.cluster = config, cluster
        self.owns_ray = not ray.is_initialized()
        self.workers: list[RayWorker] = []
        self.messages: queue.SimpleQueue[tuple[RayWorker, WorkerMessage | WorkerDied | Exception]] = queue.SimpleQueue()
        self.durations: deque[float] = deque(maxlen=16)  # seconds of the last cells
        self._encoder_lock = threading.Lock()
        self._parcels: dict[str, Any] = {}
        self._encoders: dict[str, Any] = {}
        self._checked_at, self._slots, self._last_slots_at = -CHECK_SECONDS, 0, time.monotonic()
        if self.owns_ray:
            self.connect()
        self.actors = ray.remote(
            num_cpus=cluster.cpus,
            num_gpus=cluster.gpus,
            max_concurrency=5,  # two cells, an answer and two queries
            runtime_env={"env_vars": worker_environment(config.threads)},
        )(trainer)

    def connect(self) -> None:
        """``InputError`` where there is no such cluster."""
        address = self.cluster.address
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
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
            reason = textwrap.shorten(str(error), 200, placeholder=" ...")
            if address is None:
                raise InputError(f"Ray cannot be started on this machine ({reason}); --on local needs none") from None
            raise InputError(
                f"--address {address}: Ray cannot be reached there ({reason}); is it running, and if it asks for a "
                "token, is it this one (RAY_AUTH_TOKEN_PATH)?"
            ) from None

    def slots(self) -> int:
        """``InputError`` once no machine could take a cell for a minute."""
        return self.capacity() * (2 if self.has_short_cells() else 1)

    def capacity(self) -> int:
        """The largest number of actors."""
        if time.monotonic() - self._checked_at >= CHECK_SECONDS:
            self._checked_at, self._slots = time.monotonic(), sum(map(self.cells_fitting, self.nodes().values()))
            self._last_slots_at = self._checked_at if self._slots else self._last_slots_at
            if self._checked_at - self._last_slots_at > (PATIENCE if self.cluster.address else 0.0):
                raise InputError(
                    f"Ray has no machine with a place for a cell, which takes {self.cluster.cell_resources}; start "
                    "one, or lower --cpus-per-cell or --gpus-per-cell; the same command goes on from here"
                )
        return min(self.config.jobs, self._slots)

    def has_short_cells(self) -> bool:
        """Whether cells are so short that the time between them counts."""
        return len(self.durations) == self.durations.maxlen and max(self.durations) < SHORT_CELL

    def all_busy(self) -> bool:
        """Whether every actor has a cell."""
        return all(worker.job or worker.died for worker in self.workers if worker.first is None)

    def nodes(self) -> dict[str, dict[str, float]]:
        """Resources of each living machine."""
        return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}

    def cells_fitting(self, resources: Mapping[str, float]) -> int:
        """The number of cells that fit on a machine."""
        wants = {"CPU": self.cluster.cpus, "GPU": self.cluster.gpus}
        return min(int(resources.get(what, 0.0) / amount + 1e-9) for what, amount in wants.items() if amount)

    def start_worker(self) -> RayWorker:
        alive = [worker for worker in self.workers if worker.died is None]
        single = [
            worker for worker in alive if worker.first is None and all(each.first is not worker for each in alive)
        ]
        if len(alive) >= self.capacity() and single and self.has_short_cells():
            self.workers.append(RayWorker(self, single[0].actor, single[0]))
        else:
            self.workers.append(RayWorker(self, self.actors.remote(self.config, self.cluster.shared)))
        return self.workers[-1]

    def parcels(self, job: Job) -> dict[str, Any]:
        """Files of this machine that the cell names, in the object store."""
        if self.cluster.shared:
            return {}
        for name in local_inputs(job.cell):
            if name not in self._parcels:
                self._parcels[name] = ray.put(make_parcel(name))
        return {name: self._parcels[name] for name in local_inputs(job.cell)}

    def encoders(self) -> dict[str, Any]:
        """The encoders made in the results folder, in the object store."""
        if self.cluster.shared:
            return {}
        for path in encoders_folder(self.config.home).glob("[!.]*/"):
            if path.name not in self._encoders:
                self._encoders[path.name] = ray.put(read_files(path))
        return dict(self._encoders)

    def fetch_encoder(self, name: str, actor: Any) -> None:
        """Copy an actor's encoder to the results folder."""
        target = encoders_folder(self.config.home) / name
        with self._encoder_lock:
            if not target.is_dir():
                aside = target.with_name(f".{name}-{os.getpid()}")
                ray.get(actor.encoder_files.remote(name)).write(aside)
                with contextlib.suppress(OSError):
                    aside.rename(target)

    def poll(
        self, workers: Sequence[WorkerHandle], seconds: float
    ) -> Iterator[tuple[WorkerHandle, WorkerMessage | WorkerDied]]:
        with contextlib.suppress(queue.Empty):
            worker, message = self.messages.get(timeout=seconds)
            while True:
                if isinstance(message, Exception):
                    raise message
                yield worker, message
                worker, message = self.messages.get_nowait()

    def close(self) -> None:
        alive = [worker for worker in self.workers if worker.died is None and worker.first is None]
        with contextlib.suppress(RayError):
            ray.wait([worker.actor.clean_up.remote() for worker in alive if worker.node], timeout=2.0)
        for worker in alive:
            with contextlib.suppress(RayError):
                ray.kill(worker.actor)
        for worker in self.workers:
            if worker.follower is not None:
                worker.follower.join(2.0)  # it releases its lease by then
        if self.owns_ray:
            ray.shutdown()
