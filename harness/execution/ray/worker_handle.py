"""What a driver has of an actor: a hand of its crew, and a thread that keeps what comes of it."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

import ray
from ray.exceptions import ActorUnavailableError, RayError

from harness.cells.lease import Lease, take_lease
from harness.execution.config import Cluster, ExecutionConfig
from harness.execution.events import WorkerMessage
from harness.execution.jobs import Job
from harness.execution.pool import WorkerDied
from harness.execution.ray.actor import ONGOING, ActorUpdate
from harness.execution.transfer import read_files


class Driver(Protocol):
    """What a worker's handle asks of its cluster (``harness.execution.ray.cluster.RayCluster``)."""

    machine: ExecutionConfig
    cluster: Cluster
    heard: queue.SimpleQueue[tuple[RayWorker, WorkerMessage | WorkerDied | Exception]]
    spent: Any

    def brisk(self) -> bool: ...
    def busy(self) -> bool: ...
    def nodes(self) -> Mapping[str, Any]: ...
    def parcels(self, order: Job) -> Mapping[str, Any]: ...
    def encoders(self) -> Mapping[str, Any]: ...
    def have(self, name: str, actor: Any) -> None: ...


class RayWorker:
    """A place at an actor (``harness.execution.pool.WorkerHandle``), and the lease on what is trained there. A thread
    follows what the actor says. Where cells are brisk, an actor has a second place, whose cell waits for the first to
    end."""

    def __init__(self, site: Driver, actor: Any, first: RayWorker | None = None) -> None:
        self.site, self.actor, self.first = site, actor, first
        self.order: Job | None = None
        self.placed: Any = first.placed if first else actor.node.remote()  # answered where it has a place
        self.node: str | None = None
        self.follower: threading.Thread | None = None
        self.died: WorkerDied | None = None
        self.fetched: set[str] = set()  # encoders

    def ready(self) -> bool:
        if self.first and self.site.brisk() and not self.site.busy():
            return False
        if self.node is None and self.died is None and ray.wait([self.placed], timeout=0)[0]:
            try:
                self.node = ray.get(self.placed)
            except RayError as error:
                self.died = self.lost(error)
        return self.node is not None or self.died is not None

    def give(self, order: Job) -> bool:
        if self.first and (self.first.died or not self.site.brisk()):
            return False
        if self.died is not None:
            if self.died.guilty:  # it could not begin, and another would not, either
                self.site.heard.put((self, self.died))
            return self.died.guilty
        held, left = None, None
        if not self.site.cluster.shared:
            held = take_lease(self.site.machine.home, order.cell.id)
            if held is None:
                self.site.heard.put((self, WorkerMessage("busy")))
                return True
            left = read_files(held.folder)
        stream = self.actor.train.remote(order, left, self.site.parcels(order), self.site.encoders())
        self.follower = threading.Thread(target=self.follow, args=(order, stream, held), daemon=True)
        self.follower.start()
        return True

    def tell(self, word: bool | None) -> None:
        self.actor.hear.remote(word)

    def follow(self, order: Job, stream: Any, held: Lease | None) -> None:
        """Keep what it writes and pass on what it says, to the cell's end or its own."""
        last: WorkerMessage | WorkerDied | Exception = WorkerMessage("paused")
        began: float | None = None
        try:
            with held or contextlib.nullcontext():
                for ref in stream:
                    told: ActorUpdate = ray.get(ref)
                    began = began or time.monotonic()
                    if any(said.kind == "share" and not said.preparing for said in told.said):
                        self.fetch(order.cell.encoder)
                    if told.written is not None:
                        told.written.write(self.site.machine.home / "cells" / order.cell.id)
                    for last in told.said:
                        if last.kind in ONGOING:
                            self.site.heard.put((self, last))
            self.site.spent.append(time.monotonic() - (began or 0.0))
        except RayError as error:
            last = self.died = self.lost(error, began is not None)
        except Exception as error:  # of this machine: the one who listens has it
            last = error
        self.site.heard.put((self, last))

    def fetch(self, encoder: str) -> None:
        """Have the encoder that the actor has made, if so, in the home for the others."""
        if encoder not in self.fetched and not self.site.cluster.shared:
            self.fetched.add(encoder)
            for name in ray.get(self.actor.encoders.remote()):
                self.site.have(name, self.actor)

    def lost(self, error: Exception, began: bool = True) -> WorkerDied:
        """How it died; a cell is not to blame that did not begin, nor for a machine that is gone, too."""
        with contextlib.suppress(RayError):
            ray.kill(self.actor)
        living = self.node is None or self.node in self.site.nodes()
        if not living:
            return WorkerDied("its machine is gone", False)
        if isinstance(error, ActorUnavailableError):
            return WorkerDied("its machine cannot be reached", False)
        told = " ".join(str(error).split())[-200:] or type(error).__name__
        return WorkerDied(f"its worker is gone ({told})", began)
