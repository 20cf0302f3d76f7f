"""Workers that are processes on this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from harness.execution.config import ExecutionConfig
from harness.execution.events import WorkerMessage
from harness.execution.jobs import Job
from harness.execution.pool import WorkerDied, WorkerHandle
from harness.execution.worker import serve

# glibc gives large blocks back to the system when they are freed, and every update asks for them again: half a
# gigabyte of fresh pages for the gradients of a BERT-base. A worker keeps them. Other allocators ignore these names.
ALLOCATOR_SETTINGS = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 24)}


def worker_environment(threads: int) -> dict[str, str]:
    """Environment variables of a worker beside or instead of this process's."""
    allocator = {name: os.environ.get(name, value) for name, value in ALLOCATOR_SETTINGS.items()}
    return {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)} | allocator


class LocalWorker:
    """A worker process behind a pipe (``harness.execution.pool.WorkerHandle``)."""

    def __init__(self, process: SpawnProcess, pipe: Connection) -> None:
        self.process, self.pipe = process, pipe
        self.job: Job | None = None

    def is_ready(self) -> bool:
        return True

    def assign(self, job: Job) -> bool:
        try:
            self.pipe.send(job)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def send(self, answer: bool | None) -> None:
        """A worker that has died since is noticed when its pipe is read."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(answer)

    def receive(self) -> WorkerMessage | WorkerDied:
        """Its next message, once the pipe has one."""
        try:
            message: WorkerMessage = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join(5)
            return WorkerDied(f"its worker process ended with exit code {self.process.exitcode}")
        return message


class LocalBackend:
    """This machine (``harness.execution.pool.Backend``): ``jobs`` processes, started when first needed."""

    def __init__(self, config: ExecutionConfig) -> None:
        self.config = config
        self.workers: list[LocalWorker] = []

    def slots(self) -> int:
        return self.config.jobs

    def start_worker(self) -> LocalWorker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self.config), daemon=True)
        os.environ |= worker_environment(self.config.threads)
        process.start()
        theirs.close()
        self.workers.append(LocalWorker(process, ours))
        return self.workers[-1]

    def poll(
        self, workers: Sequence[WorkerHandle], seconds: float
    ) -> Iterator[tuple[WorkerHandle, WorkerMessage | WorkerDied]]:
        working = [worker for worker in self.workers if worker in workers]
        readable = wait([worker.pipe for worker in working], timeout=seconds)
        for worker in working:
            if worker.pipe in readable:
                yield worker, worker.receive()

    def close(self) -> None:
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.join(5)
