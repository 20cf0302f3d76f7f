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
    """What a worker's environment has beside or instead of this process's."""
    kept = {name: os.environ.get(name, value) for name, value in ALLOCATOR_SETTINGS.items()}
    return {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)} | kept


class LocalWorker:
    """A worker process behind a pipe (``harness.execution.pool.WorkerHandle``)."""

    def __init__(self, process: SpawnProcess, pipe: Connection) -> None:
        self.process, self.pipe = process, pipe
        self.order: Job | None = None

    def ready(self) -> bool:
        return True

    def give(self, order: Job) -> bool:
        try:
            self.pipe.send(order)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def tell(self, word: bool | None) -> None:
        """One that has died since is found out by its silence."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(word)

    def heard(self) -> WorkerMessage | WorkerDied:
        """What it says, once it has said something."""
        try:
            said: WorkerMessage = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join(5)
            return WorkerDied(f"its worker process ended with exit code {self.process.exitcode}")
        return said


class LocalBackend:
    """This machine (``harness.execution.pool.Backend``): ``jobs`` processes, hired when first needed."""

    def __init__(self, machine: ExecutionConfig) -> None:
        self.machine = machine
        self.hired: list[LocalWorker] = []

    def room(self) -> int:
        return self.machine.jobs

    def hire(self) -> LocalWorker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self.machine), daemon=True)
        os.environ |= worker_environment(self.machine.threads)
        process.start()
        theirs.close()
        self.hired.append(LocalWorker(process, ours))
        return self.hired[-1]

    def listen(
        self, hands: Sequence[WorkerHandle], seconds: float
    ) -> Iterator[tuple[WorkerHandle, WorkerMessage | WorkerDied]]:
        working = [hand for hand in self.hired if hand in hands]
        ready = wait([hand.pipe for hand in working], timeout=seconds)
        for hand in working:
            if hand.pipe in ready:
                yield hand, hand.heard()

    def close(self) -> None:
        for hand in self.hired:
            hand.process.kill()
        for hand in self.hired:
            hand.process.join(5)
