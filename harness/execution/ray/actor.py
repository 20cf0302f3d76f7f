"""What runs on a Ray cluster's machines: an actor that trains cells in a folder of its own, or in a shared home."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ray

from harness.cells.atomic import locked, shared_lock, try_lock
from harness.execution.config import ExecutionConfig
from harness.execution.events import WorkerMessage
from harness.execution.jobs import Job
from harness.execution.transfer import Changes, Files, Parcel, read_files
from harness.execution.worker import ParentConnection, run_job

ONGOING = ("share", "note", "epochs")  # what is said of a cell that goes on


@dataclasses.dataclass(frozen=True)
class ActorUpdate:
    """What an actor says of its cell, and what it wrote before it said so."""

    said: Sequence[WorkerMessage]
    written: Files | None


class QueuePipe:
    """Two queues as a line's pipe."""

    def __init__(self) -> None:
        self.out: queue.SimpleQueue[WorkerMessage | BaseException] = queue.SimpleQueue()
        self.into: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._next: list[Any] = []

    def send(self, said: WorkerMessage, /) -> None:
        self.out.put(said)

    def heard(self) -> list[WorkerMessage]:
        """What has been sent since, once there is something. It raises what ended the sender."""
        said: list[WorkerMessage] = []
        while not said or not self.out.empty():
            each = self.out.get()
            if isinstance(each, BaseException):
                raise each
            said.append(each)
        return said

    def poll(self, timeout: float = 0.0, /) -> bool:
        if not self._next:
            with contextlib.suppress(queue.Empty):
                self._next.append(self.into.get(timeout=timeout) if timeout else self.into.get_nowait())
        return bool(self._next)

    def recv(self) -> Any:
        self.poll(3600.0)
        return self._next.pop()


class Scratch:
    """A folder that the actors of one job have in common on a machine. Those of dead jobs are removed."""

    def __init__(self, job: str) -> None:
        start = Path(tempfile.gettempdir()) / f"ablation-harness-{os.getuid()}"
        with locked(start.with_name(f"{start.name}.lock")):
            for other in start.parent.glob(f"{start.name}-*/"):
                held = try_lock(other / "lock")
                if held is not None:
                    shutil.rmtree(other, ignore_errors=True)
                    held.close()
            self.folder = start.with_name(f"{start.name}-{job}")
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.held = shared_lock(self.folder / "lock")


class Trainer:
    """A worker with a folder of its own, or with the shared home."""

    def __init__(self, machine: ExecutionConfig, shared: bool) -> None:
        from harness.execution.train_cell import Worker

        self.shared = shared
        self.scratch = None if shared else Scratch(ray.get_runtime_context().get_job_id())
        home = machine.home if self.scratch is None else Path(tempfile.mkdtemp(dir=self.scratch.folder))
        self.pipe, self.alone = QueuePipe(), threading.Lock()  # of the cell in training
        self.line = ParentConnection(self.pipe)
        self.worker = Worker(home, machine.threads, machine.device, machine.checkpoint_seconds, self.line.stop)

    def node(self) -> str:
        """Where it is, once it has a place."""
        return str(ray.get_runtime_context().get_node_id())

    def hear(self, word: bool | None) -> None:
        self.pipe.into.put(word)

    def train(
        self, order: Job, left: Files | None, parcels: Mapping[str, Any], encoders: Mapping[str, Any]
    ) -> Iterator[ActorUpdate]:
        """Train one cell, after any that is in training, and tell how it goes."""
        folder = self.worker.home / "cells" / order.cell.id
        if left is not None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            left.write(folder)
        for name, ref in encoders.items():
            if not (self.worker.home / "encoders" / name).is_dir():
                self.get(ref).write(self.worker.home / "encoders" / name)
        here = {name: self.unpacked(ref) for name, ref in parcels.items()}
        changes, pipe = None if self.shared else Changes(folder), QueuePipe()
        threading.Thread(target=self.turn, args=(order, here, pipe), daemon=True).start()
        going = True
        while going:
            said = pipe.heard()
            going = said[-1].kind in ONGOING
            yield ActorUpdate(said, changes.take() if changes is not None else None)
        if not self.shared:
            shutil.rmtree(folder, ignore_errors=True)

    def turn(self, order: Job, here: Mapping[str, str], pipe: QueuePipe) -> None:
        """Train, once no other cell is in training."""
        try:
            with self.alone:
                self.worker.here, self.pipe, self.line.pipe = here, pipe, pipe
                last = run_job(self.worker, self.line, order)
            pipe.out.put(last)
        except BaseException as error:
            pipe.out.put(error)

    def unpacked(self, ref: Any) -> str:
        assert self.scratch is not None
        told: Parcel = self.get(ref)
        return told.unpack(self.scratch.folder / "parcels")

    def get(self, ref: Any) -> Any:
        return ray.get(ref)

    def made(self, name: str) -> Files:
        """An encoder that this actor has made."""
        return read_files(self.worker.home / "encoders" / name)

    def encoders(self) -> list[str]:
        return sorted(path.name for path in (self.worker.home / "encoders").glob("[!.]*/"))

    def tidy(self) -> None:
        """Leave nothing on this machine."""
        if self.scratch is not None:
            shutil.rmtree(self.scratch.folder, ignore_errors=True)
