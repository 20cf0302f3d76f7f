"""The actor on a Ray cluster's machines, which trains cells in a folder of its own or in a shared results folder."""

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
from harness.cells.home import cell_folder, encoders_folder
from harness.execution.config import ExecutionConfig
from harness.execution.events import WorkerMessage
from harness.execution.jobs import Job
from harness.execution.transfer import Changes, Files, Parcel, read_files
from harness.execution.worker import ParentConnection, run_job

ONGOING = ("share", "note", "epochs")  # kinds of messages that do not end a cell


@dataclasses.dataclass(frozen=True)
class ActorUpdate:
    """Messages of an actor about its cell, and the files that it wrote before them."""

    messages: Sequence[WorkerMessage]
    files: Files | None


class QueuePipe:
    """Two queues with the interface of a pipe."""

    def __init__(self) -> None:
        self.out: queue.SimpleQueue[WorkerMessage | BaseException] = queue.SimpleQueue()
        self.into: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._next: list[Any] = []

    def send(self, message: WorkerMessage, /) -> None:
        self.out.put(message)

    def receive_all(self) -> list[WorkerMessage]:
        """All messages sent since, once there is one. Raises the error that ended the sender."""
        messages: list[WorkerMessage] = []
        while not messages or not self.out.empty():
            each = self.out.get()
            if isinstance(each, BaseException):
                raise each
            messages.append(each)
        return messages

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
                lock = try_lock(other / "lock")
                if lock is not None:
                    shutil.rmtree(other, ignore_errors=True)
                    lock.close()
            self.folder = start.with_name(f"{start.name}-{job}")
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.lock = shared_lock(self.folder / "lock")


class Trainer:
    """A worker with a folder of its own, or with the shared results folder."""

    def __init__(self, config: ExecutionConfig, shared: bool) -> None:
        from harness.execution.train_cell import Worker

        self.shared = shared
        self.scratch = None if shared else Scratch(ray.get_runtime_context().get_job_id())
        home = config.home if self.scratch is None else Path(tempfile.mkdtemp(dir=self.scratch.folder))
        self.pipe, self.one_job = QueuePipe(), threading.Lock()  # of the cell in training
        self.connection = ParentConnection(self.pipe)
        self.worker = Worker(
            home, config.threads, config.device, config.checkpoint_seconds, self.connection.should_stop
        )

    def node(self) -> str:
        """The Ray node, once the actor is placed."""
        return str(ray.get_runtime_context().get_node_id())

    def receive(self, answer: bool | None) -> None:
        self.pipe.into.put(answer)

    def train(
        self, job: Job, earlier_files: Files | None, parcels: Mapping[str, Any], encoders: Mapping[str, Any]
    ) -> Iterator[ActorUpdate]:
        """Train one cell, after any that is in training, and report how it goes."""
        folder = cell_folder(self.worker.home, job.cell.id)
        if earlier_files is not None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            earlier_files.write(folder)
        for name, ref in encoders.items():
            if not (encoders_folder(self.worker.home) / name).is_dir():
                self.get(ref).write(encoders_folder(self.worker.home) / name)
        local_paths = {name: self.unpack(ref) for name, ref in parcels.items()}
        changes, pipe = None if self.shared else Changes(folder), QueuePipe()
        threading.Thread(target=self.run_job, args=(job, local_paths, pipe), daemon=True).start()
        ongoing = True
        while ongoing:
            messages = pipe.receive_all()
            ongoing = messages[-1].kind in ONGOING
            yield ActorUpdate(messages, changes.take_new() if changes is not None else None)
        if not self.shared:
            shutil.rmtree(folder, ignore_errors=True)

    def run_job(self, job: Job, local_paths: Mapping[str, str], pipe: QueuePipe) -> None:
        """Train, once no other cell is in training."""
        try:
            with self.one_job:
                self.worker.local_paths, self.pipe, self.connection.pipe = local_paths, pipe, pipe
                last = run_job(self.worker, self.connection, job)
            pipe.out.put(last)
        except BaseException as error:
            pipe.out.put(error)

    def unpack(self, ref: Any) -> str:
        assert self.scratch is not None
        parcel: Parcel = self.get(ref)
        return parcel.unpack(self.scratch.folder / "parcels")

    def get(self, ref: Any) -> Any:
        return ray.get(ref)

    def encoder_files(self, name: str) -> Files:
        """An encoder that this actor has made."""
        return read_files(encoders_folder(self.worker.home) / name)

    def encoders(self) -> list[str]:
        return sorted(path.name for path in encoders_folder(self.worker.home).glob("[!.]*/"))

    def clean_up(self) -> None:
        """Leave nothing on this machine."""
        if self.scratch is not None:
            shutil.rmtree(self.scratch.folder, ignore_errors=True)
