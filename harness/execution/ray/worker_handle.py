"""A driver's handle of an actor, and a thread that stores what the actor sends."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

import ray
from ray.exceptions import ActorUnavailableError, RayError

from harness.cells.home import cell_folder
from harness.cells.lease import Lease, take_lease
from harness.execution.config import Cluster, ExecutionConfig
from harness.execution.events import WorkerMessage
from harness.execution.jobs import Job
from harness.execution.pool import WorkerDied
from harness.execution.ray.actor import ONGOING, ActorUpdate
from harness.execution.transfer import read_files


class Driver(Protocol):
    """The part of a cluster that a worker's handle uses (``harness.execution.ray.cluster.RayCluster``)."""

    config: ExecutionConfig
    cluster: Cluster
    messages: queue.SimpleQueue[tuple[RayWorker, WorkerMessage | WorkerDied | Exception]]
    durations: Any

    def has_short_cells(self) -> bool: ...
    def all_busy(self) -> bool: ...
    def nodes(self) -> Mapping[str, Any]: ...
    def parcels(self, job: Job) -> Mapping[str, Any]: ...
    def encoders(self) -> Mapping[str, Any]: ...
    def fetch_encoder(self, name: str, actor: Any) -> None: ...


class RayWorker:
    """An actor (``harness.execution.pool.WorkerHandle``), and the lease on its cell. A thread follows the actor's
    messages. Where cells are short, an actor has a second handle, whose cell waits for that of the ``first``."""

    def __init__(self, backend: Driver, actor: Any, first: RayWorker | None = None) -> None:
        self.backend, self.actor, self.first = backend, actor, first
        self.job: Job | None = None
        self.node_ref: Any = first.node_ref if first else actor.node.remote()  # resolved once the actor is placed
        self.node: str | None = None
        self.follower: threading.Thread | None = None
        self.died: WorkerDied | None = None
        self.fetched: set[str] = set()  # encoders

    def is_ready(self) -> bool:
        if self.first and self.backend.has_short_cells() and not self.backend.all_busy():
            return False
        if self.node is None and self.died is None and ray.wait([self.node_ref], timeout=0)[0]:
            try:
                self.node = ray.get(self.node_ref)
            except RayError as error:
                self.died = self.death_of(error)
        return self.node is not None or self.died is not None

    def assign(self, job: Job) -> bool:
        if self.first and (self.first.died or not self.backend.has_short_cells()):
            return False
        if self.died is not None:
            if self.died.cell_at_fault:  # it could not begin, and another would not, either
                self.backend.messages.put((self, self.died))
            return self.died.cell_at_fault
        lease, earlier_files = None, None
        if not self.backend.cluster.shared:
            lease = take_lease(self.backend.config.home, job.cell.id)
            if lease is None:
                self.backend.messages.put((self, WorkerMessage("busy")))
                return True
            earlier_files = read_files(lease.folder)
        stream = self.actor.train.remote(job, earlier_files, self.backend.parcels(job), self.backend.encoders())
        self.follower = threading.Thread(target=self.follow, args=(job, stream, lease), daemon=True)
        self.follower.start()
        return True

    def send(self, answer: bool | None) -> None:
        self.actor.receive.remote(answer)

    def follow(self, job: Job, stream: Any, lease: Lease | None) -> None:
        """Store the actor's files and pass on its messages, to the end of the cell or of the actor."""
        last: WorkerMessage | WorkerDied | Exception = WorkerMessage("paused")
        started: float | None = None
        try:
            with lease or contextlib.nullcontext():
                for ref in stream:
                    update: ActorUpdate = ray.get(ref)
                    started = started or time.monotonic()
                    if any(message.kind == "share" and not message.preparing for message in update.messages):
                        self.fetch_encoders(job.cell.encoder)
                    if update.files is not None:
                        update.files.write(cell_folder(self.backend.config.home, job.cell.id))
                    for last in update.messages:
                        if last.kind in ONGOING:
                            self.backend.messages.put((self, last))
            self.backend.durations.append(time.monotonic() - (started or 0.0))
        except RayError as error:
            last = self.died = self.death_of(error, started is not None)
        except Exception as error:  # of this machine: ``poll`` raises it
            last = error
        self.backend.messages.put((self, last))

    def fetch_encoders(self, encoder: str) -> None:
        """Copy encoders that the actor has made to the results folder, for the others."""
        if encoder not in self.fetched and not self.backend.cluster.shared:
            self.fetched.add(encoder)
            for name in ray.get(self.actor.encoders.remote()):
                self.backend.fetch_encoder(name, self.actor)

    def death_of(self, error: Exception, started: bool = True) -> WorkerDied:
        """Why it died; the cell is not at fault if it did not begin or its machine is gone, too."""
        with contextlib.suppress(RayError):
            ray.kill(self.actor)
        alive = self.node is None or self.node in self.backend.nodes()
        if not alive:
            return WorkerDied("its machine is gone", False)
        if isinstance(error, ActorUnavailableError):
            return WorkerDied("its machine cannot be reached", False)
        reason = " ".join(str(error).split())[-200:] or type(error).__name__
        return WorkerDied(f"its worker is gone ({reason})", started)
